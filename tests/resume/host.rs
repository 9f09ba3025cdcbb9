//! An xqute that may be killed at any moment, and what it recorded.

use std::{collections::BTreeMap, path::Path};

use rusqlite::{Connection, OpenFlags};
use rustix::process::Signal;
use serde_json::Value;
use xqute_tests::{Output, Running, Scratch, machine, wait_for};

/// Runs until the file `go` is there; says so in a file of its own. Each start leaves a line.
pub(crate) const WAITS: &str =
    "echo x >> \"ran.$XQUTE_JOB_INDEX\"; touch \"ready.$XQUTE_JOB_INDEX\"; until [[ -e go ]]; do sleep 0.01; done";

/// Leaves a line and ends.
pub(crate) const SHORT: &str = "echo x >> \"ran.$XQUTE_JOB_INDEX\"";

/// Kills the process, and nothing that it started.
pub(crate) fn kill(running: Running) {
    machine::keep_exit_codes();
    running.signal(Signal::KILL);
    running.wait();
}

/// How often a job left its line.
pub(crate) fn starts(scratch: &Scratch, job: u32) -> usize {
    let name = format!("ran.{job}");
    if scratch.has(&name) {
        scratch.read(&name).lines().count()
    } else {
        0
    }
}

/// `xqute run` with these arguments and the job file `jobs.txt`, to its end.
#[track_caller]
pub(crate) fn resume(scratch: &Scratch, args: &[&str]) -> Output {
    scratch.run(["--resume", "jobs.txt"].iter().chain(args))
}

/// What `xqute status --json` tells.
#[track_caller]
pub(crate) fn status(scratch: &Scratch) -> Value {
    let output = scratch.xqute(["status", "--json"]).run().exits(0);
    serde_json::from_str(&output.stdout).unwrap()
}

/// What `xqute status --json` tells, once that many jobs stand like this.
#[track_caller]
pub(crate) fn once(scratch: &Scratch, standing: &str, count: u64) -> Value {
    wait_for(&format!("{count} jobs are {standing}"), || {
        let status = status(scratch);
        (status["counts"][standing] == count).then_some(status)
    })
}

/// The jobs that are recorded as succeeded, with all that is recorded of them.
#[track_caller]
pub(crate) fn succeeded(scratch: &Scratch) -> BTreeMap<u64, Value> {
    let status = status(scratch);
    let jobs = status["jobs"].as_array().unwrap().iter();
    let done = jobs.filter(|job| job["state"] == "finished");
    done.map(|job| (job["index"].as_u64().unwrap(), job.clone())).collect()
}

/// The state, as SQLite sees it; nothing of it is changed.
pub(crate) fn database(path: &Path) -> Connection {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

/// Checks that SQLite finds nothing wrong with the state.
#[track_caller]
pub(crate) fn is_sound(path: &Path) {
    let said: String = database(path)
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(said, "ok");
}
