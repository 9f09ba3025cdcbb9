//! A world around the dispatcher that carries its actions out in no particular order, and minds that nothing starts that
//! must not.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use proptest::sample::Index;

use super::moves::{Left, Move, NewJob, NewJobs, Past};
use crate::{
    flow::{
        dispatch::{Dispatcher, Haste, Policy},
        event::{Action, Event, FedJob, Submission},
        restore::{Restored, Standing},
    },
    model::{
        hook::{Fact, JobEvent},
        job::{Attempt, JobExtras, JobIndex, JobSpec},
        outcome::{Observation, Outcome},
        record::{Change, Origin},
        run::JobRef,
    },
};

/// Everything outside the dispatcher: remembers what it was told to do and what observers heard.
pub(super) struct World {
    pub(super) dispatcher: Dispatcher,
    pub(super) policy: Policy,
    /// What every job was when it came here.
    pub(super) jobs: Vec<Known>,
    pub(super) submitting: Vec<(JobIndex, Attempt)>,
    pub(super) flying: Vec<JobRef>,
    pub(super) pausing: Vec<(JobIndex, Attempt)>,
    pub(super) asked_to_kill: Vec<JobRef>,
    pub(super) asked_to_stop: Vec<i32>,
    pub(super) facts: Vec<Fact>,
    pub(super) journal: Vec<(JobIndex, Change)>,
    pub(super) ended: BTreeMap<JobIndex, (Attempt, Outcome)>,
    /// Jobs that observers know to be queued.
    pub(super) queued: BTreeSet<JobIndex>,
    /// Whether what happens can be recorded.
    pub(super) recording: bool,
    pub(super) closed: bool,
    pub(super) finished: bool,
}

/// A job as it came here.
pub(super) struct Known {
    pub(super) priority: i32,
    pub(super) after: Vec<JobIndex>,
    pub(super) past: Option<Past>,
}

impl World {
    pub(super) fn new(policy: Policy) -> Self {
        Self::resumed(policy, NewJobs::default(), Vec::new())
    }

    /// A world that goes on where another one ended.
    pub(super) fn resumed(policy: Policy, jobs: NewJobs, past: Vec<Past>) -> Self {
        let mut world = Self {
            dispatcher: Dispatcher::new(policy.clone()),
            policy,
            jobs: Vec::new(),
            submitting: Vec::new(),
            flying: Vec::new(),
            pausing: Vec::new(),
            asked_to_kill: Vec::new(),
            asked_to_stop: Vec::new(),
            facts: Vec::new(),
            journal: Vec::new(),
            ended: BTreeMap::new(),
            queued: BTreeSet::new(),
            recording: true,
            closed: false,
            finished: false,
        };
        for (job, past) in world.enter(jobs).into_iter().zip(past) {
            world.restore(job, past);
        }
        world.carry_out();
        world
    }

    /// Enters jobs that come together, and finds those that they come after.
    fn enter(&mut self, new: NewJobs) -> Vec<FedJob> {
        let (first, size, mut entered) = (self.jobs.len(), new.jobs.len(), Vec::new());
        for (place, job) in new.jobs.into_iter().enumerate() {
            let own = first + place;
            let possible: Vec<_> = match new.forwards {
                true => (0..first).chain(own + 1..first + size).collect(),
                false => (0..own).collect(),
            };
            let after = job.after.iter().filter_map(|at| pick(&possible, *at));
            let after = after.map(index).collect();
            entered.push(self.enter_one(&job, after));
        }
        entered
    }

    fn enter_one(&mut self, job: &NewJob, after: Vec<JobIndex>) -> FedJob {
        self.jobs.push(Known {
            priority: job.priority,
            after: after.clone(),
            past: None,
        });
        FedJob { spec: spec(job), after }
    }

    fn restore(&mut self, FedJob { spec, after }: FedJob, past: Past) {
        let job = index(usize::try_from(self.dispatcher.counts().fed).unwrap());
        let attempt = Attempt::new(past.attempt);
        let standing = match &past.left {
            Left::Waiting => Standing::Waiting,
            Left::InFlight { started } => Standing::InFlight {
                id: "old".into(),
                started: *started,
            },
            Left::Done(outcome) => {
                self.ended.insert(job, (attempt, outcome.clone()));
                Standing::Done(outcome.clone())
            }
        };
        let known = &mut self.jobs[job.0 as usize];
        if !matches!(past.left, Left::Waiting) {
            // It was started once, so nothing that it came after had failed.
            known.after.clear();
        }
        known.past = Some(past);
        self.dispatcher.restore(Restored {
            spec,
            after,
            attempt,
            standing,
        });
    }

    fn carry_out(&mut self) {
        for action in self.dispatcher.decide() {
            assert!(!self.finished, "{action:?} after the end");
            match action {
                Action::Submit(batch) => self.submit(batch),
                Action::Watch(job) => {
                    // Observers hear that adopted jobs were queued.
                    self.queued.remove(&job.job);
                    self.flying.push(job);
                }
                Action::AskKill(job) => self.asked_to_kill.push(job),
                Action::AskShutdown(signal) => self.asked_to_stop.push(signal),
                Action::RetryLater { job, attempt, pause } => {
                    assert!(!pause.is_zero());
                    self.pausing.push((job, attempt));
                }
                Action::Tell(fact) => {
                    if let Fact::Job {
                        job,
                        event: JobEvent::Queued,
                        ..
                    } = &fact
                    {
                        self.queued.insert(*job);
                    }
                    self.facts.push(fact);
                }
                Action::Journal(job, change) => self.journal.push((job, change)),
                Action::Ended { job, attempt, outcome } => {
                    assert!(
                        self.ended.insert(job, (attempt, outcome)).is_none(),
                        "job {job} ended twice"
                    );
                    self.flying.retain(|flying| flying.job != job);
                    self.queued.remove(&job);
                }
                Action::Finish => {
                    self.finished = true;
                    let left = self.jobs.len() - self.ended.len();
                    let may_leave = !self.recording || self.dispatcher.stops_with(Haste::Leaving);
                    assert!(left == 0 || may_leave, "{left} jobs are left");
                }
                Action::Kill(..)
                | Action::StartTimeout(_)
                | Action::KillLater { .. }
                | Action::Stop { .. }
                | Action::ShowState(..)
                | Action::Record(..) => {}
            }
        }
    }

    fn submit(&mut self, batch: Vec<(JobIndex, Attempt)>) {
        assert!(self.recording, "{batch:?} start unrecorded");
        for (job, _) in &batch {
            assert!(self.queued.remove(job), "job {job} did not wait");
            let known = &self.jobs[job.0 as usize];
            for before in &known.after {
                let (_, outcome) = &self.ended[before];
                assert_eq!(
                    *outcome,
                    Outcome::Succeeded,
                    "job {job} starts before {before} succeeded"
                );
            }
            let highest = self.queued.iter().map(|job| self.jobs[job.0 as usize].priority).max();
            assert!(
                highest.is_none_or(|highest| highest <= known.priority),
                "job {job} is not its turn"
            );
        }
        let failed = |job: &Known, outcome: &Outcome| {
            matches!(outcome, Outcome::Failed(_))
                && !matches!(
                    &job.past,
                    Some(Past {
                        left: Left::Done(_),
                        ..
                    })
                )
        };
        let failed = self
            .ended
            .iter()
            .filter(|(job, (_, outcome))| failed(&self.jobs[job.0 as usize], outcome));
        let failed = failed.count();
        assert!(self.policy.max_failures.is_none_or(|most| failed < most.get() as usize));
        self.submitting.extend(batch);
        assert!(
            self.submitting.len() + self.flying.len() <= self.policy.forks as usize,
            "more in flight than forks"
        );
    }

    pub(super) fn happen(&mut self, event: Event) {
        let mut observed = None;
        match &event {
            Event::Observed { job, attempt, .. } => observed = Some((*job, *attempt)),
            Event::Recording(works) => self.recording = *works,
            Event::Submitted {
                job,
                result: Submission::Unrecorded,
                ..
            } => _ = self.queued.insert(*job),
            _ => {}
        }
        self.dispatcher.handle(event);
        // An attempt that the dispatcher no longer watches is over; its slot is free.
        if let Some(observed) = observed {
            let watched = self.dispatcher.watched();
            if !watched.iter().any(|(known, _)| (known.job, known.attempt) == observed) {
                self.flying.retain(|flying| (flying.job, flying.attempt) != observed);
            }
        }
        self.carry_out();
    }

    pub(super) fn play(&mut self, step: Move) {
        match step {
            Move::Feed(_) if self.finished || self.closed => {}
            Move::Feed(jobs) => self.feed(jobs),
            Move::CloseFeed => self.close_feed(),
            Move::Submitted(at, result) => self.submitted(at, result),
            Move::Observed(at, observation, reported) => self.observed(at, observation, reported),
            Move::Deadline(at) => self.happen_to_one(at, |job, attempt| Event::Deadline { job, attempt }),
            Move::RetryDue(at) => {
                if let Some((job, attempt)) = take(&mut self.pausing, at) {
                    self.happen(Event::RetryDue { job, attempt });
                }
            }
            Move::KillDecided(at, verdict) => {
                if let Some(JobRef { job, attempt, .. }) = take(&mut self.asked_to_kill, at) {
                    self.happen(Event::KillDecided { job, attempt, verdict });
                }
            }
            Move::Cancel(at) if !self.jobs.is_empty() => {
                self.happen(Event::CancelRequested(index(at.index(self.jobs.len()))));
            }
            Move::Cancel(_) => {}
            Move::CancelAll => self.happen(Event::CancelAllRequested),
            Move::Signal => self.happen(Event::Signalled(15)),
            Move::ShutdownDecided(verdict) => {
                if let Some(signal) = self.asked_to_stop.pop() {
                    self.happen(Event::ShutdownDecided { signal, verdict });
                }
            }
            Move::Recording(works) => self.happen(Event::Recording(works)),
            Move::KillFailed(at, how) => {
                self.happen_to_one(at, |job, attempt| Event::KillFailed { job, attempt, how });
            }
            Move::KillDue(at) => self.happen_to_one(at, |job, attempt| Event::KillDue { job, attempt }),
            Move::PluginFails => self.happen(Event::PluginFailed),
        }
    }

    /// Happens to an attempt in flight, if there is one.
    fn happen_to_one(&mut self, at: Index, event: impl FnOnce(JobIndex, Attempt) -> Event) {
        if let Some(JobRef { job, attempt, .. }) = pick(&self.flying, at) {
            self.happen(event(job, attempt));
        }
    }

    /// Feeds jobs that come together.
    pub(super) fn feed(&mut self, jobs: NewJobs) {
        let together = if jobs.at_once { usize::MAX } else { 1 };
        for jobs in self.enter(jobs).chunks(together) {
            self.announce(jobs.to_vec());
        }
    }

    /// Feeds one job that comes after these.
    pub(super) fn feed_after(&mut self, job: &NewJob, after: &[u32]) {
        let job = self.enter_one(job, after.iter().copied().map(JobIndex).collect());
        self.announce(vec![job]);
    }

    fn announce(&mut self, jobs: Vec<FedJob>) {
        let origin = Origin::Given;
        self.happen(Event::Fed { jobs, origin });
    }

    fn close_feed(&mut self) {
        self.closed = true;
        self.happen(Event::FeedClosed);
    }

    fn submitted(&mut self, at: Index, result: Submission) {
        if let Some((job, attempt)) = take(&mut self.submitting, at) {
            self.happen(Event::Submitted { job, attempt, result });
        }
    }

    fn observed(&mut self, at: Index, observation: Observation, reported: Option<i32>) {
        if let Some(JobRef { job, attempt, .. }) = pick(&self.flying, at) {
            let reported = reported.filter(|_| matches!(observation, Observation::Ended(_) | Observation::Unknown));
            self.observe(job, attempt, observation, reported);
        }
    }

    pub(super) fn observe(&mut self, job: JobIndex, attempt: Attempt, observation: Observation, reported: Option<i32>) {
        self.happen(Event::Observed {
            job,
            attempt,
            observation,
            reported,
            usage: None,
        });
    }

    /// The attempt that was submitted last runs and ends like this.
    pub(super) fn run_one(&mut self, outcome: Outcome) {
        let (job, attempt) = self.submitting.pop().unwrap();
        self.happen(Event::Submitted {
            job,
            attempt,
            result: Submission::Running("1".into()),
        });
        self.observe(job, attempt, Observation::Ended(outcome), None);
    }

    /// Lets everything that is under way come to its end.
    pub(super) fn drain(&mut self) {
        self.happen(Event::Recording(true));
        self.close_feed();
        let mut steps = 0..10_000;
        while !self.finished && steps.next().is_some() {
            if let Some((job, attempt)) = self.submitting.pop() {
                self.happen(Event::Submitted {
                    job,
                    attempt,
                    result: Submission::Taken("id".into()),
                });
            } else if let Some((job, attempt)) = self.pausing.pop() {
                self.happen(Event::RetryDue { job, attempt });
            } else if let Some(JobRef { job, attempt, .. }) = self.flying.first().cloned() {
                self.observe(job, attempt, Observation::Ended(Outcome::Succeeded), Some(0));
            }
        }
    }
}

fn spec(job: &NewJob) -> Arc<JobSpec> {
    Arc::new(JobSpec::from("true").with(JobExtras {
        num_retries: job.num_retries,
        priority: job.priority,
        ..JobExtras::default()
    }))
}

fn index(at: usize) -> JobIndex {
    JobIndex(u32::try_from(at).unwrap())
}

fn pick<T: Clone>(from: &[T], at: Index) -> Option<T> {
    (!from.is_empty()).then(|| at.get(from).clone())
}

fn take<T>(from: &mut Vec<T>, at: Index) -> Option<T> {
    (!from.is_empty()).then(|| from.remove(at.index(from.len())))
}
