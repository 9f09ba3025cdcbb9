//! Second step: jobs wait for a free slot.

use super::{dispatch::Dispatcher, event::Action, table::Phase};
use crate::model::{
    hook::JobEvent,
    job::{Attempt, JobIndex},
    outcome::Outcome,
};

impl Dispatcher {
    /// A new job goes to the end of the queue; one that comes too late is cancelled.
    pub(crate) fn enqueue_new(&mut self, job: JobIndex) {
        if let Some(stop) = &self.stop {
            let reason = stop.reason.clone();
            self.end_job(job, Outcome::Cancelled(reason), None);
            return;
        }
        self.queue.push_back(job);
        self.tell_job(job, Attempt::FIRST, JobEvent::Queued);
    }

    /// A further attempt goes first: its job was started before those that wait.
    pub(crate) fn enqueue_retry(&mut self, index: JobIndex) {
        let Some(job) = self.table.get_mut(index) else { return };
        job.attempt = job.attempt.next();
        job.phase = Phase::Queued;
        let attempt = job.attempt;
        self.counts.retries += 1;
        self.queue.push_front(index);
        self.tell_job(index, attempt, JobEvent::Queued);
    }

    /// Hands over as many jobs as there are free slots, in batches.
    pub(crate) fn fill_slots(&mut self) {
        let forks = usize::try_from(self.policy.forks).unwrap_or(usize::MAX);
        let mut free = forks.saturating_sub(self.in_flight());
        while free > 0 && !self.queue.is_empty() {
            let size = free.min(usize::try_from(self.policy.submission_batch).unwrap_or(usize::MAX));
            let batch: Vec<_> = self.take_queued(size);
            free -= batch.len().min(free);
            self.act(Action::Submit(batch));
        }
    }

    fn take_queued(&mut self, size: usize) -> Vec<(JobIndex, Attempt)> {
        let size = size.min(self.queue.len());
        let taken: Vec<_> = self.queue.drain(..size).collect();
        let mut batch = Vec::with_capacity(taken.len());
        for index in taken {
            if let Some(job) = self.table.get_mut(index) {
                job.phase = Phase::Submitting { unwanted: None };
                batch.push((index, job.attempt));
                self.submitting.insert(index);
            }
        }
        batch
    }
}
