//! Exit codes, and signals that end the command.

use serde_json::json;

use crate::{backend::Backend, bench::Job, medley::Medley};

/// Signals that end a process, with and without a core, and the two that a shell treats in its own way. Who starts the tests by
/// nohup lets jobs ignore the first.
const SIGNALS: [(&str, i32); 4] = [("HUP", 1), ("KILL", 9), ("SEGV", 11), ("TERM", 15)];

pub(crate) fn jobs(backend: &Backend) -> Vec<Job> {
    let codes = backend.pace.exit_codes().into_iter();
    let codes = codes.map(|code| Job::new(format!("exit {code}")).key(code_name(code)));
    let signals = SIGNALS.map(|(name, _)| Job::new(format!("sh -c 'kill -{name} $$'")).key(name));
    codes.chain(signals).collect()
}

fn code_name(code: i32) -> String {
    format!("exit.{code}")
}

pub(crate) fn exit_codes_come_back(medley: &Medley) {
    medley.job(&code_name(0)).succeeded();
    for code in medley.backend.pace.exit_codes().into_iter().filter(|code| *code != 0) {
        let outcome = json!({"failed": {"exit-code": code}});
        medley.job(&code_name(code)).ended(code, &outcome);
    }
}

/// The shell around the command lives on, and tells.
pub(crate) fn a_signal_that_ends_the_command_comes_back(medley: &Medley) {
    for (name, number) in SIGNALS {
        let outcome = json!({"failed": {"exit-code": 128 + number}});
        medley.job(name).ended(128 + number, &outcome);
    }
}
