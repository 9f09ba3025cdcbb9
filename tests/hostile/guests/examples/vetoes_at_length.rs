//! Gives a reason of forty megabytes.

use xqute_plugin::prelude::*;

struct Hostile;

#[export]
impl Plugin for Hostile {}

#[export]
impl Gatekeeper for Hostile {
    fn on_job_submitting(_: &Job) -> Verdict {
        Verdict::veto("x".repeat(40 << 20))
    }
}
