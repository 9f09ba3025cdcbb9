//! What is due at a certain time: time limits of attempts, and the ends of pauses before further attempts and kills.

use std::{cmp::Reverse, collections::BinaryHeap, future::pending};

use tokio::time::{Duration, Instant, sleep_until};

use crate::{
    flow::event::Event,
    model::job::{Attempt, JobIndex},
};

/// What has been started and is not due yet. What is of no use any more, as its attempt ended, stays until it is due; the
/// dispatcher ignores it.
#[derive(Debug, Default)]
pub(crate) struct Deadlines(BinaryHeap<Reverse<(Instant, JobIndex, Attempt, Due)>>);

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// The attempt has run for as long as it may.
    TimeLimit,
    /// The attempt may be made.
    Retry,
    /// The attempt is to be killed, which failed before.
    Kill,
}

impl Deadlines {
    pub(crate) fn start(&mut self, job: JobIndex, attempt: Attempt, due: Due, after: Duration) {
        // What lies beyond the clock's range never comes.
        if let Some(at) = Instant::now().checked_add(after) {
            self.0.push(Reverse((at, job, attempt, due)));
        }
    }

    /// Waits for what is due next; for ever, when there is nothing. Safe to drop and call again.
    pub(crate) async fn next(&mut self) -> Event {
        let Some(&Reverse((at, job, attempt, due))) = self.0.peek() else {
            return pending().await;
        };
        sleep_until(at).await;
        self.0.pop();
        match due {
            Due::TimeLimit => Event::Deadline { job, attempt },
            Due::Retry => Event::RetryDue { job, attempt },
            Due::Kill => Event::KillDue { job, attempt },
        }
    }
}
