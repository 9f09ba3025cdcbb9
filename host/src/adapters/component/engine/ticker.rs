//! Moves the engine's epoch forward while a guest runs, so that a guest which never returns can be stopped. It sleeps for as
//! long as no guest runs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use wasmtime::EngineWeak;

/// How often a running guest is looked at.
const TICK: Duration = Duration::from_millis(10);

/// Keeps the epoch moving while it lives.
pub(crate) struct Ticking(Arc<Ticker>);

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.pulse.running.fetch_sub(1, SeqCst);
    }
}

pub(super) struct Ticker {
    pulse: Arc<Pulse>,
    thread: Option<thread::Thread>,
}

#[derive(Default)]
struct Pulse {
    running: AtomicUsize,
    awake: AtomicBool,
    over: AtomicBool,
}

impl Ticker {
    pub(super) fn start(engine: EngineWeak) -> Self {
        let pulse = Arc::new(Pulse::default());
        let theirs = Arc::clone(&pulse);
        let spawned = thread::Builder::new()
            .name("xqute-ticker".to_owned())
            .spawn(move || theirs.beat(&engine));
        // Without the thread a guest that never returns is stopped by nothing but the wall clock, so say it loudly.
        let thread = match spawned {
            Ok(handle) => Some(handle.thread().clone()),
            Err(error) => {
                tracing::error!("cannot start the thread that bounds the running time of plugins: {error}");
                None
            }
        };
        Self { pulse, thread }
    }

    /// Keeps the epoch moving until the guard is dropped.
    pub(super) fn ticking(self: &Arc<Self>) -> Ticking {
        self.begin();
        Ticking(Arc::clone(self))
    }

    fn begin(&self) {
        self.pulse.running.fetch_add(1, SeqCst);
        if !self.pulse.awake.swap(true, SeqCst) {
            self.wake();
        }
    }

    fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.unpark();
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.pulse.over.store(true, SeqCst);
        self.wake();
    }
}

impl Pulse {
    fn beat(&self, engine: &EngineWeak) {
        while !self.over.load(SeqCst) {
            if self.running.load(SeqCst) > 0 {
                thread::sleep(TICK);
                let Some(engine) = engine.upgrade() else { return };
                engine.increment_epoch();
                continue;
            }
            self.awake.store(false, SeqCst);
            // A guest that began in between saw the ticker awake and did not wake it.
            if self.running.load(SeqCst) > 0 {
                self.awake.store(true, SeqCst);
                continue;
            }
            thread::park();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ticker_rests_while_no_guest_runs() {
        let engine = wasmtime::Engine::default();
        let ticker = Arc::new(Ticker::start(engine.weak()));
        let pulse = Arc::clone(&ticker.pulse);
        drop(ticker.ticking());
        while pulse.awake.load(SeqCst) {
            thread::yield_now();
        }
        assert_eq!(pulse.running.load(SeqCst), 0);
        let guard = ticker.ticking();
        assert!(pulse.awake.load(SeqCst));
        drop(guard);
    }
}
