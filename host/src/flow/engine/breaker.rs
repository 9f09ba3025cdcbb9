//! Keeps a run from knocking at a closed door: whether its backend can be reached, and when it is tried again.
//!
//! While it cannot, or wants patience, nothing is submitted until a pause is over. Then one submission goes ahead, and the
//! others wait for what becomes of that one. Each failure makes the pause longer; the first answer ends all waiting.

use std::time::Duration;

use tokio::{
    sync::{Mutex, MutexGuard, watch},
    time::{Instant, sleep_until},
};

use crate::ports::scheduler::{CallError, CallErrorKind};

/// The first pause; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest pause, unless the backend asks for more.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The most patience that a backend can ask for.
const MOST_PATIENCE: Duration = Duration::from_secs(3600);

/// Whether the backend can be reached.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    broken: watch::Sender<Option<Broken>>,
    /// Held by the one that goes ahead.
    first: Mutex<()>,
}

/// The backend cannot take anything just now.
#[derive(Clone, Copy, Debug)]
struct Broken {
    since: Instant,
    until: Instant,
    pause: Duration,
    reachable: bool,
}

/// The right to try, while it is held.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    _first: Option<MutexGuard<'a, ()>>,
}

impl Breaker {
    /// Waits until something may be submitted.
    pub(super) async fn pass(&self) -> Pass<'_> {
        let mut broken = self.broken.subscribe();
        loop {
            if broken.borrow().is_none() {
                return Pass { _first: None };
            }
            let first = self.first.lock().await;
            let Some(Broken { until, .. }) = *broken.borrow_and_update() else {
                continue;
            };
            tokio::select! {
                () = sleep_until(until) => return Pass { _first: Some(first) },
                _ = broken.changed() => {}
            }
        }
    }

    /// The backend took something.
    pub(super) fn works(&self, scheduler: &str) {
        self.mend(scheduler, |_| true);
    }

    /// The backend answered a question. It may still want fewer submissions.
    pub(super) fn answers(&self, scheduler: &str) {
        self.mend(scheduler, |broken| !broken.reachable);
    }

    fn mend(&self, scheduler: &str, holds: impl FnOnce(&Broken) -> bool) {
        let Some(broken) = self.broken.borrow().as_ref().copied().filter(holds) else {
            return;
        };
        self.broken.send_replace(None);
        tracing::warn!("{scheduler} works again, after {:.0?}", broken.since.elapsed());
    }

    /// The backend took nothing, or did not answer, and may later.
    pub(super) fn fails(&self, scheduler: &str, error: &CallError) {
        let before = *self.broken.borrow();
        let Some(broken) = Broken::after(before, error, Instant::now()) else {
            return;
        };
        self.broken.send_replace(Some(broken));
        if before.is_none() {
            tracing::warn!("{scheduler} has to be waited for, and is tried again until it works: {error}");
        } else {
            tracing::info!("{scheduler} still has to be waited for: {error}");
        }
    }
}

impl Broken {
    /// What a failure means; nothing, if it was found out at the same time as one before.
    fn after(before: Option<Self>, error: &CallError, now: Instant) -> Option<Self> {
        if before.is_some_and(|broken| now < broken.until) {
            return None;
        }
        let usual = before.map_or(FIRST_PAUSE, |broken| broken.pause);
        Some(Self {
            since: before.map_or(now, |broken| broken.since),
            until: now + patience(error).unwrap_or(usual),
            pause: (usual * 2).min(LONGEST_PAUSE),
            reachable: matches!(error.kind, CallErrorKind::RateLimited(_)),
        })
    }
}

/// The pause that a backend asks for: at least a short one, as there is no end to asking without any.
fn patience(error: &CallError) -> Option<Duration> {
    match error.kind {
        CallErrorKind::RateLimited(Some(pause)) => Some(pause.clamp(FIRST_PAUSE, MOST_PATIENCE)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use super::*;

    fn error(kind: CallErrorKind) -> CallError {
        let message = String::new();
        CallError { kind, message }
    }

    #[test]
    fn backends_may_ask_for_more_patience_than_usual_but_not_for_any() {
        let asked = |seconds| patience(&error(CallErrorKind::RateLimited(Some(Duration::from_secs(seconds)))));
        assert_eq!(asked(0), Some(FIRST_PAUSE));
        assert_eq!(asked(300), Some(Duration::from_secs(300)));
        assert_eq!(asked(1 << 40), Some(MOST_PATIENCE));
    }

    #[test]
    fn pauses_grow_and_failures_at_the_same_time_count_once() {
        let (mut now, mut broken, mut pauses) = (Instant::now(), None, Vec::new());
        for _ in 0..9 {
            let failure = Broken::after(broken, &error(CallErrorKind::Unavailable), now).unwrap();
            assert!(Broken::after(Some(failure), &error(CallErrorKind::Unavailable), now).is_none());
            pauses.push((failure.until - now).as_millis());
            now = failure.until;
            broken = Some(failure);
        }
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    }

    #[tokio::test]
    async fn one_goes_ahead_and_its_success_lets_all_through() {
        let breaker = Arc::new(Breaker::default());
        breaker.fails("s", &error(CallErrorKind::Unavailable));
        let tries = Arc::new(AtomicU32::new(0));
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let (breaker, tries) = (Arc::clone(&breaker), Arc::clone(&tries));
                tokio::spawn(async move {
                    loop {
                        let _pass = breaker.pass().await;
                        match tries.fetch_add(1, Ordering::Relaxed) {
                            0 => breaker.fails("s", &error(CallErrorKind::Unavailable)),
                            _ => return breaker.works("s"),
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(tries.load(Ordering::Relaxed), 1 + 20);
    }

    #[test]
    fn an_answer_to_a_question_is_no_leave_to_submit() {
        let breaker = Breaker::default();
        breaker.fails("s", &error(CallErrorKind::RateLimited(None)));
        breaker.answers("s");
        assert!(breaker.broken.borrow().is_some());
        breaker.works("s");
        breaker.fails("s", &error(CallErrorKind::Unavailable));
        breaker.answers("s");
        assert!(breaker.broken.borrow().is_none());
    }
}
