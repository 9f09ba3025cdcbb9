//! The instances of one plugin. A call takes one out and puts it back when it went well; what failed, or was abandoned
//! halfway, is dropped, and the next call starts a fresh one.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::{
    error::StartError,
    instance::{Instance, Program},
    limits::Limits,
    state::Identity,
};

/// Nothing that a guest allocates in its store is ever given back, so instances do not live for ever.
const MOST_CALLS: u32 = 100_000;

/// Starts instances when they are needed, up to a number, and keeps them.
pub(super) struct Pool {
    pub(super) identity: Arc<Identity>,
    program: Program,
    limits: Limits,
    permits: Semaphore,
    idle: Mutex<Vec<Instance>>,
}

/// An instance that is in use.
pub(super) struct Borrowed<'a> {
    pub(super) instance: Instance,
    /// Whether nobody has called it yet.
    pub(super) fresh: bool,
    pool: &'a Pool,
    _permit: SemaphorePermit<'a>,
}

impl Pool {
    pub(super) fn new(program: Program, identity: Arc<Identity>, limits: Limits, size: u32) -> Self {
        Self {
            identity,
            program,
            limits,
            permits: Semaphore::new(size as usize),
            idle: Mutex::default(),
        }
    }

    /// Waits until an instance may be used. The idle one, if there is one.
    pub(super) async fn borrow(&self) -> Result<Borrowed<'_>, StartError> {
        let permit = self.permits.acquire().await.map_err(|closed| StartError::NotOpened {
            plugin: self.identity.name.to_string(),
            message: closed.to_string(),
        })?;
        let idle = self.idle().pop();
        let fresh = idle.is_none();
        let instance = match idle {
            Some(instance) => instance,
            None => Instance::start(&self.program, &self.identity, self.limits).await?,
        };
        Ok(Borrowed {
            instance,
            fresh,
            pool: self,
            _permit: permit,
        })
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Instance>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Borrowed<'_> {
    /// Puts the instance back, after a call that went well.
    pub(super) fn give_back(self) {
        if self.instance.calls < MOST_CALLS {
            self.pool.idle().push(self.instance);
        }
    }
}
