//! How long a guest computes in a call, in time of the processor: a machine that is busy elsewhere costs a guest nothing.
//!
//! A guest computes in turns. A turn ends when the guest waits for the host, when it is over, or at a tick of the engine,
//! so that other tasks of the thread get theirs.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

/// Shared by the call, which starts and ends turns, and the store, which is asked at each tick. Both are on the thread that
/// has the turn, so nothing here needs more than to be shared.
#[derive(Clone, Debug, Default)]
pub(super) struct Stopwatch(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// What is left for the call, in nanoseconds.
    left: AtomicU64,
    /// What the thread had used when the turn began, in nanoseconds.
    began: AtomicU64,
    /// Whether the last turn ended at a tick, so that the guest would have gone on.
    interrupted: AtomicBool,
}

impl Stopwatch {
    /// Runs a call, which may compute for so long.
    pub(super) async fn time<F: Future>(&self, budget: Duration, call: F) -> F::Output {
        self.0.left.store(nanos(budget), Relaxed);
        let mut call = pin!(call);
        poll_fn(|context| {
            self.0.began.store(processor_time(), Relaxed);
            self.0.interrupted.store(false, Relaxed);
            let answer = call.as_mut().poll(context);
            // Most calls answer in their first turn, and then nobody asks any more.
            if answer.is_pending() {
                self.0.left.store(self.left(), Relaxed);
            }
            answer
        })
        .await
    }

    /// Interrupts the guest's turn. Whether all of its time is used up.
    pub(super) fn interrupt(&self) -> bool {
        self.0.interrupted.store(true, Relaxed);
        self.left() == 0
    }

    /// What is left in this moment of a turn, in nanoseconds.
    fn left(&self) -> u64 {
        let used = processor_time().saturating_sub(self.0.began.load(Relaxed));
        self.0.left.load(Relaxed).saturating_sub(used)
    }

    /// Whether the guest was computing when it was looked at last, and not waiting for the host.
    pub(super) fn is_computing(&self) -> bool {
        self.0.interrupted.load(Relaxed)
    }
}

/// What this thread has used of the processor, in nanoseconds.
fn processor_time() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    nanos(Duration::try_from(time).unwrap_or_default())
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computes until the watch says that it is enough, in turns of one look each.
    async fn compute(watch: &Stopwatch) {
        while !watch.interrupt() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_guest_that_computes_comes_to_its_end() {
        let watch = Stopwatch::default();
        watch.time(Duration::from_millis(2), compute(&watch)).await;
        assert!(watch.interrupt());
        assert!(watch.is_computing());
    }

    #[tokio::test]
    async fn waiting_costs_nothing() {
        let watch = Stopwatch::default();
        let waiting = tokio::time::sleep(Duration::from_millis(20));
        watch.time(Duration::from_secs(3600), waiting).await;
        assert!(!watch.is_computing());
        assert!(watch.0.left.load(Relaxed) > nanos(Duration::from_secs(3599)));
    }

    #[tokio::test]
    async fn each_call_starts_anew() {
        let watch = Stopwatch::default();
        watch.time(Duration::ZERO, async { assert!(watch.interrupt()) }).await;
        watch
            .time(Duration::from_secs(3600), async { assert!(!watch.interrupt()) })
            .await;
    }
}
