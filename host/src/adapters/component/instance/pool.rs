//! The instances of one plugin. A call takes one out and puts it back when it went well; what failed, or was abandoned
//! halfway, is dropped, and a later call starts a fresh one: the first time at once, after further losses in a row only
//! when a pause is over.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Serialize;
use tokio::{
    sync::{Notify, Semaphore, SemaphorePermit},
    time::{Instant, sleep_until},
};
use wasmtime::component::{ComponentNamedList, Lift, Lower, TypedFunc};

use super::{
    Instance, Program,
    call::CallFailure,
    limits::{Limits, Pace},
    state::Identity,
};
use crate::adapters::component::error::StartError;

/// Nothing that a guest allocates in its store is ever given back, so instances do not live for ever.
const MOST_CALLS: u32 = 100_000;

/// The pause before a fresh instance when two were lost in a row; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause before a fresh instance.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Starts instances when they are needed, up to a number, and keeps them.
pub(crate) struct Pool {
    pub(crate) identity: Arc<Identity>,
    program: Program,
    limits: Limits,
    permits: Semaphore,
    idle: Mutex<Vec<Instance>>,
    /// Tells those who wait for the end of a pause that they need not.
    came_back: Notify,
    losses: Mutex<Losses>,
}

/// The instances that were lost.
#[derive(Debug, Default)]
struct Losses {
    /// Without a call between them that went well.
    in_a_row: u32,
    /// Those whose place no other one has taken yet.
    vacant: u32,
    /// When the next fresh one may be started.
    pause: Option<Instant>,
}

/// An instance that is in use.
pub(crate) struct Borrowed<'a> {
    instance: Instance,
    /// Whether nobody has called it yet.
    pub(crate) fresh: bool,
    lease: Lease<'a>,
}

/// A place in the pool. The instance in it counts as lost, unless it is given back.
struct Lease<'a> {
    pool: &'a Pool,
    well: bool,
    _permit: SemaphorePermit<'a>,
}

impl Pool {
    pub(crate) fn new(program: Program, identity: Arc<Identity>, limits: Limits, size: u32) -> Self {
        Self {
            identity,
            program,
            limits,
            permits: Semaphore::new(size as usize),
            idle: Mutex::default(),
            came_back: Notify::new(),
            losses: Mutex::default(),
        }
    }

    /// Waits until an instance may be used. The idle one, if there is one. Whoever does not want to wait any longer may drop
    /// the future.
    pub(crate) async fn borrow(&self) -> Result<Borrowed<'_>, StartError> {
        let permit = self.permits.acquire().await.map_err(|closed| StartError::NotOpened {
            plugin: self.identity.name.to_string(),
            message: closed.to_string(),
        })?;
        let idle = self.idle_or_pause().await;
        let lease = Lease {
            pool: self,
            well: false,
            _permit: permit,
        };
        let fresh = idle.is_none();
        let instance = match idle {
            Some(instance) => instance,
            None => self.start().await?,
        };
        Ok(Borrowed { instance, fresh, lease })
    }

    /// An idle instance; `None`, when there is none and a fresh one may be started.
    async fn idle_or_pause(&self) -> Option<Instance> {
        loop {
            let came_back = self.came_back.notified();
            if let Some(instance) = lock(&self.idle).pop() {
                return Some(instance);
            }
            let pause = lock(&self.losses).pause?;
            tokio::select! {
                () = sleep_until(pause) => return None,
                () = came_back => {}
            }
        }
    }

    async fn start(&self) -> Result<Instance, StartError> {
        let takes_a_place = {
            let mut losses = lock(&self.losses);
            let vacant = losses.vacant > 0;
            losses.vacant = losses.vacant.saturating_sub(1);
            vacant
        };
        if takes_a_place {
            self.identity.tally.restarted();
        }
        Instance::start(&self.program, &self.identity, self.limits).await
    }

    fn lost(&self) {
        let mut losses = lock(&self.losses);
        losses.vacant += 1;
        losses.in_a_row = losses.in_a_row.saturating_add(1);
        losses.pause = pause(losses.in_a_row).map(|pause| Instant::now() + pause);
    }

    fn went_well(&self) {
        let mut losses = lock(&self.losses);
        losses.in_a_row = 0;
        losses.pause = None;
    }
}

/// How long to wait after so many losses in a row.
fn pause(in_a_row: u32) -> Option<Duration> {
    let doublings = in_a_row.checked_sub(2)?;
    let factor = 2_u32.checked_pow(doublings).unwrap_or(u32::MAX);
    Some(FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE))
}

/// Nothing in here is left half-changed, so a poisoned lock holds good values.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Borrowed<'_> {
    /// The instance, for its functions.
    pub(crate) const fn instance(&self) -> &Instance {
        &self.instance
    }

    /// Calls a function under the limits of `pace`, and counts the time.
    pub(crate) async fn call<P, R>(
        &mut self,
        call: &'static str,
        pace: Pace,
        function: TypedFunc<P, R>,
        params: P,
    ) -> Result<R, CallFailure>
    where
        P: ComponentNamedList + Lower + Send + Sync + Serialize,
        R: ComponentNamedList + Lift + Send + Sync + Serialize + 'static,
    {
        let began = Instant::now();
        let answer = self.instance.call(call, pace, function, params).await;
        self.lease.pool.identity.tally.took(began.elapsed());
        answer
    }

    /// Puts the instance back, after a call that went well.
    pub(crate) fn give_back(self) {
        let Self {
            instance, mut lease, ..
        } = self;
        lease.well = true;
        if instance.calls < MOST_CALLS {
            lock(&lease.pool.idle).push(instance);
            lease.pool.came_back.notify_one();
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        match self.well {
            true => self.pool.went_well(),
            false => self.pool.lost(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound() {
        let millis = |in_a_row| pause(in_a_row).map(|pause| pause.as_millis());
        assert_eq!([0, 1].map(millis), [None, None], "the first loss costs no pause");
        assert_eq!(
            [2, 3, 4, 7, 8, u32::MAX].map(millis),
            [100, 200, 400, 3200, 5000, 5000].map(Some)
        );
    }
}
