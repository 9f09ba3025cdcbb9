//! What each row of the table needs: a run that is started in one of several situations, a signal that is sent to it, and
//! the look around afterwards.

use std::thread;

use rustix::process::Signal;
use serde_json::Value;
use xqute_tests::{Running, Scratch, Xqute};

/// Who is sent a signal.
#[derive(Clone, Copy, Debug)]
pub(crate) enum To {
    /// The process alone, as `kill` does.
    Process,
    /// Its whole group, as a terminal does.
    Group,
}

impl To {
    pub(crate) fn send(self, running: &Running, signal: Signal) {
        match self {
            Self::Process => running.signal(signal),
            Self::Group => running.signal_group(signal),
        }
    }
}

/// Signals that end a run, and their names.
pub(crate) const ENDS: [(Signal, &str); 4] = [
    (Signal::INT, "SIGINT"),
    (Signal::TERM, "SIGTERM"),
    (Signal::HUP, "SIGHUP"),
    (Signal::QUIT, "SIGQUIT"),
];

/// Does this for each signal that ends a run, to the process and to the group, all at the same time.
pub(crate) fn each(row: impl Fn(Signal, &str, To) + Sync) {
    all(
        ENDS.iter().flat_map(|end| [(end, To::Process), (end, To::Group)]),
        |((signal, name), to)| {
            row(*signal, name, to);
        },
    );
}

/// Does this with all of them at the same time. What goes wrong names its row.
pub(crate) fn all<T: Copy + Send + std::fmt::Debug>(rows: impl IntoIterator<Item = T>, work: impl Fn(T) + Sync) {
    thread::scope(|scope| {
        let started: Vec<_> = rows
            .into_iter()
            .map(|row| {
                (
                    row,
                    scope.spawn({
                        let work = &work;
                        move || work(row)
                    }),
                )
            })
            .collect();
        let failed: Vec<_> = started
            .into_iter()
            .filter_map(|(row, thread)| thread.join().is_err().then_some(row))
            .collect();
        assert!(failed.is_empty(), "these rows fail: {failed:?}");
    });
}

/// The exit code after this signal.
pub(crate) const fn code(signal: Signal) -> i32 {
    128 + signal.as_raw()
}

/// `xqute run` with these arguments, in a group of its own. A hangup is not ignored, however the tests were started.
pub(crate) fn run(scratch: &Scratch, args: &[&str]) -> Xqute {
    scratch
        .program("/usr/bin/env".as_ref())
        .args(["--default-signal=HUP"])
        .args([xqute_tests::built::xqute()])
        .args(["run"])
        .args(args)
        .leading_a_group()
}

/// How many jobs ended in which way, as they are recorded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) succeeded: u64,
    pub(crate) cancelled: u64,
    /// In any other way, or not at all.
    pub(crate) others: u64,
}

fn status(scratch: &Scratch) -> Value {
    let status = scratch.xqute(["status", "--json"]).run().exits(0).stdout;
    serde_json::from_str(&status).unwrap()
}

/// The indices of the jobs that are recorded as succeeded.
pub(crate) fn succeeded(scratch: &Scratch) -> Vec<u64> {
    let status = status(scratch);
    let jobs = status["jobs"].as_array().unwrap();
    let succeeded = jobs.iter().filter(|job| job["outcome"] == "succeeded");
    succeeded.map(|job| job["index"].as_u64().unwrap()).collect()
}

/// Reads what is recorded of a run that is over.
pub(crate) fn recorded(scratch: &Scratch) -> Recorded {
    let status = status(scratch);
    assert_eq!(status["run"]["life"], "over");
    let count = |standing: &str| status["counts"][standing].as_u64().unwrap();
    Recorded {
        succeeded: count("finished"),
        cancelled: count("cancelled"),
        others: ["failed", "queued", "submitted", "running"]
            .into_iter()
            .map(count)
            .sum(),
    }
}

/// Goes on with a run, lets its jobs end, and checks that all of them succeed.
pub(crate) fn resumed(scratch: &Scratch, args: &[&str]) {
    scratch.write("go", "");
    run(scratch, &["--resume"]).args(args).run().exits(0);
    let recorded = recorded(scratch);
    assert_eq!((recorded.cancelled, recorded.others), (0, 0));
    scratch.has_no_processes();
}
