//! Jobs that somebody else ends.

use rustix::process::{Pid, Signal};
use serde_json::{Value, json};
use xqute_tests::{machine, wait_for};

use crate::{
    backend::Capability,
    bench::{Bench, Job, TRACE},
};

/// Known to be in the environment of what one of the jobs started.
const VICTIM: &str = "CONFORMANCE_VICTIM";

/// One is removed from the backend, the script of another is killed, a third one has nothing to do with it.
pub(crate) fn a_job_that_is_taken_away_ends_and_others_go_on(bench: &Bench) {
    let endless = || Job::new(format!("{TRACE}; sleep 600"));
    let mark = bench.scratch.path("").display().to_string();
    let killed = endless().with("env", json!({VICTIM: mark}));
    let waits = Job::new(format!("{TRACE}; until [[ -e go ]]; do sleep 0.1; done"));
    let run = bench
        .run(&[endless(), killed, waits])
        .args(["-j", "3"])
        .args(bench.backend.singly)
        .start();
    bench.wait_until_started(0..3);
    let ids = bench.ids(".xqute", 0..3);
    // What it started ends with it: no backend is asked to clean up behind what is none of its children.
    for process in wait_for("its processes are there", || script(&mark)) {
        machine::signal(process, Signal::KILL);
    }
    (bench.backend.remove)(bench, &ids[0]);
    let over = wait_for("both are over", || {
        let outcomes = bench.outcomes();
        outcomes[..2]
            .iter()
            .all(|outcome| !outcome.is_null())
            .then_some(outcomes)
    });
    assert!(over[2].is_null(), "{over:?}");
    bench.scratch.write("go", "");
    run.wait().exits(1).says("1 succeeded");
    assert!(is_gone(&over[0]), "removed: {}", over[0]);
    let told = [json!({"failed": {"signal": 9}}), json!({"failed": {"exit-code": 137}})];
    let lost = json!({"failed": "lost"});
    let tells_signals = bench
        .backend
        .find(|can| matches!(can, Capability::TellsSignals).then_some(()))
        .is_some();
    let known = told.contains(&over[1]);
    assert!(known || (!tells_signals && over[1] == lost), "killed: {}", over[1]);
    bench.has_no_jobs();
}

/// The shell that runs the script, which has its variables only after its start, and then what it started.
fn script(mark: &str) -> Option<Vec<Pid>> {
    let children = machine::processes_with(&format!("{VICTIM}={mark}"));
    let parent = machine::parent(*children.first()?)?;
    Some([vec![parent], children].concat())
}

/// Whether this is what can be known of a job that was removed: nobody but the one who did it can tell why.
fn is_gone(outcome: &Value) -> bool {
    let cause = &outcome["failed"];
    let code = cause["exit-code"]
        .as_i64()
        .or_else(|| Some(128 + cause["signal"].as_i64()?));
    *outcome == json!({"cancelled": "in-backend"}) || *cause == "lost" || matches!(code, Some(137 | 143))
}
