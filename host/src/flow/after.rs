//! Between being fed and the queue: jobs that come after others are held until those have succeeded, and cancelled when
//! one of them has not.

use std::collections::{HashMap, VecDeque};

use super::{
    dispatch::Dispatcher,
    event::Action,
    table::{Job, Links, Phase},
};
use crate::model::{
    job::JobIndex,
    outcome::{CancelReason, Outcome},
};

/// The jobs that wait for one that is still to be fed, by that one.
pub(crate) type Expected = HashMap<JobIndex, Vec<JobIndex>>;

impl Dispatcher {
    /// A job waits for those before it, or else for a slot; one that comes too late, or after a job that did not succeed,
    /// is cancelled.
    pub(crate) fn hold_or_enqueue(&mut self, index: JobIndex, after: &[JobIndex]) {
        if let Some(stop) = &self.stop {
            let reason = stop.cause.into();
            self.end_job(index, Outcome::Cancelled(reason), None);
            return;
        }
        let mut missing = 0;
        for &predecessor in after {
            match self.table.get_mut(predecessor) {
                Some(Job {
                    phase: Phase::Done { succeeded: true },
                    ..
                }) => continue,
                Some(Job {
                    phase: Phase::Done { succeeded: false },
                    ..
                }) => {
                    let successors = self.end_dependent(index, predecessor);
                    self.judge_successors(index, false, successors);
                    return;
                }
                Some(job) => job.links.get_or_insert_default().successors.push(index),
                None => self.expected.entry(predecessor).or_default().push(index),
            }
            missing += 1;
        }
        if missing == 0 {
            self.enqueue(index);
        } else if let Some(job) = self.table.get_mut(index) {
            job.links.get_or_insert_default().missing = missing;
            self.waits(index, Phase::Held);
        }
    }

    /// What a new job is linked to before anything is decided about it.
    pub(crate) fn new_links(&mut self, index: JobIndex, priority: i32) -> Option<Box<Links>> {
        let successors = match self.expected.is_empty() {
            true => None,
            false => self.expected.remove(&index),
        };
        (priority != 0 || successors.is_some()).then(|| {
            Box::new(Links {
                priority,
                missing: 0,
                successors: successors.unwrap_or_default(),
            })
        })
    }

    /// Releases or cancels the jobs that come after one that has ended, and those after them. A loop with a list, as
    /// chains may be longer than a stack is deep.
    pub(crate) fn judge_successors(&mut self, ended: JobIndex, succeeded: bool, successors: Vec<JobIndex>) {
        let mut cancelled = VecDeque::new();
        for successor in successors {
            match succeeded {
                true => self.release(successor),
                false => cancelled.push_back((successor, ended)),
            }
        }
        while let Some((index, predecessor)) = cancelled.pop_front() {
            if self.is_held(index) {
                let further = self.end_dependent(index, predecessor);
                cancelled.extend(further.into_iter().map(|further| (further, index)));
            }
        }
    }

    /// No job that is expected will come any more.
    pub(crate) fn expect_no_more(&mut self) {
        let mut expected: Vec<_> = std::mem::take(&mut self.expected).into_iter().collect();
        expected.sort_unstable();
        for (missing, waiting) in expected {
            self.judge_successors(missing, false, waiting);
        }
    }

    fn release(&mut self, index: JobIndex) {
        let Some(Job {
            phase: Phase::Held,
            links: Some(links),
            ..
        }) = self.table.get_mut(index)
        else {
            return;
        };
        links.missing -= 1;
        if links.missing == 0 {
            self.enqueue(index);
        }
    }

    fn is_held(&mut self, index: JobIndex) -> bool {
        self.table
            .get_mut(index)
            .is_some_and(|job| matches!(job.phase, Phase::Held))
    }

    /// Ends a job because of one before it. Its directory says so, as it looks like one that was never fed otherwise.
    fn end_dependent(&mut self, index: JobIndex, predecessor: JobIndex) -> Vec<JobIndex> {
        let outcome = Outcome::Cancelled(CancelReason::Dependency(predecessor));
        self.act(Action::Record(index, outcome.clone()));
        self.end_alone(index, outcome, None)
    }
}
