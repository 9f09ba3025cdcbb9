//! Carries out what the dispatcher decides: the only `select!` of a run, and the tasks around it.
//!
//! The `Engine` owns the dispatcher. Everything that takes time happens in tasks that report by `Mail`:
//!
//! - `submitter`: gate, snippets, script, hand over;
//! - `watcher`: what became of attempts;
//! - `canceller`: kills, and questions about kills;
//! - `publisher`: those who hear of what was recorded;
//! - `teller`: observers;
//! - `deadlines`: time limits, and pauses before further attempts;
//! - `failures`: what a summary tells of jobs that did not succeed;
//! - `predecessors`: jobs that come after others;
//! - [`book`]: what was fed;
//! - [`feeder`]: feeding it.

pub mod book;
mod canceller;
mod deadlines;
mod failures;
pub mod feeder;
mod predecessors;
pub(crate) mod publisher;
mod submitter;
mod teller;
mod watcher;

use std::sync::Arc;

use tokio::sync::{
    mpsc::{UnboundedReceiver, UnboundedSender},
    watch,
};

use self::{
    book::Book,
    deadlines::{Deadlines, Due},
    failures::{Ended, Failures},
    publisher::{Publisher, Subscribers},
    teller::Teller,
    watcher::{Beat, Rhythm},
};
use super::{
    dispatch::{Counts, Dispatcher, Policy},
    event::{Action, Event},
    restore::Restored,
};
use crate::{
    adapters::{clock::Clock, workdir::Workdir},
    model::{
        hook::HookSet,
        job::{Attempt, JobIndex},
        outcome::{FailureCause, Observation, Outcome, StopCause},
        record::Entry,
        run::{JobRef, Run},
    },
    ports::{
        hooks::Hooks,
        journal::{Batch, Journal, NotRecorded},
        scheduler::{Cancel, Preparation, Scheduler, Watching},
    },
};

/// How many events are handled before the dispatcher decides what to do about them.
const EVENTS_AT_ONCE: usize = 1024;

/// What all tasks of a run share.
pub(crate) struct Parts {
    pub(crate) run: Arc<Run>,
    pub(crate) book: Arc<Book>,
    pub(crate) workdir: Workdir,
    pub(crate) scheduler: Arc<dyn Scheduler>,
    pub(crate) hooks: Arc<dyn Hooks>,
    pub(crate) clock: Clock,
}

impl Parts {
    /// Whether jobs have directories that tell what becomes of them.
    pub(crate) fn keeps_directories(&self) -> bool {
        self.scheduler.preparation() != Preparation::Nothing
    }

    fn gone(&self) -> String {
        format!(
            "the workdir `{}` was removed while the run lived",
            self.workdir.path().spec()
        )
    }
}

/// The way by which tasks report to the dispatcher.
#[derive(Clone, Debug)]
pub(crate) struct Mail(pub(crate) UnboundedSender<Event>);

impl Mail {
    /// Reports an event. A run that is over wants to hear nothing more.
    pub(crate) fn send(&self, event: Event) {
        let _ = self.0.send(event);
    }
}

/// The lines by which an engine talks with the world.
pub(crate) struct Lines {
    pub(crate) inbox: UnboundedReceiver<Event>,
    pub(crate) mail: Mail,
    pub(crate) progress: watch::Sender<Counts>,
    pub(crate) subscribers: Subscribers,
    /// How many jobs have been recorded.
    pub(crate) recorded: watch::Sender<u32>,
}

/// What is left when a run is over.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) counts: Counts,
    pub(crate) stopped: Option<StopCause>,
    /// The first jobs that did not succeed, though nobody asked for that.
    pub(crate) failures: Vec<Ended>,
    /// Why the end of the run is not recorded, if it is not.
    pub(crate) unrecorded: Option<NotRecorded>,
}

/// Owns the dispatcher of a run and carries out what it decides.
pub(crate) struct Engine {
    parts: Arc<Parts>,
    dispatcher: Dispatcher,
    inbox: UnboundedReceiver<Event>,
    mail: Mail,
    journal: Box<dyn Journal>,
    teller: Option<Teller>,
    rhythm: Rhythm,
    deadlines: Deadlines,
    stopping: watch::Sender<bool>,
    /// How many jobs have been recorded.
    recorded: watch::Receiver<u32>,
    progress: watch::Sender<Counts>,
    failures: Failures,
    /// Somebody has removed the workdir.
    homeless: bool,
    finished: bool,
}

impl Engine {
    /// Puts the engine together. `start_journal` is given those who are to hear of what was recorded.
    pub(crate) fn new<E>(
        parts: Parts,
        lines: Lines,
        start_journal: impl FnOnce(Publisher) -> Result<Box<dyn Journal>, E>,
    ) -> Result<Self, E> {
        let (observed, gated) = (parts.hooks.observed(), parts.hooks.gated());
        let policy = Policy::new(&parts.run.settings, observed, gated);
        let Lines {
            inbox,
            mail,
            progress,
            subscribers,
            recorded,
        } = lines;
        let teller = (observed != HookSet::default()).then(|| Teller::start(parts.hooks.clone(), mail.0.clone()));
        let waiting = recorded.subscribe();
        let journal = start_journal(Publisher {
            facts: teller.as_ref().map(Teller::facts),
            subscribers,
            jobs: recorded,
            mail: mail.clone(),
        })?;
        Ok(Self {
            rhythm: Rhythm::new(&parts),
            parts: Arc::new(parts),
            dispatcher: Dispatcher::new(policy),
            inbox,
            mail,
            journal,
            teller,
            deadlines: Deadlines::default(),
            stopping: watch::Sender::new(false),
            recorded: waiting,
            progress,
            failures: Failures::default(),
            homeless: false,
            finished: false,
        })
    }

    pub(crate) fn parts(&self) -> Arc<Parts> {
        self.parts.clone()
    }

    /// Takes over the jobs of an earlier process, before anything else. `abandoned` are attempts that are not in flight any
    /// more: they are judged by what they left.
    pub(crate) fn restore(&mut self, jobs: impl Iterator<Item = Restored>, abandoned: Vec<JobRef>) {
        jobs.for_each(|job| self.dispatcher.restore(job));
        for JobRef { job, attempt, .. } in abandoned {
            self.dispatcher.handle(Event::Observed {
                job,
                attempt,
                observation: Observation::Ended(Outcome::Failed(FailureCause::Lost)),
                // A negative code is ours, about an attempt of which nothing was known then either.
                reported: self.parts.workdir.reported_rc(job).filter(|code| *code >= 0),
                usage: None,
            });
        }
    }

    /// Runs until every job has its outcome and no more will be fed.
    pub(crate) async fn run(mut self) -> Report {
        loop {
            self.carry_out().await;
            if self.finished {
                return self.finish().await;
            }
            tokio::select! {
                Some(event) = self.inbox.recv() => self.handle_waiting(event),
                due = self.deadlines.next() => self.dispatcher.handle(due),
                beat = self.rhythm.beat() => self.on_beat(beat),
            }
        }
    }

    /// Handles an event and those that wait behind it, so that jobs which arrive together are submitted together.
    fn handle_waiting(&mut self, first: Event) {
        self.dispatcher.handle(first);
        for _ in 1..EVENTS_AT_ONCE {
            let Ok(event) = self.inbox.try_recv() else { return };
            self.dispatcher.handle(event);
        }
    }

    fn on_beat(&mut self, beat: Beat) {
        let watched = self.dispatcher.watched();
        match beat {
            _ if watched.is_empty() => {}
            Beat::Answered => self.rhythm.arm(),
            Beat::Ask => {
                let question = watcher::ask(self.parts.clone(), watched, self.mail.clone());
                self.rhythm.asking(tokio::spawn(question));
            }
        }
    }

    async fn carry_out(&mut self) {
        let actions = self.dispatcher.decide();
        if actions.is_empty() {
            return;
        }
        let (mut kills, mut batch) = (Kills::default(), Batch::default());
        let at = self.parts.clock.timestamp();
        for action in actions {
            match action {
                Action::Submit(batch) => self.submit(batch),
                Action::Watch(job) => self.watch(job),
                Action::StartTimeout(job) => self.start_timeout(&job),
                Action::RetryLater { job, attempt, pause } => {
                    tracing::info!(job = job.0, "tried again in {pause:.1?}");
                    self.deadlines.start(job, attempt, Due::Retry, pause);
                }
                Action::AskKill(job) => {
                    tokio::spawn(canceller::ask_kill(self.parts.clone(), job, self.mail.clone()));
                }
                Action::Kill(job, how) => kills.add(job, how),
                Action::AskShutdown(signal) => {
                    tokio::spawn(canceller::ask_shutdown(self.parts.clone(), signal, self.mail.clone()));
                }
                Action::KillLater { job, attempt, pause } => self.deadlines.start(job, attempt, Due::Kill, pause),
                Action::Stop { cause, at_once } => {
                    canceller::announce(cause, at_once);
                    self.stopping.send_replace(true);
                }
                Action::ShowState(..) | Action::Record(..) if !self.parts.keeps_directories() => {}
                Action::ShowState(job, state) => {
                    if let Err(error) = self.parts.workdir.record_state(job, state) {
                        tracing::warn!(job = job.0, "the state could not be written: {error}");
                    }
                }
                Action::Record(job, outcome) => self.record(job, &outcome),
                Action::Journal(job, change) => batch.entries.push(Entry { at, job, change }),
                Action::Tell(fact) => batch.facts.push(fact),
                Action::Ended { job, attempt, outcome } => self.ended(job, attempt, outcome),
                Action::Finish => self.finished = true,
            }
        }
        kills.carry_out(&self.parts, &self.mail);
        if !batch.is_empty() {
            self.journal.record(batch).await;
        }
        self.progress.send_replace(self.dispatcher.counts());
    }

    /// A job starts when it is recorded: what starts before would be new to a process that goes on with the run.
    fn submit(&mut self, batch: Vec<(JobIndex, Attempt)>) {
        let (mut stopping, mut recorded) = (self.stopping.subscribe(), self.recorded.clone());
        let (parts, mail) = (self.parts.clone(), self.mail.clone());
        let jobs = batch.iter().map(|(job, _)| job.0.saturating_add(1)).max();
        tokio::spawn(async move {
            tokio::select! {
                _ = recorded.wait_for(|recorded| Some(*recorded) >= jobs) => {}
                _ = stopping.wait_for(|stopping| *stopping) => {}
            }
            submitter::submit(parts, batch, mail, stopping).await;
        });
    }

    fn watch(&mut self, job: JobRef) {
        if self.parts.scheduler.watching() == Watching::Wait {
            tokio::spawn(watcher::wait(self.parts.clone(), job, self.mail.clone()));
        }
        self.rhythm.arm();
    }

    fn start_timeout(&mut self, job: &JobRef) {
        if let Some(limit) = self.parts.book.timeout(job.job) {
            self.deadlines.start(job.job, job.attempt, Due::TimeLimit, limit);
        }
    }

    fn record(&mut self, job: JobIndex, outcome: &Outcome) {
        if self.homeless {
            return;
        }
        if let Err(error) = self.parts.workdir.record_outcome(job, outcome) {
            if self.parts.workdir.is_gone() {
                self.homeless = true;
                tracing::error!("{}; the run stops", self.parts.gone());
                self.mail.send(Event::WorkdirGone);
                return;
            }
            tracing::error!(
                job = job.0,
                "the outcome could not be written to the job directory: {error}"
            );
        }
    }

    fn ended(&mut self, job: JobIndex, attempt: Attempt, outcome: Outcome) {
        self.parts.workdir.job_ended(job);
        match &outcome {
            Outcome::Succeeded => tracing::info!(job = job.0, "succeeded"),
            Outcome::Failed(cause) => tracing::info!(job = job.0, attempt = attempt.get(), "failed: {cause}"),
            Outcome::Cancelled(reason) => tracing::info!(job = job.0, "cancelled: {reason}"),
        }
        self.failures.add(job, attempt, outcome);
    }

    async fn finish(mut self) -> Report {
        self.inbox.close();
        while let Ok(late) = self.inbox.try_recv() {
            self.dispatcher.handle(late);
        }
        self.carry_out().await;
        let unrecorded = self.journal.finish().await.err();
        // What went with the workdir was recorded in vain.
        let unrecorded = match self.homeless {
            true => Some(NotRecorded(self.parts.gone())),
            false => unrecorded,
        };
        if let Some(teller) = self.teller {
            teller.finish().await;
        }
        let counts = self.dispatcher.counts();
        self.progress.send_replace(counts);
        Report {
            counts,
            stopped: self.dispatcher.stopped(),
            failures: self.failures.into_list(),
            unrecorded,
        }
    }
}

/// The kills of one decision, so that a backend is told of all of them at once.
#[derive(Debug, Default)]
struct Kills {
    gracefully: Vec<JobRef>,
    at_once: Vec<JobRef>,
}

impl Kills {
    fn add(&mut self, job: JobRef, how: Cancel) {
        match how {
            Cancel::Gracefully => self.gracefully.push(job),
            Cancel::AtOnce => self.at_once.push(job),
        }
    }

    fn carry_out(self, parts: &Arc<Parts>, mail: &Mail) {
        for (jobs, how) in [(self.gracefully, Cancel::Gracefully), (self.at_once, Cancel::AtOnce)] {
            if !jobs.is_empty() {
                tokio::spawn(canceller::kill(parts.clone(), jobs, how, mail.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests;
