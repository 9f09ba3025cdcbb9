//! Second step: jobs wait for a free slot, those of a higher priority in front.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, VecDeque},
};

use super::{
    dispatch::Dispatcher,
    event::Action,
    table::{Job, Phase, Table},
};
use crate::model::{
    hook::JobEvent,
    job::{Attempt, JobIndex},
};

/// The jobs that wait, by priority. One that is cancelled stays until its turn comes and is skipped then.
#[derive(Debug, Default)]
pub(crate) struct Queue(BTreeMap<Reverse<i32>, VecDeque<JobIndex>>);

impl Queue {
    fn push_back(&mut self, job: JobIndex, priority: i32) {
        self.0.entry(Reverse(priority)).or_default().push_back(job);
    }

    fn push_front(&mut self, job: JobIndex, priority: i32) {
        self.0.entry(Reverse(priority)).or_default().push_front(job);
    }

    fn pop(&mut self) -> Option<JobIndex> {
        let mut first = self.0.first_entry()?;
        let job = first.get_mut().pop_front();
        if first.get().is_empty() {
            first.remove();
        }
        job
    }

    /// Forgets all of them.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

impl Dispatcher {
    /// A job goes behind those that wait at its priority.
    pub(crate) fn enqueue(&mut self, index: JobIndex) {
        if let Some((attempt, priority)) = self.waits(index, Phase::Queued) {
            self.queue.push_back(index, priority);
            self.tell_job(index, attempt, JobEvent::Queued);
        }
    }

    /// A further attempt goes before those that wait at its priority: its job was started before them.
    pub(crate) fn enqueue_retry(&mut self, index: JobIndex) {
        if let Some((attempt, priority)) = self.waits(index, Phase::Queued) {
            self.queue.push_front(index, priority);
            self.tell_job(index, attempt, JobEvent::Queued);
        }
    }

    /// A job that was not started after all goes back to where it was. Observers know already that it is queued.
    pub(crate) fn put_back(&mut self, index: JobIndex) {
        if let Some((_, priority)) = self.waits(index, Phase::Queued) {
            self.queue.push_front(index, priority);
        }
    }

    /// The job waits, in this phase, from now on.
    pub(crate) fn waits(&mut self, index: JobIndex, phase: Phase) -> Option<(Attempt, i32)> {
        let job = self.table.get_mut(index)?;
        let waited = job.phase.waits();
        job.phase = phase;
        let known = (job.attempt, job.priority());
        self.waiting += u64::from(!waited);
        Some(known)
    }

    /// Hands over as many jobs as there are free slots, in batches.
    pub(crate) fn fill_slots(&mut self) {
        let forks = usize::try_from(self.policy.forks).unwrap_or(usize::MAX);
        let most = usize::try_from(self.policy.submission_batch).unwrap_or(usize::MAX);
        let mut free = forks.saturating_sub(self.in_flight());
        while free > 0 {
            let room = free.min(most);
            if room < most && self.gathers(room) {
                return;
            }
            let batch = self.take_queued(room);
            if batch.is_empty() {
                return;
            }
            free -= batch.len();
            self.act(Action::Submit(batch));
        }
    }

    /// Whether so few jobs had better wait for more to come along: a submission is to be as big as those that are under way.
    /// So the more of them are slow, the fewer and bigger they become.
    fn gathers(&self, room: usize) -> bool {
        let ready = usize::try_from(self.waiting).map_or(room, |waiting| waiting.min(room));
        self.policy.gathers && ready < self.submitting.len()
    }

    fn take_queued(&mut self, size: usize) -> Vec<(JobIndex, Attempt)> {
        let mut batch = Vec::new();
        while batch.len() < size
            && let Some((index, attempt)) = pop_waiting(&mut self.queue, &mut self.table)
        {
            self.waiting -= 1;
            self.submitting.insert(index);
            batch.push((index, attempt));
        }
        batch
    }
}

/// The next job, which is on its way to the scheduler from now on.
fn pop_waiting(queue: &mut Queue, table: &mut Table) -> Option<(JobIndex, Attempt)> {
    while let Some(index) = queue.pop() {
        if let Some(Job { attempt, phase, .. }) = table.get_mut(index)
            && matches!(phase, Phase::Queued)
        {
            *phase = Phase::Submitting { unwanted: None };
            return Some((index, *attempt));
        }
    }
    None
}
