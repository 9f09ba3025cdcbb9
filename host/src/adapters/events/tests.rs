//! That lines can be read back, and that files are neither lost nor mixed up.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use proptest::prelude::*;

use super::{
    EventsError, EventsFile, Start, Totals,
    line::{self, Cmd, Detail, End, From, Line, What},
};
use crate::{
    adapters::state::row::RunRow,
    model::{
        job::{Attempt, Command, JobExtras, JobIndex, JobSpec},
        outcome::{CancelReason, FailureCause, Outcome, StopCause},
        record::{Change, Entry, Origin, Timestamp, Usage},
    },
};

/// Reads a line back.
fn parse(line: &[u8]) -> Entry {
    let line: Line = serde_json::from_slice(line).unwrap();
    let at = humantime::parse_rfc3339(&line.at).unwrap().duration_since(UNIX_EPOCH);
    let change = match line.what {
        What::Fed {
            name,
            cmd,
            cmd_bytes,
            origin,
        } => Change::Fed {
            spec: Arc::new(spec(cmd, cmd_bytes, name)),
            origin: match origin {
                From::Given => Origin::Given,
                From::Fed => Origin::Fed,
            },
        },
        What::Submitted { attempt, id } => Change::Submitted {
            attempt: Attempt::new(attempt),
            id: id.into(),
        },
        What::Started { attempt } => Change::Started {
            attempt: Attempt::new(attempt),
        },
        What::Ended {
            attempt,
            end,
            will_retry,
            usage,
        } => Change::Ended {
            attempt: Attempt::new(attempt),
            outcome: outcome(end),
            will_retry,
            usage: usage.map(|used| Usage {
                user: Duration::from_secs_f64(used.user_seconds),
                system: Duration::from_secs_f64(used.system_seconds),
                peak_memory: used.peak_memory_bytes,
            }),
        },
    };
    Entry {
        at: Timestamp(at.unwrap().as_micros().try_into().unwrap()),
        job: JobIndex(line.job),
        change,
    }
}

fn spec(cmd: Cmd, bytes: Option<Vec<Vec<u8>>>, name: String) -> JobSpec {
    let command = match (cmd, bytes) {
        (Cmd::Shell(line), None) => Command::shell(line),
        (Cmd::Shell(_), Some(bytes)) => Command::shell(bytes.concat()),
        (Cmd::Argv(args), None) => Command::argv(args),
        (Cmd::Argv(_), Some(bytes)) => Command::argv(bytes),
    };
    JobSpec::new(command).with(JobExtras {
        name: Some(name),
        ..JobExtras::default()
    })
}

fn outcome(end: End) -> Outcome {
    let number = match &end.detail {
        Some(Detail::Number(number)) => i32::try_from(*number).ok(),
        _ => None,
    };
    let words = match end.detail {
        Some(Detail::Words(words)) => words,
        _ => String::new(),
    };
    let Some(cause) = end.cause else {
        assert_eq!(end.outcome, "succeeded");
        return Outcome::Succeeded;
    };
    let failed = match cause.as_str() {
        "exit-code" => FailureCause::ExitCode(number.unwrap()),
        "signal" => FailureCause::Signal(number.unwrap()),
        "timed-out" => FailureCause::TimedOut,
        "out-of-memory" => FailureCause::OutOfMemory,
        "preempted" => FailureCause::Preempted,
        "node-failure" => FailureCause::NodeFailure,
        "never-started" => FailureCause::NeverStarted(words),
        "lost" => FailureCause::Lost,
        "submission-failed" => FailureCause::SubmissionFailed(words),
        "other" => FailureCause::Other(words),
        cancelled => {
            assert_eq!(end.outcome, "cancelled");
            return Outcome::Cancelled(match cancelled {
                "vetoed" => CancelReason::Vetoed {
                    plugin: end.plugin.unwrap(),
                    reason: words,
                },
                "requested" => CancelReason::Requested,
                "halted" => CancelReason::Halted,
                "too-many-failures" => CancelReason::TooManyFailures,
                "plugin-failed" => CancelReason::PluginFailed,
                "workdir-gone" => CancelReason::WorkdirGone,
                "dependency" => CancelReason::Dependency(JobIndex(number.unwrap().unsigned_abs())),
                "signalled" => CancelReason::Signalled(number.unwrap()),
                "in-backend" => CancelReason::InBackend,
                unknown => panic!("{unknown}"),
            });
        }
    };
    assert_eq!(end.outcome, "failed");
    Outcome::Failed(failed)
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    use CancelReason as C;
    use FailureCause as F;
    prop_oneof![
        Just(Outcome::Succeeded),
        any::<i32>().prop_map(|code| Outcome::Failed(F::ExitCode(code))),
        any::<i32>().prop_map(|signal| Outcome::Failed(F::Signal(signal))),
        prop::sample::select(vec![F::TimedOut, F::OutOfMemory, F::Preempted, F::NodeFailure, F::Lost])
            .prop_map(Outcome::Failed),
        any::<String>().prop_map(|why| Outcome::Failed(F::NeverStarted(why))),
        any::<String>().prop_map(|why| Outcome::Failed(F::SubmissionFailed(why))),
        any::<String>().prop_map(|why| Outcome::Failed(F::Other(why))),
        any::<(String, String)>().prop_map(|(plugin, reason)| Outcome::Cancelled(C::Vetoed { plugin, reason })),
        prop::sample::select(vec![
            C::Requested,
            C::Halted,
            C::TooManyFailures,
            C::PluginFailed,
            C::WorkdirGone,
            C::InBackend
        ])
        .prop_map(Outcome::Cancelled),
        (0..i32::MAX as u32).prop_map(|job| Outcome::Cancelled(C::Dependency(JobIndex(job)))),
        any::<i32>().prop_map(|signal| Outcome::Cancelled(C::Signalled(signal))),
    ]
}

fn commands() -> impl Strategy<Value = Command> {
    let bytes = || prop_oneof![any::<Vec<u8>>(), any::<String>().prop_map(String::into_bytes)];
    prop_oneof![
        bytes().prop_map(Command::shell),
        prop::collection::vec(bytes(), 0..4).prop_map(Command::argv),
    ]
}

fn changes() -> impl Strategy<Value = Change> {
    let attempt = || (1..9_u32).prop_map(Attempt::new);
    let origin = prop_oneof![Just(Origin::Given), Just(Origin::Fed)];
    let fed = (commands(), any::<String>(), origin).prop_map(|(command, name, origin)| {
        let extras = JobExtras {
            name: Some(name),
            ..JobExtras::default()
        };
        Change::Fed {
            spec: Arc::new(JobSpec::new(command).with(extras)),
            origin,
        }
    });
    let micros = || (0..1_000_000_000_000_u64).prop_map(Duration::from_micros);
    let usage = (micros(), micros(), any::<u64>()).prop_map(|(user, system, peak_memory)| Usage {
        user,
        system,
        peak_memory,
    });
    let ended = (attempt(), outcomes(), any::<bool>(), prop::option::of(usage));
    prop_oneof![
        fed,
        (attempt(), any::<String>()).prop_map(|(attempt, id)| Change::Submitted { attempt, id: id.into() }),
        attempt().prop_map(|attempt| Change::Started { attempt }),
        ended.prop_map(|(attempt, outcome, will_retry, usage)| Change::Ended {
            attempt,
            outcome,
            will_retry,
            usage
        }),
    ]
}

proptest! {
    #[test]
    fn every_entry_can_be_read_back_from_its_line(change in changes(), job: u32, at in 0..253_402_300_799_999_999_i64) {
        let entry = Entry { at: Timestamp(at), job: JobIndex(job), change };
        let mut line = Vec::new();
        line::entry(&mut line, &entry, "local").unwrap();
        prop_assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
        prop_assert_eq!(parse(&line), entry);
    }

    #[test]
    fn clocks_may_be_wrong(at: i64) {
        let entry = Entry { at: Timestamp(at), job: JobIndex(0), change: Change::Started { attempt: Attempt::FIRST } };
        let mut line = Vec::new();
        line::entry(&mut line, &entry, "local").unwrap();
        parse(&line);
    }
}

fn run() -> RunRow {
    RunRow {
        tag: "00000000000000ff".into(),
        workdir: "/w".into(),
        scheduler: "local".into(),
        started: Timestamp(0),
    }
}

fn entry(micros: i64, change: Change) -> Entry {
    Entry {
        at: Timestamp(micros),
        job: JobIndex(7),
        change,
    }
}

fn fed(spec: impl Into<JobSpec>) -> Change {
    Change::Fed {
        spec: Arc::new(spec.into()),
        origin: Origin::Given,
    }
}

/// One use of the file, with nothing but its first line and one job.
fn use_once(path: &Path, start: Start) -> Result<(), EventsError> {
    let mut events = EventsFile::open(path, start)?;
    events.begin(&run(), "local", Timestamp(0));
    events.recorded(&[entry(1, fed("true"))]);
    events.finish()
}

fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).unwrap().lines().count()
}

#[test]
fn a_file_tells_a_run_from_start_to_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.jsonl");
    let mut events = EventsFile::open(&path, Start::Anew).unwrap();
    events.begin(&run(), "local", Timestamp(1_000_000));
    let attempt = Attempt::FIRST;
    let usage = Some(Usage {
        user: Duration::from_millis(10),
        system: Duration::from_micros(2),
        peak_memory: 4096,
    });
    let ended = |outcome| Change::Ended {
        attempt,
        outcome,
        will_retry: false,
        usage,
    };
    events.recorded(&[
        entry(1_000_001, fed([&b"printf"[..], &b"\xff"[..]])),
        entry(
            1_000_002,
            Change::Submitted {
                attempt,
                id: "4711".into(),
            },
        ),
        entry(1_000_003, Change::Started { attempt }),
    ]);
    events.recorded(&[entry(2_500_000, ended(Outcome::Failed(FailureCause::ExitCode(3))))]);
    let totals = Totals {
        fed: 1,
        failed: 1,
        stopped: Some(StopCause::Signal(15)),
        ..Totals::default()
    };
    events.over(&totals, Timestamp(3_000_000));
    events.finish().unwrap();
    insta::assert_snapshot!(std::fs::read_to_string(&path).unwrap(), @r#"
    {"xqute-events":1,"at":"1970-01-01T00:00:01.000000Z","run":"00000000000000ff","scheduler":"local","workdir":"/w"}
    {"at":"1970-01-01T00:00:01.000001Z","job":7,"event":"fed","name":"local-7","cmd":["printf","�"],"cmd_bytes":[[112,114,105,110,116,102],[255]],"origin":"given"}
    {"at":"1970-01-01T00:00:01.000002Z","job":7,"event":"submitted","attempt":1,"id":"4711"}
    {"at":"1970-01-01T00:00:01.000003Z","job":7,"event":"started","attempt":1}
    {"at":"1970-01-01T00:00:02.500000Z","job":7,"event":"ended","attempt":1,"outcome":"failed","cause":"exit-code","detail":3,"will_retry":false,"usage":{"user_seconds":0.01,"system_seconds":2e-6,"peak_memory_bytes":4096}}
    {"at":"1970-01-01T00:00:03.000000Z","event":"over","fed":1,"succeeded":0,"failed":1,"cancelled":0,"retries":0,"stopped":"signalled","signal":15}
    "#);
}

#[test]
fn a_run_starts_anew_and_a_resumed_one_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.jsonl");
    use_once(&path, Start::Anew).unwrap();
    use_once(&path, Start::Anew).unwrap();
    assert_eq!(lines(&path), 2);
    use_once(&path, Start::Continued).unwrap();
    assert_eq!(lines(&path), 4);
    // The last line was cut off by a crash.
    let mut text = std::fs::read(&path).unwrap();
    text.truncate(text.len() - 9);
    std::fs::write(&path, text).unwrap();
    use_once(&path, Start::Continued).unwrap();
    assert_eq!(lines(&path), 5);
    for line in std::fs::read_to_string(&path).unwrap().lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}

#[test]
fn nothing_changes_before_the_run_starts() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.jsonl");
    use_once(&path, Start::Anew).unwrap();
    drop(EventsFile::open(&path, Start::Anew).unwrap());
    assert_eq!(lines(&path), 2);
    let new = dir.path().join("new.jsonl");
    drop(EventsFile::open(&new, Start::Anew).unwrap());
    assert!(!new.exists());
}

#[test]
fn other_files_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jobs.jsonl");
    std::fs::write(&path, "{\"cmd\": \"true\"}\n").unwrap();
    for start in [Start::Anew, Start::Continued] {
        assert!(matches!(use_once(&path, start), Err(EventsError::Foreign { .. })));
    }
    std::fs::write(&path, "{\"xqute-events\":2,\"more\":1}\n").unwrap();
    assert!(matches!(
        use_once(&path, Start::Continued),
        Err(EventsError::OtherVersion { .. })
    ));
    use_once(&path, Start::Anew).unwrap();
}

#[test]
fn two_runs_do_not_share_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.jsonl");
    let first = EventsFile::open(&path, Start::Anew).unwrap();
    assert!(matches!(use_once(&path, Start::Anew), Err(EventsError::Busy { .. })));
    drop(first);
    use_once(&path, Start::Anew).unwrap();
}

#[test]
fn places_that_cannot_be_written_to_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let say = |path: &Path| use_once(path, Start::Anew).unwrap_err().to_string();
    let shown = |path: &Path| say(path).replace(&dir.path().display().to_string(), "[dir]");
    insta::assert_snapshot!(shown(dir.path()), @"cannot write events to `[dir]`: Is a directory (os error 21); name another file with `--events FILE`");
    insta::assert_snapshot!(shown(&dir.path().join("none/events.jsonl")), @"cannot write events to `[dir]/none/events.jsonl`: there is no such folder; name another file with `--events FILE`");
}

#[test]
fn a_write_that_fails_is_told_at_the_end() {
    let full = use_once(Path::new("/dev/full"), Start::Anew).unwrap_err();
    insta::assert_snapshot!(full, @"the events in `/dev/full` are not complete, because writing them failed: No space left on device (os error 28)");
    use_once(Path::new("/dev/null"), Start::Anew).unwrap();
}
