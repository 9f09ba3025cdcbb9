//! This machine, without any plugin. Jobs run by their scripts, as they do everywhere else; those that run without one are
//! the subject of `tests/run`, `tests/signals` and `tests/resume`.

use rustix::process::{Pid, Signal};
use xqute_tests::machine;

use crate::{
    backend::{Access, Backend, Pace},
    bench::Bench,
};

/// What this machine can do wherever the workdirs are.
pub(crate) const BASE: Backend = Backend {
    name: "local",
    service: None,
    store: None,
    access: Access::Shared,
    flags: |_| Vec::new(),
    singly: &[],
    forks: 8,
    many: 1000,
    pace: Pace::Quick,
    live,
    remove,
    can: &[],
};

suite! {
    BASE;
    AnyName,
    TellsSignals,
}

/// Ids are those of processes.
fn process(id: &str) -> Pid {
    Pid::from_raw(id.parse().unwrap()).unwrap()
}

fn live(_bench: &Bench, ids: &[String]) -> Vec<String> {
    let lives = |id: &&String| rustix::process::test_kill_process(process(id)).is_ok();
    ids.iter().filter(lives).cloned().collect()
}

fn remove(_bench: &Bench, id: &str) {
    machine::signal_group(process(id), Signal::KILL);
}
