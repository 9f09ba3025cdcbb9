//! The dispatcher: owns the job table and decides. A pure state machine: events in, actions out.
//!
//! This file holds what the steps share; the decision of each step lives in the file of its name. The dispatcher never
//! looks at files, clocks or plugins, so every order of events can be tried in a test.

use std::{collections::BTreeSet, num::NonZeroU32};

use super::{
    after::Expected,
    event::{Action, Event},
    queue::Queue,
    table::{Phase, Table},
};
use crate::model::{
    hook::{Fact, Hook, HookSet, JobEvent},
    job::{Attempt, JobIndex},
    outcome::{CancelReason, StopCause},
    run::JobRef,
    settings::{ErrorStrategy, RetryPolicy, Settings},
};
use crate::ports::scheduler::Preferences;

/// The most jobs in one submission, where neither the user nor the scheduler says it.
const USUAL_BATCH: u32 = 8;

/// What the dispatcher has to know about the run.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The most jobs in flight at once.
    pub forks: u32,
    /// The most jobs in one submission.
    pub submission_batch: u32,
    /// Whether few submissions of many jobs are better than many of few: then jobs whose slots become free while some are
    /// under way share the next.
    pub gathers: bool,
    /// What happens when an attempt fails.
    pub error_strategy: ErrorStrategy,
    /// The retries of a job that does not say.
    pub num_retries: u32,
    /// When and after which failures another attempt is made.
    pub retry: RetryPolicy,
    /// The run stops when this many jobs have failed.
    pub max_failures: Option<NonZeroU32>,
    /// The hooks whose facts somebody wants to hear.
    pub observed: HookSet,
    /// The hooks that somebody gates.
    pub gated: HookSet,
}

impl Policy {
    /// The policy that these settings ask for, with these hooks in use.
    pub fn new(settings: &Settings, preferences: &Preferences, observed: HookSet, gated: HookSet) -> Self {
        let batch = settings.submission_batch.or(preferences.jobs_per_submit);
        Self {
            forks: settings.forks.get(),
            submission_batch: batch.map_or(USUAL_BATCH, NonZeroU32::get),
            gathers: preferences.jobs_per_submit.is_some_and(|jobs| jobs.get() > 1),
            error_strategy: settings.error_strategy,
            num_retries: settings.num_retries,
            retry: settings.retry.clone(),
            max_failures: settings.max_failures,
            observed,
            gated,
        }
    }
}

/// How many jobs are where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Accepted so far.
    pub fed: u64,
    /// Waiting: for a free slot, for other jobs, or for the pause before another attempt to end.
    pub queued: u64,
    /// On their way to the scheduler, or there.
    pub in_flight: u64,
    /// Over, and succeeded.
    pub succeeded: u64,
    /// Over, and failed.
    pub failed: u64,
    /// Over, and cancelled.
    pub cancelled: u64,
    /// Attempts made beyond the first ones.
    pub retries: u64,
}

impl Counts {
    /// Jobs that have their outcome.
    pub const fn done(&self) -> u64 {
        self.succeeded + self.failed + self.cancelled
    }
}

/// Why nothing further is started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stop {
    pub(crate) cause: StopCause,
    pub(crate) haste: Haste,
}

/// How long a run that stops waits for its jobs. Each signal makes it wait less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Haste {
    /// Gatekeepers are asked, and jobs get time to tidy up.
    Gentle,
    /// Nobody is asked any more, and all jobs are killed.
    AtOnce,
    /// Whatever cannot be killed is left to whoever resumes the run.
    Leaving,
}

/// Owns the job table and decides what happens to each job.
#[derive(Debug)]
pub struct Dispatcher {
    pub(crate) policy: Policy,
    pub(crate) table: Table,
    pub(crate) queue: Queue,
    /// How many jobs wait, in the queue or elsewhere.
    pub(crate) waiting: u64,
    pub(crate) expected: Expected,
    /// Jobs that the scheduler has, so that polling and stopping never walk over the whole table.
    pub(crate) watched: BTreeSet<JobIndex>,
    /// Jobs on their way to the scheduler.
    pub(crate) submitting: BTreeSet<JobIndex>,
    pub(crate) feed_open: bool,
    pub(crate) signals: u32,
    pub(crate) stop: Option<Stop>,
    pub(crate) counts: Counts,
    /// Whether what happens can be recorded just now. Nothing is started while it cannot.
    pub(crate) recording: bool,
    /// Whether what is recorded is so far behind that nothing is started.
    pub(crate) held_back: bool,
    /// How many of the failed jobs failed under an earlier process: those do not count against the most to bear.
    pub(crate) failed_before: u64,
    pub(crate) finished: bool,
    pub(crate) actions: Vec<Action>,
}

impl Dispatcher {
    /// A dispatcher that waits for its first job.
    pub fn new(policy: Policy) -> Self {
        let mut dispatcher = Self {
            policy,
            table: Table::default(),
            queue: Queue::default(),
            waiting: 0,
            expected: Expected::new(),
            watched: BTreeSet::new(),
            submitting: BTreeSet::new(),
            feed_open: true,
            signals: 0,
            stop: None,
            counts: Counts::default(),
            recording: true,
            held_back: false,
            failed_before: 0,
            finished: false,
            actions: Vec::new(),
        };
        dispatcher.tell(Fact::Init);
        dispatcher
    }

    /// Decides what an event means. The order of the actions matters.
    pub fn handle(&mut self, event: Event) {
        match event {
            Event::Fed { jobs, origin } => jobs.into_iter().for_each(|job| self.on_fed(job, origin)),
            _ if self.finished => {}
            Event::FeedClosed => self.on_feed_closed(),
            Event::Submitted { job, attempt, result } => self.on_submitted(job, attempt, result),
            Event::Observed {
                job,
                attempt,
                observation,
                reported,
                usage,
            } => {
                self.on_observed(job, attempt, observation, reported, usage);
            }
            Event::Deadline { job, attempt } => self.on_deadline(job, attempt),
            Event::RetryDue { job, attempt } => self.on_retry_due(job, attempt),
            Event::KillDecided { job, attempt, verdict } => self.on_kill_decided(job, attempt, &verdict),
            Event::CancelRequested(job) => self.cancel(job, &CancelReason::Requested),
            Event::CancelAllRequested => self.cancel_all(&CancelReason::Requested),
            Event::Signalled(signal) => self.on_signal(signal),
            Event::ShutdownDecided { signal, verdict } => self.on_shutdown_decided(signal, &verdict),
            Event::KillFailed { job, attempt, how } => self.on_kill_failed(job, attempt, how),
            Event::KillDue { job, attempt } => self.on_kill_due(job, attempt),
            Event::PluginFailed => self.begin_stop(StopCause::PluginFailed),
            Event::WorkdirGone => self.begin_stop(StopCause::WorkdirGone),
            Event::Recording(works) => self.recording = works,
        }
    }

    /// What is to be done now, after any number of events: fills free slots from the queue, and ends the run when nothing
    /// is left. To be called whenever no event is waiting, so that jobs which arrive together are submitted together.
    pub fn decide(&mut self) -> Vec<Action> {
        if self.recording && !self.held_back {
            self.fill_slots();
        }
        self.finish_if_done();
        self.so_far()
    }

    /// What events so far mean, before anything is decided that depends on all of them.
    pub(crate) fn so_far(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// Whether no further job starts for the moment, because those who keep up with what happens do not. It ends a run no
    /// sooner.
    pub(crate) const fn hold_back(&mut self, held_back: bool) {
        self.held_back = held_back;
    }

    /// How many jobs are where.
    pub fn counts(&self) -> Counts {
        Counts {
            queued: self.waiting,
            in_flight: self.in_flight() as u64,
            ..self.counts
        }
    }

    /// Jobs on their way to the scheduler, or there.
    pub(crate) fn in_flight(&self) -> usize {
        self.submitting.len() + self.watched.len()
    }

    /// Whether the scheduler has any attempt.
    pub(crate) fn watches(&self) -> bool {
        !self.watched.is_empty()
    }

    /// The attempts that the scheduler has, for a status query; and whether each is known to run.
    pub fn watched(&mut self) -> Vec<(JobRef, bool)> {
        let Self { watched, table, .. } = self;
        let in_flight = watched.iter().filter_map(|&index| {
            let job = table.get_mut(index)?;
            match &job.phase {
                Phase::InFlight(flight) => Some((flight.job_ref(index, job.attempt), flight.started)),
                _ => None,
            }
        });
        in_flight.collect()
    }

    /// Whether this attempt is known to run; none, if it is not with the scheduler.
    pub(crate) fn has_started(&mut self, job: JobIndex, attempt: Attempt) -> Option<bool> {
        Some(self.table.in_flight(job, attempt)?.started)
    }

    /// Why the run was stopped, if it was.
    pub fn stopped(&self) -> Option<StopCause> {
        Some(self.stop.as_ref()?.cause)
    }

    pub(crate) fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    pub(crate) fn tell_job(&mut self, job: JobIndex, attempt: Attempt, event: JobEvent) {
        self.tell(Fact::Job { job, attempt, event });
    }

    /// A fact that nobody wants to hear costs nothing beyond this look.
    fn tell(&mut self, fact: Fact) {
        if self.policy.observed.contains(fact.hook()) {
            self.act(Action::Tell(fact));
        }
    }

    pub(crate) fn is_gated(&self, hook: Hook) -> bool {
        self.policy.gated.contains(hook)
    }

    fn finish_if_done(&mut self) {
        // What waits while nothing can be recorded is left to the next run that goes on with this one.
        let nothing_waits = !self.recording || (self.waiting == 0 && !self.feed_open);
        let nothing_runs = self.in_flight() == 0 || self.stops_with(Haste::Leaving);
        if nothing_waits && nothing_runs && !self.finished {
            self.finished = true;
            self.tell(Fact::Shutdown(self.stopped().and_then(StopCause::signal)));
            self.act(Action::Finish);
        }
    }
}
