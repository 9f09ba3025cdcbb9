//! The state in real files: what is written is read again, and what is no state of ours is refused.

use std::{fs, ops::ControlFlow, sync::Arc, time::Duration};

use camino::{Utf8Path, Utf8PathBuf};
use tokio::sync::mpsc;

use super::{Place, Reader, StateError, Store, row::JobRow, row::RunRow, row::Tally, writer::Writer};
use crate::{
    adapters::clock::Clock,
    model::{
        job::{Attempt, JobExtras, JobIndex, JobSpec},
        outcome::{CancelReason, FailureCause, Outcome},
        record::{Change, Entry, Origin, Timestamp, Usage},
        run::JobRef,
        state::State,
    },
    ports::journal::{Audience, Batch, Journal, NotRecorded},
};

struct Scratch {
    dir: tempfile::TempDir,
}

impl Scratch {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> &Utf8Path {
        Utf8Path::from_path(self.dir.path()).unwrap()
    }

    fn place(&self) -> Place {
        Place::of(self.path(), None)
    }

    fn create(&self) -> Store {
        Store::create(self.place().hold().unwrap(), &run()).unwrap()
    }
}

fn run() -> RunRow {
    RunRow {
        tag: "0123456789abcdef".into(),
        workdir: "/w".into(),
        scheduler: "local".into(),
        started: Timestamp(17),
    }
}

fn job_ref(job: u32) -> JobRef {
    JobRef {
        job: JobIndex(job),
        attempt: Attempt::FIRST,
        id: "1".into(),
    }
}

/// Hears what was recorded.
struct Ear(mpsc::UnboundedSender<usize>);

impl Audience for Ear {
    fn recorded(&mut self, batch: Batch) {
        let _ = self.0.send(batch.entries.len());
    }

    fn held_up(&mut self, why: &NotRecorded) {
        panic!("{why}");
    }

    fn goes_on(&mut self) {}
}

async fn record(store: Store, changes: Vec<(u32, Change)>) {
    let (ear, mut heard) = mpsc::unbounded_channel();
    let writer = Box::new(Writer::start(store, Clock::start(), Ear(ear)).unwrap());
    let entry = |(at, (job, change))| Entry {
        at: Timestamp(100 + i64::try_from(at).unwrap()),
        job: JobIndex(job),
        change,
    };
    let entries: Vec<_> = changes.into_iter().enumerate().map(entry).collect();
    let count = entries.len();
    for chunk in entries.chunks(3) {
        let batch = Batch {
            entries: chunk.to_vec(),
            facts: Vec::new(),
        };
        writer.record(batch).unwrap();
    }
    writer.finish(Batch::default()).await.unwrap();
    let mut told = 0;
    while let Some(some) = heard.recv().await {
        told += some;
    }
    assert_eq!(told, count);
}

fn fed(command: &str, name: Option<&str>, origin: Origin) -> Change {
    let extras = JobExtras {
        name: name.map(str::to_owned),
        ..JobExtras::default()
    };
    let spec = Arc::new(JobSpec::from(command).with(extras));
    Change::Fed { spec, origin }
}

fn submitted(attempt: u32) -> Change {
    Change::Submitted {
        attempt: Attempt::new(attempt),
        id: format!("id-{attempt}").into(),
    }
}

fn started(attempt: u32) -> Change {
    Change::Started {
        attempt: Attempt::new(attempt),
    }
}

fn ended(attempt: u32, outcome: Outcome, will_retry: bool) -> Change {
    Change::Ended {
        attempt: Attempt::new(attempt),
        outcome,
        will_retry,
        usage: Some(Usage {
            user: Duration::from_micros(5),
            system: Duration::from_micros(6),
            peak_memory: 7,
        }),
    }
}

fn all(reader: &Reader, state: Option<State>) -> Vec<JobRow> {
    let mut rows = Vec::new();
    let seen = reader.each_job(state, |row| {
        rows.push(row);
        ControlFlow::Continue(())
    });
    seen.unwrap();
    rows
}

/// Six jobs, one in each place where a job can be.
async fn a_life(store: Store) {
    let failure = || Outcome::Failed(FailureCause::ExitCode(3));
    let mut changes: Vec<_> = (0..5).map(|job| (job, fed("true", None, Origin::Given))).collect();
    changes.extend([
        (5, fed("late", Some("n"), Origin::Fed)),
        (0, submitted(1)),
        (0, started(1)),
        (1, submitted(1)),
        (0, ended(1, Outcome::Succeeded, false)),
        (2, submitted(1)),
        (1, started(1)),
        (2, started(1)),
        (2, ended(1, failure(), true)),
        (3, submitted(1)),
        (3, ended(1, failure(), true)),
        (3, submitted(2)),
        (3, ended(2, failure(), false)),
        (4, ended(1, Outcome::Cancelled(CancelReason::Requested), false)),
    ]);
    record(store, changes).await;
}

#[tokio::test]
async fn what_is_recorded_is_read_again() {
    let scratch = Scratch::new();
    a_life(scratch.create()).await;
    let reader = Reader::open(scratch.path()).unwrap();
    assert_eq!(reader.run().unwrap(), run());
    let rows = all(&reader, None);
    let places: Vec<_> = rows.iter().map(|row| (row.state, row.attempt.get())).collect();
    let expected = [
        (State::Finished, 1),
        (State::Running, 1),
        (State::Queued, 2),
        (State::Failed, 2),
        (State::Failed, 1),
        (State::Queued, 1),
    ];
    assert_eq!(places, expected);
    assert_eq!(rows[0].outcome, Some(Outcome::Succeeded));
    assert_eq!(rows[0].usage.unwrap().peak_memory, 7);
    assert_eq!(
        (rows[0].started, rows[0].ended),
        (Some(Timestamp(107)), Some(Timestamp(109)))
    );
    assert_eq!(rows[1].id.as_deref(), Some("id-1"));
    assert_eq!(rows[5].spec.extras().name.as_deref(), Some("n"));
    assert_eq!((rows[4].origin, rows[5].origin), (Origin::Given, Origin::Fed));
    assert_eq!(reader.named("n").unwrap(), [JobIndex(5)]);
    let earlier = reader.earlier_attempts(JobIndex(3)).unwrap();
    assert_eq!(earlier.len(), 1);
    assert_eq!(earlier[0].outcome, Outcome::Failed(FailureCause::ExitCode(3)));
    assert_eq!(reader.job(JobIndex(3)).unwrap().as_ref(), Some(&rows[3]));
    assert_eq!(reader.job(JobIndex(6)).unwrap(), None);
    assert_eq!(all(&reader, Some(State::Failed)), rows[3..5]);
    let tally = Tally {
        waiting: 2,
        running: 1,
        succeeded: 1,
        failed: 1,
        cancelled: 1,
        submitted: 0,
    };
    assert_eq!(reader.tally().unwrap(), tally);
}

#[tokio::test]
async fn a_job_that_was_over_can_go_on() {
    let scratch = Scratch::new();
    a_life(scratch.create()).await;
    let store = Store::open(scratch.place().hold().unwrap(), &run().tag).unwrap();
    let next = [(JobIndex(3), Attempt::new(3)), (JobIndex(4), Attempt::FIRST)];
    store.revive(&next).unwrap();
    let rows = all(store.rows(), Some(State::Queued));
    let waiting: Vec<_> = rows.iter().map(|row| (row.index.0, row.attempt.get())).collect();
    assert_eq!(waiting, [(2, 2), (3, 3), (4, 1), (5, 1)]);
    assert_eq!(store.rows().earlier_attempts(JobIndex(3)).unwrap().len(), 2);
}

#[test]
fn a_state_can_be_elsewhere() {
    let (scratch, other) = (Scratch::new(), Scratch::new());
    let file: Utf8PathBuf = other.path().join("state.db");
    let place = Place::of(scratch.path(), Some(&file));
    drop(Store::create(place.hold().unwrap(), &run()).unwrap());
    assert!(file.exists());
    assert_eq!(Reader::open(scratch.path()).unwrap().run().unwrap(), run());
    let moved = other.path().join("moved.db");
    fs::rename(&file, &moved).unwrap();
    assert!(matches!(Reader::open(scratch.path()), Err(StateError::Missing { .. })));
    drop(Store::open(Place::of(scratch.path(), Some(&moved)).hold().unwrap(), &run().tag).unwrap());
    Reader::open(scratch.path()).unwrap();
    Place::of(scratch.path(), None).hold().unwrap().clear().unwrap();
    assert!(matches!(Reader::open(scratch.path()), Err(StateError::NoRun { .. })));
    assert!(!moved.exists());
}

#[test]
fn two_runs_do_not_share_a_state() {
    let (scratch, other) = (Scratch::new(), Scratch::new());
    let file = scratch.path().join("run.db");
    let store = scratch.create();
    let link = other.path().join("link.db");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    for path in [&file, &link] {
        let refused = Place::of(other.path(), Some(path)).hold().unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!(
                "the state in `{path}` is in use by another xqute (process {}); wait for its end or choose another place with \
                 `--state FILE`",
                std::process::id()
            )
        );
    }
    Reader::at(&Place::of(other.path(), Some(&file))).unwrap();
    drop(store);
    Place::of(other.path(), Some(&link)).hold().unwrap();
}

#[tokio::test]
async fn what_belongs_to_a_state_that_was_removed_is_not_put_into_a_new_one() {
    let scratch = Scratch::new();
    let store = scratch.create();
    store.adopt(&[job_ref(7)]).unwrap();
    // As a process leaves it that is killed.
    let kept = tempfile::tempdir().unwrap();
    let wal = scratch.path().join("run.db-wal");
    fs::copy(&wal, kept.path().join("wal")).unwrap();
    drop(store);
    assert!(fs::metadata(kept.path().join("wal")).unwrap().len() > 0);
    fs::remove_file(scratch.path().join("run.db")).unwrap();
    fs::copy(kept.path().join("wal"), &wal).unwrap();
    let store = scratch.create();
    assert_eq!(store.rows().tally().unwrap(), Tally::default());
}

#[test]
fn word_about_a_state_is_left_only_once() {
    let (scratch, other) = (Scratch::new(), Scratch::new());
    let file = other.path().join("state.db");
    let place = Place::of(scratch.path(), Some(&file));
    drop(Store::create(place.hold().unwrap(), &run()).unwrap());
    let pointer = scratch.path().join("run.state");
    let inode = || std::os::unix::fs::MetadataExt::ino(&fs::metadata(&pointer).unwrap());
    let before = inode();
    drop(Store::open(place.hold().unwrap(), &run().tag).unwrap());
    assert_eq!(inode(), before);
    assert!(!scratch.path().join("run.state.new").exists());
}

#[test]
fn what_is_not_ours_is_refused() {
    let refusal = |change: &dyn Fn(&Utf8Path)| {
        let scratch = Scratch::new();
        drop(scratch.create());
        change(&scratch.path().join("run.db"));
        let refusal = Reader::open(scratch.path()).and_then(|reader| reader.run());
        (
            refusal.unwrap_err(),
            Store::open(scratch.place().hold().unwrap(), &run().tag)
                .and_then(|store| store.rows().run())
                .unwrap_err(),
        )
    };
    let sql = |sql: &'static str| {
        refusal(&move |file| {
            rusqlite::Connection::open(file).unwrap().execute_batch(sql).unwrap();
        })
    };
    let is_damaged = |error: &StateError| matches!(error, StateError::Damaged { .. });
    let (read, write) = refusal(&|file| fs::write(file, "this is no database at all, but a text".repeat(99)).unwrap());
    assert!(is_damaged(&read) && is_damaged(&write), "{read} {write}");
    let (read, write) = sql("PRAGMA application_id = 1");
    assert!(matches!(
        (&read, &write),
        (StateError::Foreign { .. }, StateError::Foreign { .. })
    ));
    let (read, write) = sql("PRAGMA user_version = 99");
    assert!(matches!(
        (&read, &write),
        (StateError::Newer { .. }, StateError::Newer { .. })
    ));
    let (read, write) = sql("DELETE FROM run");
    assert!(is_damaged(&read) && is_damaged(&write), "{read} {write}");
    let (read, write) = sql("UPDATE run SET tag = x'00ff'");
    assert!(is_damaged(&read) && is_damaged(&write), "{read} {write}");
}
