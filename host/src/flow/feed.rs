//! First step: a job is accepted.

use std::sync::Arc;

use super::{
    dispatch::Dispatcher,
    event::Action,
    table::{Job, Phase},
};
use crate::model::{
    hook::JobEvent,
    job::{Attempt, JobSpec},
    record::{Change, Origin},
};

impl Dispatcher {
    pub(crate) fn on_fed(&mut self, spec: Arc<JobSpec>, origin: Origin) {
        if self.finished {
            // It crossed the end of a run that was stopped. Observers have been told that the run is over.
            self.counts.fed += 1;
            self.counts.cancelled += 1;
            return;
        }
        let job = Job {
            attempt: Attempt::FIRST,
            retries_allowed: spec.extras().num_retries.unwrap_or(self.policy.num_retries),
            phase: Phase::Queued,
        };
        // Whoever feeds checks the number of jobs against the same bound, so that nothing is lost here.
        let Some(index) = self.table.push(job) else { return };
        self.counts.fed += 1;
        self.act(Action::Journal(index, Change::Fed { spec, origin }));
        self.tell_job(index, Attempt::FIRST, JobEvent::Init);
        self.enqueue_new(index);
    }
}
