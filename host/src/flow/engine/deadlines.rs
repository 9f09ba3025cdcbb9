//! Time limits of attempts: which runs out next.

use std::{cmp::Reverse, collections::BinaryHeap, future::pending};

use tokio::time::{Duration, Instant, sleep_until};

use crate::model::{
    job::{Attempt, JobIndex},
    run::JobRef,
};

/// The time limits that have been started. Those of attempts that ended in time stay until they run out; the dispatcher
/// ignores them.
#[derive(Debug, Default)]
pub(crate) struct Deadlines(BinaryHeap<Reverse<(Instant, JobIndex, Attempt)>>);

impl Deadlines {
    pub(crate) fn start(&mut self, job: &JobRef, limit: Duration) {
        // A limit beyond the clock's range never runs out.
        if let Some(at) = Instant::now().checked_add(limit) {
            self.0.push(Reverse((at, job.job, job.attempt)));
        }
    }

    /// Waits for the next time limit to run out; for ever, when there is none. Safe to drop and call again.
    pub(crate) async fn next(&mut self) -> (JobIndex, Attempt) {
        let Some(&Reverse((at, job, attempt))) = self.0.peek() else {
            return pending().await;
        };
        sleep_until(at).await;
        self.0.pop();
        (job, attempt)
    }
}
