//! How often, and how many at a time, a plugin may knock at its backend: by the programs that it starts and the requests that it
//! sends. A plugin that has to wait for its turn does not pay for it: the wait is no part of its call's time.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, sleep_until},
};

use super::limits::Limits;

/// The turns of all instances of a plugin.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    room: Option<Semaphore>,
    pace: Option<Pace>,
}

/// So much time lies between two turns.
#[derive(Debug)]
struct Pace {
    interval: Duration,
    next: Mutex<Instant>,
}

/// A turn, while it is held.
pub(crate) struct Turn<'a> {
    _room: Option<SemaphorePermit<'a>>,
}

impl Throttle {
    pub(crate) fn new(limits: &Limits) -> Self {
        let pace = |rate: u32| Pace {
            interval: Duration::from_secs(1) / rate.max(1),
            next: Mutex::new(Instant::now()),
        };
        Self {
            room: limits.max_in_flight.map(|most| Semaphore::new(most.max(1) as usize)),
            pace: limits.max_rate.map(pace),
        }
    }

    /// Waits for a turn.
    pub(crate) async fn turn(&self, waited: &Waited) -> Turn<'_> {
        if self.room.is_none() && self.pace.is_none() {
            return Turn { _room: None };
        }
        let _waiting = waited.begin();
        let room = match &self.room {
            // It is never closed.
            Some(room) => room.acquire().await.ok(),
            None => None,
        };
        if let Some(pace) = &self.pace {
            sleep_until(pace.book(Instant::now())).await;
        }
        Turn { _room: room }
    }
}

impl Pace {
    /// When the next turn is.
    fn book(&self, now: Instant) -> Instant {
        let mut next = lock(&self.next);
        let turn = now.max(*next);
        *next = turn + self.interval;
        turn
    }
}

/// How long an instance has waited for its turns, since somebody asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waited(Arc<Mutex<Wait>>);

#[derive(Debug, Default)]
struct Wait {
    over: Duration,
    since: Option<Instant>,
}

/// It waits, until this is dropped.
struct Waiting<'a>(&'a Waited);

impl Waited {
    fn begin(&self) -> Waiting<'_> {
        lock(&self.0).since = Some(Instant::now());
        Waiting(self)
    }

    /// Asks, and begins to count anew.
    pub(super) fn take(&self) -> Duration {
        let mut wait = lock(&self.0);
        let now = Instant::now();
        let going_on = wait.since.map_or(Duration::ZERO, |since| now - since);
        wait.since = wait.since.map(|_| now);
        std::mem::take(&mut wait.over) + going_on
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut wait = lock(&self.0.0);
        if let Some(since) = wait.since.take() {
            wait.over += since.elapsed();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn turns_lie_apart() {
        let start = Instant::now();
        let pace = Pace {
            interval: Duration::from_secs(2),
            next: Mutex::new(start),
        };
        let turns = [0, 0, 1, 9].map(|at| (pace.book(start + Duration::from_secs(at)) - start).as_secs());
        assert_eq!(turns, [0, 2, 4, 9]);
    }

    #[tokio::test]
    async fn only_so_many_have_their_turn_at_once_and_waiting_is_counted() {
        let throttle = Throttle {
            room: Some(Semaphore::new(1)),
            pace: None,
        };
        let (first, second) = (Waited::default(), Waited::default());
        let turn = throttle.turn(&first).await;
        let mut next = std::pin::pin!(throttle.turn(&second));
        let soon = tokio::time::timeout(Duration::from_millis(5), next.as_mut()).await;
        assert!(soon.is_err());
        assert!(second.take() >= Duration::from_millis(5), "also while it goes on");
        drop(turn);
        next.await;
        assert!(first.take() < Duration::from_millis(5));
    }
}
