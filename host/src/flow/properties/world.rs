//! A world around the dispatcher that carries its actions out in no particular order.

use std::{collections::BTreeMap, sync::Arc};

use proptest::sample::Index;

use super::moves::Move;
use crate::{
    flow::{
        dispatch::{Dispatcher, Policy},
        event::{Action, Event, Submission},
    },
    model::{
        hook::Fact,
        job::{Attempt, JobExtras, JobIndex, JobSpec},
        outcome::{Observation, Outcome},
        record::Origin,
        run::JobRef,
    },
};

/// Everything outside the dispatcher: remembers what it was told to do and what observers heard.
pub(super) struct World {
    pub(super) dispatcher: Dispatcher,
    pub(super) forks: usize,
    pub(super) fed: u32,
    pub(super) submitting: Vec<(JobIndex, Attempt)>,
    pub(super) flying: Vec<JobRef>,
    pub(super) asked_to_kill: Vec<JobRef>,
    pub(super) asked_to_stop: Vec<i32>,
    pub(super) facts: Vec<Fact>,
    pub(super) ended: BTreeMap<JobIndex, Outcome>,
    pub(super) closed: bool,
    pub(super) finished: bool,
}

impl World {
    pub(super) fn new(policy: Policy) -> Self {
        let forks = policy.forks as usize;
        let mut world = Self {
            dispatcher: Dispatcher::new(policy),
            forks,
            fed: 0,
            submitting: Vec::new(),
            flying: Vec::new(),
            asked_to_kill: Vec::new(),
            asked_to_stop: Vec::new(),
            facts: Vec::new(),
            ended: BTreeMap::new(),
            closed: false,
            finished: false,
        };
        world.carry_out();
        world
    }

    fn carry_out(&mut self) {
        for action in self.dispatcher.decide() {
            assert!(!self.finished, "{action:?} after the end");
            match action {
                Action::Submit(batch) => self.submitting.extend(batch),
                Action::Watch(job) => self.flying.push(job),
                Action::AskKill(job) => self.asked_to_kill.push(job),
                Action::AskShutdown(signal) => self.asked_to_stop.push(signal),
                Action::Tell(fact) => self.facts.push(fact),
                Action::Ended { job, outcome, .. } => {
                    assert!(self.ended.insert(job, outcome).is_none(), "job {job} ended twice");
                    self.flying.retain(|flying| flying.job != job);
                }
                Action::Finish => self.finished = true,
                Action::Kill(..)
                | Action::StartTimeout(_)
                | Action::StopSubmitting
                | Action::Journal(..)
                | Action::ShowState(..)
                | Action::Record(..) => {}
            }
        }
        assert!(
            self.submitting.len() + self.flying.len() <= self.forks,
            "more in flight than forks"
        );
    }

    pub(super) fn happen(&mut self, event: Event) {
        let over = |job: JobIndex, attempt: Attempt, flying: &mut Vec<JobRef>| {
            flying.retain(|flying| (flying.job, flying.attempt) != (job, attempt));
        };
        let observed = match &event {
            Event::Observed { job, attempt, .. } => Some((*job, *attempt)),
            _ => None,
        };
        self.dispatcher.handle(event);
        // An attempt that the dispatcher no longer watches is over; its slot is free.
        if let Some((job, attempt)) = observed {
            let watched = self
                .dispatcher
                .watched()
                .iter()
                .any(|(known, _)| (known.job, known.attempt) == (job, attempt));
            if !watched {
                over(job, attempt, &mut self.flying);
            }
        }
        self.carry_out();
    }

    pub(super) fn play(&mut self, step: Move) {
        match step {
            Move::Feed(_) if self.finished || self.closed => {}
            Move::Feed(num_retries) => {
                self.fed += 1;
                self.happen(fed(num_retries));
            }
            Move::CloseFeed => self.close_feed(),
            Move::Submitted(at, result) => self.submitted(at, result),
            Move::Observed(at, observation, reported) => self.observed(at, observation, reported),
            Move::Deadline(at) => {
                if let Some(JobRef { job, attempt, .. }) = pick(&self.flying, at) {
                    self.happen(Event::Deadline { job, attempt });
                }
            }
            Move::KillDecided(at, verdict) => {
                if let Some(JobRef { job, attempt, .. }) = pick(&self.asked_to_kill, at) {
                    self.asked_to_kill
                        .retain(|asked| (asked.job, asked.attempt) != (job, attempt));
                    self.happen(Event::KillDecided { job, attempt, verdict });
                }
            }
            Move::Cancel(at) if self.fed > 0 => {
                let job = u32::try_from(at.index(self.fed as usize)).unwrap();
                self.happen(Event::CancelRequested(JobIndex(job)));
            }
            Move::Cancel(_) => {}
            Move::Signal => self.happen(Event::Signalled(15)),
            Move::ShutdownDecided(verdict) => {
                if let Some(signal) = self.asked_to_stop.pop() {
                    self.happen(Event::ShutdownDecided { signal, verdict });
                }
            }
            Move::Halt => self.happen(Event::HaltRequested),
        }
    }

    fn close_feed(&mut self) {
        self.closed = true;
        self.happen(Event::FeedClosed);
    }

    fn submitted(&mut self, at: Index, result: Submission) {
        if self.submitting.is_empty() {
            return;
        }
        let (job, attempt) = self.submitting.remove(at.index(self.submitting.len()));
        self.happen(Event::Submitted { job, attempt, result });
    }

    fn observed(&mut self, at: Index, observation: Observation, reported: Option<i32>) {
        if let Some(JobRef { job, attempt, .. }) = pick(&self.flying, at) {
            let reported = reported.filter(|_| matches!(observation, Observation::Ended(_) | Observation::Unknown));
            self.happen(Event::Observed {
                job,
                attempt,
                observation,
                reported,
                usage: None,
            });
        }
    }

    /// Lets everything that is under way come to its end.
    pub(super) fn drain(&mut self) {
        self.close_feed();
        for _ in 0..10_000 {
            if let Some((job, attempt)) = self.submitting.pop() {
                self.happen(Event::Submitted {
                    job,
                    attempt,
                    result: Submission::Taken("id".into()),
                });
            } else if let Some(JobRef { job, attempt, .. }) = self.flying.first().cloned() {
                let observation = Observation::Ended(Outcome::Succeeded);
                self.happen(Event::Observed {
                    job,
                    attempt,
                    observation,
                    reported: Some(0),
                    usage: None,
                });
            } else {
                return;
            }
        }
        panic!("the run does not end");
    }
}

/// A job that asks for this many retries is fed.
pub(super) fn fed(num_retries: Option<u32>) -> Event {
    let extras = JobExtras {
        num_retries,
        ..JobExtras::default()
    };
    Event::Fed {
        spec: Arc::new(JobSpec::from("true").with(extras)),
        origin: Origin::Given,
    }
}

fn pick<T: Clone>(from: &[T], at: Index) -> Option<T> {
    (!from.is_empty()).then(|| at.get(from).clone())
}
