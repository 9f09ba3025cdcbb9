//! Before the first event of a run that is resumed: what an earlier process knew of its jobs.

use std::sync::Arc;

use super::{
    dispatch::Dispatcher,
    event::Action,
    table::{InFlight, Phase},
};
use crate::model::{
    hook::JobEvent,
    job::{Attempt, JobIndex, JobSpec},
    outcome::Outcome,
    run::BackendJobId,
};

/// A job that an earlier process accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The request.
    pub spec: Arc<JobSpec>,
    /// The jobs that must succeed before it starts.
    pub after: Vec<JobIndex>,
    /// Its latest attempt, or the one that it waits for.
    pub attempt: Attempt,
    /// How far it had come.
    pub standing: Standing,
}

/// How far a job had come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing has been started for this attempt.
    Waiting,
    /// A scheduler took the attempt; what became of it is not known.
    InFlight {
        /// What the backend calls it.
        id: BackendJobId,
        /// Whether it was seen to run.
        started: bool,
    },
    /// It had ended for good.
    Done(Outcome),
}

impl Dispatcher {
    /// Takes over a job of an earlier process. To be called for all of them, in the order of their indices, before the
    /// first event. Observers hear of jobs that have not ended as if this process had brought them where they are.
    pub fn restore(&mut self, job: Restored) {
        let Restored {
            spec,
            after,
            attempt,
            standing,
        } = job;
        self.counts.retries += u64::from(attempt.retries());
        match standing {
            Standing::Waiting => {
                if let Some(index) = self.enter(&spec, attempt, Phase::Held) {
                    self.tell_job(index, attempt, JobEvent::Init);
                    self.hold_or_enqueue(index, &after);
                }
            }
            Standing::InFlight { id, started } => self.adopt(&spec, attempt, id, started),
            Standing::Done(outcome) => self.restore_done(&spec, attempt, &outcome),
        }
    }

    fn adopt(&mut self, spec: &JobSpec, attempt: Attempt, id: BackendJobId, started: bool) {
        let flight = Box::new(InFlight {
            id,
            started,
            adopted: true,
            unknown: 0,
            kill: None,
        });
        let Some(index) = self.enter(spec, attempt, Phase::InFlight(flight)) else {
            return;
        };
        self.watched.insert(index);
        for event in [JobEvent::Init, JobEvent::Queued, JobEvent::Submitted] {
            self.tell_job(index, attempt, event);
        }
        let Some(flight) = self.table.in_flight(index, attempt) else {
            return;
        };
        let job_ref = flight.job_ref(index, attempt);
        self.act(Action::Watch(job_ref.clone()));
        if started {
            self.act(Action::StartTimeout(job_ref));
            self.tell_job(index, attempt, JobEvent::Started);
        }
    }

    /// Only counted: its end was told when it came.
    fn restore_done(&mut self, spec: &JobSpec, attempt: Attempt, outcome: &Outcome) {
        let succeeded = *outcome == Outcome::Succeeded;
        let Some(index) = self.enter(spec, attempt, Phase::Done { succeeded }) else {
            return;
        };
        self.count(outcome);
        self.failed_before += u64::from(matches!(outcome, Outcome::Failed(_)));
        // Jobs before it in the run may come after it.
        let links = self.table.get_mut(index).and_then(|job| job.links.take());
        if let Some(links) = links {
            self.judge_successors(index, succeeded, links.successors);
        }
    }
}
