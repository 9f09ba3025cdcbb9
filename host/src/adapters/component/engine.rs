//! One wasmtime engine for all plugins of a run: its configuration, the cache of compiled code, and the ticker.
//!
//! The ticker moves the engine's epoch forward while a guest runs, so that a guest which never returns can be stopped. It
//! sleeps for as long as no guest runs.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use super::private;
use wasmtime::{Cache, CacheConfig, Config, EngineWeak};

/// How often a running guest is looked at.
const TICK: Duration = Duration::from_millis(10);

/// Stack of guest code. Deep recursion ends in a trap.
const GUEST_STACK: usize = 512 * 1024;

/// Compiles and runs components.
#[derive(Clone)]
pub(super) struct Engine {
    wasmtime: wasmtime::Engine,
    ticker: Arc<Ticker>,
}

impl Engine {
    /// An engine that keeps compiled code in `cache`, if that folder is safe to use.
    pub(super) fn new(cache: Option<&Path>) -> wasmtime::Result<Self> {
        let mut config = Config::new();
        config
            .wasm_component_model(true)
            .concurrency_support(false)
            .epoch_interruption(true)
            .max_wasm_stack(GUEST_STACK)
            .cache(cache.and_then(open_cache));
        let wasmtime = wasmtime::Engine::new(&config)?;
        let ticker = Arc::new(Ticker::start(wasmtime.weak()));
        Ok(Self { wasmtime, ticker })
    }

    pub(super) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.wasmtime
    }

    /// Keeps the epoch moving until the guard is dropped.
    pub(super) fn ticking(&self) -> Ticking {
        self.ticker.begin();
        Ticking(Arc::clone(&self.ticker))
    }
}

/// Keeps the epoch moving while it lives.
pub(super) struct Ticking(Arc<Ticker>);

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.pulse.running.fetch_sub(1, SeqCst);
    }
}

struct Ticker {
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
    fn start(engine: EngineWeak) -> Self {
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

/// The folder for compiled code: `$XDG_CACHE_HOME/xqute`, or `~/.cache/xqute`.
pub fn default_cache() -> Option<PathBuf> {
    private::user_folder(VARIABLE, ".cache")
}

const VARIABLE: &str = "XDG_CACHE_HOME";

fn open_cache(folder: &Path) -> Option<Cache> {
    let opened = private::secure_folder(folder, VARIABLE).and_then(|()| {
        let mut config = CacheConfig::new();
        config.with_directory(folder.join("compiled"));
        Cache::new(config).map_err(|error| format!("{error:#}"))
    });
    opened
        .inspect_err(|why| {
            tracing::warn!(
                "plugins are compiled anew in each run: the cache {} is not used: {why}",
                folder.display()
            );
        })
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ticker_rests_while_no_guest_runs() {
        let engine = Engine::new(None).unwrap();
        let pulse = Arc::clone(&engine.ticker.pulse);
        drop(engine.ticking());
        while pulse.awake.load(SeqCst) {
            thread::yield_now();
        }
        assert_eq!(pulse.running.load(SeqCst), 0);
        let guard = engine.ticking();
        assert!(pulse.awake.load(SeqCst));
        drop(guard);
    }
}
