//! One wasmtime engine for all plugins of a run: its configuration, and how it comes by a compiled component. Compiled code
//! is kept in the `cache`, which remembers the `digests` of files; the `ticker` lets the engine stop guests.

use std::{path::Path, sync::Arc};

use wasmtime::{Config, component::Component};

pub(super) use self::cache::Cache;
pub use self::cache::default_cache;
use self::ticker::{Ticker, Ticking};
use super::{
    error::{Problem, shortened},
    load::file::Source,
};

mod cache;
mod digests;
mod ticker;

/// Stack of guest code. Deep recursion ends in a trap.
const GUEST_STACK: usize = 512 * 1024;

/// Compiles and runs components.
#[derive(Clone)]
pub(super) struct Engine {
    wasmtime: wasmtime::Engine,
    ticker: Arc<Ticker>,
    cache: Option<Arc<Cache>>,
}

impl Engine {
    /// An engine that keeps compiled code in `cache`, if that folder is safe to use.
    pub(super) fn new(cache: Option<&Path>) -> wasmtime::Result<Self> {
        let mut config = Config::new();
        config
            .wasm_component_model(true)
            .concurrency_support(false)
            .epoch_interruption(true)
            .max_wasm_stack(GUEST_STACK);
        let wasmtime = wasmtime::Engine::new(&config)?;
        let ticker = Arc::new(Ticker::start(wasmtime.weak()));
        let cache = cache.and_then(|folder| Cache::open(folder, &wasmtime)).map(Arc::new);
        Ok(Self {
            wasmtime,
            ticker,
            cache,
        })
    }

    pub(super) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.wasmtime
    }

    /// Where compiled code is kept, if it is.
    pub(super) fn cache(&self) -> Option<&Cache> {
        self.cache.as_deref()
    }

    /// The component in a file, taken from the cache or validated and compiled, which takes long. `name` is for people.
    pub(super) fn component(&self, file: &mut Source, name: &str) -> Result<Component, Problem> {
        match &self.cache {
            Some(cache) => cache.component(&self.wasmtime, file, name),
            None => {
                cache::announce(file, name, "in each run, because compiled code is not kept");
                compile(&self.wasmtime, &file.bytes()?)
            }
        }
    }

    /// Keeps the epoch moving until the guard is dropped.
    pub(super) fn ticking(&self) -> Ticking {
        self.ticker.ticking()
    }
}

fn compile(engine: &wasmtime::Engine, wasm: &[u8]) -> Result<Component, Problem> {
    Component::from_binary(engine, wasm).map_err(|error| Problem::Invalid(shortened(&error)))
}
