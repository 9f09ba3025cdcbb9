//! Crashes in its hundredth call, and does its work in all others.

use xqute_plugin::prelude::*;

struct Hostile;

#[export]
impl Plugin for Hostile {}

#[export]
impl Gatekeeper for Hostile {
    fn on_job_submitting(_: &Job) -> Verdict {
        let calls = kv::get("calls").map_or(0, |bytes| bytes[0]) + 1;
        let _fits = kv::set("calls", &[calls]);
        if calls == 100 {
            std::process::abort();
        }
        Verdict::Proceed
    }
}
