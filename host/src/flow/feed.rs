//! First step: a job is accepted.

use super::{
    dispatch::Dispatcher,
    event::{Action, FedJob},
    table::{Job, Phase},
};
use crate::model::{
    hook::JobEvent,
    job::{Attempt, JobIndex, JobSpec},
    record::{Change, Origin},
};

impl Dispatcher {
    pub(crate) fn on_fed(&mut self, job: FedJob, origin: Origin) {
        let FedJob { spec, after } = job;
        if self.finished {
            // It crossed the end of a run that was stopped. Observers have been told that the run is over.
            self.counts.fed += 1;
            self.counts.cancelled += 1;
            return;
        }
        // Whoever feeds checks the number of jobs against the same bound, so that nothing is lost here.
        let Some(index) = self.enter(&spec, Attempt::FIRST, Phase::Held) else {
            return;
        };
        self.act(Action::Journal(index, Change::Fed { spec, origin }));
        self.tell_job(index, Attempt::FIRST, JobEvent::Init);
        self.hold_or_enqueue(index, &after);
    }

    /// Enters a job into the table, as it stands.
    pub(crate) fn enter(&mut self, spec: &JobSpec, attempt: Attempt, phase: Phase) -> Option<JobIndex> {
        let extras = spec.extras();
        let links = self.new_links(self.table.next()?, extras.priority);
        let waits = phase.waits();
        let index = self.table.push(Job {
            attempt,
            retries_allowed: extras.num_retries.unwrap_or(self.policy.num_retries),
            phase,
            links,
        })?;
        self.counts.fed += 1;
        self.waiting += u64::from(waits);
        Some(index)
    }

    pub(crate) fn on_feed_closed(&mut self) {
        self.feed_open = false;
        self.expect_no_more();
    }
}
