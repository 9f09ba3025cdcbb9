//! Carries out what the dispatcher decides: the only `select!` of a run, and the tasks around it.
//!
//! The `Engine` owns the dispatcher. Everything that takes time happens in tasks that report by `Mail`:
//!
//! - `actions`: what is done at once, and which tasks are started for what takes longer;
//! - `submitter`: gate, snippets, script, hand over;
//! - `breaker`: whether the backend can be reached, and `reasons`: why jobs wait in it;
//! - `watcher`: what became of attempts;
//! - `notices`: what job directories tell of attempts;
//! - `canceller`: kills, and questions about kills;
//! - `publisher`: those who hear of what was recorded;
//! - `teller`: observers;
//! - `deadlines`: time limits, and pauses before further attempts;
//! - `failures`: what a summary tells of jobs that did not succeed;
//! - `predecessors`: jobs that come after others;
//! - [`book`]: what was fed;
//! - [`feeder`]: feeding it.

mod actions;
pub mod book;
pub(crate) mod breaker;
mod canceller;
mod deadlines;
mod failures;
pub mod feeder;
pub(crate) mod notices;
mod predecessors;
pub(crate) mod publisher;
pub(crate) mod reasons;
mod submitter;
mod teller;
mod watcher;

use std::{collections::HashMap, sync::Arc};

use tokio::sync::{
    mpsc::{UnboundedReceiver, UnboundedSender},
    watch,
};

use self::{
    book::Book,
    breaker::Breaker,
    deadlines::Deadlines,
    failures::{Ended, Failures},
    publisher::{Publisher, Subscribers},
    reasons::Reasons,
    teller::Teller,
    watcher::{Beat, Rhythm},
};
use super::{
    dispatch::{Counts, Dispatcher, Policy},
    event::Event,
    restore::Restored,
};
use crate::{
    adapters::{
        clock::Clock,
        workdir::{Workdir, lookout::Lookout},
    },
    model::{
        hook::HookSet,
        job::{Attempt, JobIndex},
        outcome::{FailureCause, Observation, Outcome, StopCause},
        run::{JobRef, Run},
    },
    ports::{
        hooks::Hooks,
        journal::{Batch, Journal, NotRecorded, NotTaken},
        scheduler::{Preparation, Scheduler},
    },
};

/// How many events are handled before the dispatcher decides what to do about them.
const EVENTS_AT_ONCE: usize = 1024;

/// What all tasks of a run share.
pub(crate) struct Parts {
    pub(crate) run: Arc<Run>,
    pub(crate) book: Arc<Book>,
    pub(crate) workdir: Workdir,
    pub(crate) lookout: Lookout,
    pub(crate) breaker: Breaker,
    pub(crate) reasons: Reasons,
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
        format!("the workdir `{}` was removed while the run lived", self.run.workdir)
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

/// How an engine is connected with the world.
pub(crate) struct Wiring {
    pub(crate) inbox: UnboundedReceiver<Event>,
    pub(crate) mail: Mail,
    pub(crate) progress: watch::Sender<Counts>,
    pub(crate) subscribers: Subscribers,
    /// How many jobs have been recorded.
    pub(crate) recorded: watch::Sender<u32>,
    /// How many signals the run got. They come by mail as well, which nobody reads any more while the last facts are told.
    pub(crate) signals: watch::Receiver<u32>,
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
    /// What the journal has not taken yet, as it is behind.
    pending: Batch,
    teller: Option<Teller>,
    rhythm: Rhythm,
    deadlines: Deadlines,
    stopping: watch::Sender<bool>,
    /// How many jobs have been recorded.
    recorded: watch::Receiver<u32>,
    progress: watch::Sender<Counts>,
    /// Scripts that were over before it was known that their scheduler had taken them.
    early: HashMap<JobIndex, Attempt>,
    failures: Failures,
    /// Somebody has removed the workdir.
    homeless: bool,
    finished: bool,
}

impl Engine {
    /// Puts the engine together. `start_journal` is given those who are to hear of what was recorded.
    pub(crate) fn new<E>(
        parts: Parts,
        wiring: Wiring,
        start_journal: impl FnOnce(Publisher) -> Result<Box<dyn Journal>, E>,
    ) -> Result<Self, E> {
        let (observed, gated) = (parts.hooks.observed(), parts.hooks.gated());
        let preferences = parts.scheduler.preferences();
        let policy = Policy::new(&parts.run.settings, &preferences, observed, gated);
        let Wiring {
            inbox,
            mail,
            progress,
            subscribers,
            recorded,
            signals,
        } = wiring;
        let start = || Teller::start(parts.hooks.clone(), mail.0.clone(), signals);
        let teller = (observed != HookSet::default()).then(start);
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
            pending: Batch::default(),
            teller,
            deadlines: Deadlines::default(),
            stopping: watch::Sender::new(false),
            recorded: waiting,
            progress,
            early: HashMap::new(),
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
        for (JobRef { job, attempt, .. }, _) in self.dispatcher.watched() {
            self.parts.lookout.watch_job(&self.parts.workdir, job, attempt);
        }
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
            self.carry_out();
            if self.finished {
                return self.finish().await;
            }
            let journal = &self.journal;
            tokio::select! {
                () = async { journal.room().await }, if !self.pending.is_empty() => {}
                Some(event) = self.inbox.recv() => self.on_event(event),
                due = self.deadlines.next() => self.dispatcher.handle(due),
                beat = self.rhythm.beat() => self.on_beat(beat),
                notice = self.parts.lookout.next() => self.on_notice(notice),
            }
        }
    }

    /// Handles an event and those that wait behind it, so that jobs which arrive together are submitted together.
    fn on_event(&mut self, first: Event) {
        let mut handled = self.handle(first);
        while handled < EVENTS_AT_ONCE
            && let Ok(event) = self.inbox.try_recv()
        {
            handled += self.handle(event);
        }
    }

    /// Returns how many events it is worth. Jobs that were fed together are handed to the journal together, but what they
    /// mean is put down before all of them are handled, as it takes more room than they do.
    fn handle(&mut self, event: Event) -> usize {
        let Event::Fed { jobs, origin } = event else {
            self.dispatcher.handle(event);
            return 1;
        };
        let (count, mut jobs) = (jobs.len(), jobs.into_iter());
        loop {
            let some = jobs.by_ref().take(EVENTS_AT_ONCE).collect();
            self.dispatcher.handle(Event::Fed { jobs: some, origin });
            if count <= EVENTS_AT_ONCE {
                return count;
            }
            let actions = self.dispatcher.so_far();
            self.act(actions);
            if jobs.len() == 0 {
                return count;
            }
        }
    }

    fn on_beat(&mut self, beat: Beat) {
        match beat {
            _ if !self.dispatcher.watches() => {}
            Beat::Answered => self.rhythm.arm(),
            Beat::Ask => {
                let question = watcher::ask(self.parts.clone(), self.dispatcher.watched(), self.mail.clone());
                self.rhythm.asking(tokio::spawn(question));
            }
        }
    }

    /// Decides what to do about what happened, and does it. Never waits: whoever is behind is waited for in the loop.
    fn carry_out(&mut self) {
        loop {
            // Before each decision, so that none is left out because the journal was behind when it came to be made.
            self.hand_in();
            self.dispatcher.hold_back(!self.pending.is_empty());
            let actions = self.dispatcher.decide();
            if actions.is_empty() {
                return;
            }
            self.act(actions);
            self.progress.send_replace(self.dispatcher.counts());
        }
    }

    /// Hands the journal what it has not taken yet, if it takes it now.
    fn hand_in(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        match self.journal.record(std::mem::take(&mut self.pending)) {
            Ok(()) => {}
            Err(NotTaken::Behind(batch)) => self.pending = batch,
            Err(NotTaken::Gone) => self.dispatcher.handle(Event::Recording(false)),
        }
    }

    async fn finish(mut self) -> Report {
        self.inbox.close();
        while let Ok(late) = self.inbox.try_recv() {
            self.dispatcher.handle(late);
        }
        self.carry_out();
        let recorded = self.journal.finish(self.pending).await;
        let counts = self.dispatcher.counts();
        let unrecorded = match recorded {
            // What went with the workdir was recorded in vain.
            _ if self.homeless => Some(NotRecorded(self.parts.gone())),
            Ok(()) if counts.queued > 0 => Some(never_started(counts.queued)),
            Ok(()) if counts.in_flight > 0 => Some(left_behind(counts.in_flight)),
            done => done.err(),
        };
        if let Some(teller) = self.teller {
            teller.finish().await;
        }
        self.progress.send_replace(counts);
        Report {
            counts,
            stopped: self.dispatcher.stopped(),
            failures: self.failures.into_list(),
            unrecorded,
        }
    }
}

/// What is to be said of jobs that wait while a run ends.
fn never_started(jobs: u64) -> NotRecorded {
    let what = match jobs {
        1 => "1 job was not started".to_owned(),
        jobs => format!("{jobs} jobs were not started"),
    };
    NotRecorded(format!("{what}, because for a while nothing could be recorded"))
}

/// What is to be said of jobs for whose end nobody waited.
fn left_behind(jobs: u64) -> NotRecorded {
    NotRecorded(match jobs {
        1 => "1 job was left behind and may still run".to_owned(),
        jobs => format!("{jobs} jobs were left behind and may still run"),
    })
}

#[cfg(test)]
mod tests;
