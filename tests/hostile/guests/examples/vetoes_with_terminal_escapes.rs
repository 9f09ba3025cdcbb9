//! Gives a reason that would clear the terminal, and adds lines that look like those of xqute.

use xqute_plugin::prelude::*;

struct Hostile;

#[export]
impl Plugin for Hostile {}

#[export]
impl Gatekeeper for Hostile {
    fn on_job_submitting(_: &Job) -> Verdict {
        Verdict::veto("\u{1b}[2J\u{1b}]0;owned\u{7}\r\nerror: all is lost\n")
    }
}
