//! The journal: groups of entries, each committed as one, by a thread of its own.
//!
//! Commits follow each other at least `PAUSE` apart. So a single entry is recorded at once, and under load hundreds of
//! them share the price of a commit.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle, Thread},
    time::Duration,
};

use async_trait::async_trait;
use rusqlite::{Connection, params};
use tokio::sync::mpsc::{self, Receiver, Sender, error::TrySendError};

use super::{code, error::StateError, store::Store};
use crate::{
    adapters::clock::Clock,
    model::{
        job::{Attempt, JobIndex, JobSpec},
        outcome::Outcome,
        record::{Change, Entry, Origin, Timestamp, Usage},
        run::BackendJobId,
        state::State,
    },
    ports::journal::{Audience, Batch, Journal, NotRecorded, NotTaken},
};

/// How many batches may wait. When the thread is further behind, the flow keeps them and starts nothing.
const QUEUE: usize = 256;

/// The most entries in one transaction, roughly.
const GROUP: usize = 8192;

/// The shortest time from one commit to the next. A quarter of what an outcome may take to be recorded.
const PAUSE: Duration = Duration::from_micros(500);

/// How often a full disk is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Records a run in its state.
#[derive(Debug)]
pub struct Writer {
    batches: Sender<Batch>,
    closing: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), StateError>>,
}

impl Writer {
    /// Starts the thread. `audience` hears of what was recorded.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(store: Store, clock: Clock, audience: impl Audience + 'static) -> std::io::Result<Self> {
        let (batches, inbox) = mpsc::channel(QUEUE);
        let closing = Arc::new(AtomicBool::new(false));
        let scribe = Scribe {
            store,
            clock,
            inbox,
            audience,
            closing: closing.clone(),
        };
        let thread = thread::Builder::new()
            .name("state".to_owned())
            .spawn(|| scribe.work())?;
        Ok(Self {
            batches,
            closing,
            thread,
        })
    }
}

#[async_trait]
impl Journal for Writer {
    fn record(&self, batch: Batch) -> Result<(), NotTaken> {
        self.batches.try_send(batch).map_err(|refused| match refused {
            TrySendError::Full(batch) => NotTaken::Behind(batch),
            TrySendError::Closed(_) => NotTaken::Gone,
        })
    }

    async fn room(&self) {
        // None when the thread is gone; whoever has a batch then hears of that.
        let _room = self.batches.reserve().await;
    }

    async fn finish(self: Box<Self>, rest: Batch) -> Result<(), NotRecorded> {
        let Self {
            batches,
            closing,
            thread,
        } = *self;
        closing.store(true, Ordering::Release);
        wake(thread.thread());
        if !rest.is_empty() {
            // The thread ends before it was told so only when something could not be recorded, and says that.
            let _ = batches.send(rest).await;
        }
        drop(batches);
        let ended = tokio::task::spawn_blocking(|| thread.join()).await;
        match ended {
            Ok(Ok(done)) => done.map_err(|error| told(&error)),
            Ok(Err(_)) | Err(_) => Err(NotRecorded("the thread that records the run broke down".to_owned())),
        }
    }
}

fn wake(thread: &Thread) {
    thread.unpark();
}

fn told(error: &StateError) -> NotRecorded {
    NotRecorded(error.to_string())
}

/// What the thread owns.
struct Scribe<A> {
    store: Store,
    clock: Clock,
    inbox: Receiver<Batch>,
    audience: A,
    closing: Arc<AtomicBool>,
}

impl<A: Audience> Scribe<A> {
    fn work(mut self) -> Result<(), StateError> {
        let mut group = Vec::new();
        while let Some(first) = self.inbox.blocking_recv() {
            self.collect(first, &mut group);
            let begun = self.clock.elapsed();
            self.persist(&group)?;
            group.drain(..).for_each(|batch| self.audience.recorded(batch));
            if !self.closing.load(Ordering::Acquire) {
                thread::park_timeout(PAUSE.saturating_sub(self.clock.elapsed().saturating_sub(begun)));
            }
        }
        Ok(())
    }

    fn collect(&mut self, first: Batch, group: &mut Vec<Batch>) {
        let mut entries = first.entries.len();
        group.push(first);
        while entries < GROUP {
            let Ok(batch) = self.inbox.try_recv() else { return };
            entries += batch.entries.len();
            group.push(batch);
        }
    }

    /// Commits a group, however long that takes; gives up only when nobody waits any more.
    fn persist(&mut self, group: &[Batch]) -> Result<(), StateError> {
        if group.iter().all(|batch| batch.entries.is_empty()) {
            return Ok(());
        }
        let mut held_up = false;
        loop {
            // Looked at before the try, so that there is one after it was set.
            let last = self.closing.load(Ordering::Acquire);
            let rows = self.store.rows();
            match commit(&rows.connection, group).map_err(|error| StateError::of(&rows.path, &error)) {
                Ok(()) => {
                    if held_up {
                        self.audience.goes_on();
                    }
                    return Ok(());
                }
                Err(error) if last => return Err(error),
                Err(error) => {
                    if !held_up {
                        self.audience.held_up(&told(&error));
                    }
                    held_up = true;
                    thread::park_timeout(TRY_AGAIN);
                }
            }
        }
    }
}

/// A job starts when it is recorded, and what it leaves may outlive a power failure. So must the record of the job, or whoever
/// goes on takes its index for free.
fn commit(connection: &Connection, group: &[Batch]) -> rusqlite::Result<()> {
    let mut entries = group.iter().flat_map(|batch| &batch.entries);
    if !entries.any(|entry| matches!(entry.change, Change::Fed { .. })) {
        return put_down(connection, group);
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    let done = put_down(connection, group);
    // What follows would only be slower.
    let _ = connection.pragma_update(None, "synchronous", "NORMAL");
    done
}

fn put_down(connection: &Connection, group: &[Batch]) -> rusqlite::Result<()> {
    // Dropped without a commit, it is rolled back.
    let transaction = connection.unchecked_transaction()?;
    let mut entries = group.iter().flat_map(|batch| &batch.entries).peekable();
    while let Some(entry) = entries.next() {
        let started = match (&entry.change, entries.peek()) {
            // Where a job runs as soon as it is submitted, both are one row.
            (Change::Submitted { .. }, Some(next)) if starts(next, entry.job) => entries.next().map(|next| next.at),
            _ => None,
        };
        write(&transaction, entry, started)?;
    }
    transaction.commit()
}

fn starts(entry: &Entry, job: JobIndex) -> bool {
    entry.job == job && matches!(entry.change, Change::Started { .. })
}

fn write(connection: &Connection, entry: &Entry, started: Option<Timestamp>) -> rusqlite::Result<()> {
    let (job, at) = (entry.job, entry.at);
    match &entry.change {
        Change::Fed { spec, origin } => fed(connection, job, at, spec, *origin),
        Change::Submitted { attempt, id } => submitted(connection, job, *attempt, id, started),
        Change::Started { attempt } => connection
            .prepare_cached("UPDATE attempt SET state = ?, started = ? WHERE job = ? AND attempt = ?")?
            .execute(params![State::Running.code(), at.0, job.0, attempt.get()])
            .map(|_| ()),
        Change::Ended {
            attempt,
            outcome,
            will_retry,
            usage,
        } => ended(connection, (job, *attempt), at, outcome, *will_retry, usage.as_ref()),
    }
}

fn fed(connection: &Connection, job: JobIndex, at: Timestamp, spec: &JobSpec, origin: Origin) -> rusqlite::Result<()> {
    let (shell, command) = code::command(&spec.command);
    let sql = "INSERT INTO job (id, shell, command, extras, fed_live, fed) VALUES (?, ?, ?, ?, ?, ?)";
    let columns = params![job.0, shell, command, code::extras(spec), origin == Origin::Fed, at.0];
    connection.prepare_cached(sql)?.execute(columns).map(|_| ())
}

pub(super) fn submitted(
    connection: &Connection,
    job: JobIndex,
    attempt: Attempt,
    id: &BackendJobId,
    started: Option<Timestamp>,
) -> rusqlite::Result<()> {
    let state = match started {
        Some(_) => State::Running,
        None => State::Submitted,
    };
    let sql = "INSERT OR REPLACE INTO attempt (job, attempt, state, backend_id, started) VALUES (?, ?, ?, ?, ?)";
    let columns = params![job.0, attempt.get(), state.code(), &**id, started.map(|at| at.0)];
    connection.prepare_cached(sql)?.execute(columns).map(|_| ())
}

fn ended(
    connection: &Connection,
    (job, attempt): (JobIndex, Attempt),
    at: Timestamp,
    outcome: &Outcome,
    again: bool,
    usage: Option<&Usage>,
) -> rusqlite::Result<()> {
    // It may have ended without ever having been submitted.
    let sql = "INSERT INTO attempt (job, attempt, state, ended, outcome, again, user, system, memory) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
               ON CONFLICT (job, attempt) DO UPDATE SET state = ?3, ended = ?4, outcome = ?5, again = ?6, \
               user = ?7, system = ?8, memory = ?9";
    let (user, system, memory) = code::usage(usage);
    let columns = params![
        job.0,
        attempt.get(),
        outcome.state().code(),
        at.0,
        code::outcome(outcome),
        again,
        user,
        system,
        memory
    ];
    connection.prepare_cached(sql)?.execute(columns).map(|_| ())
}
