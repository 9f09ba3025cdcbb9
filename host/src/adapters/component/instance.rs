//! One instance of a plugin: its store, its functions, and the one way to call them, with every limit in place.

use std::{path::Path, sync::Arc};

use wasmtime::{
    Store, UpdateDeadline,
    component::{Component, ComponentNamedList, InstancePre, Lift, Lower, TypedFunc},
};

use super::{
    bindings::{Exports, Guests},
    call::{CallFailure, CallFailureKind, Circumstances, TimeOver, classify},
    contract::{self, Shape},
    engine::Engine,
    error::{Problem, StartError},
    imports,
    limits::{Limits, Pace, ticks},
    state::{HostState, Identity},
};

/// The most handles to host resources in one instance.
const MOST_HANDLES: usize = 10_000;

/// A compiled component that fits the contract. Cheap to clone.
#[derive(Clone)]
pub(super) struct Program {
    engine: Engine,
    pre: InstancePre<HostState>,
    exports: Arc<Exports>,
    pub(super) shape: Shape,
}

impl Program {
    /// Validates and compiles; takes long when the code is not in the cache.
    pub(super) fn compile(engine: &Engine, wasm: &[u8]) -> Result<Self, Problem> {
        let component =
            Component::from_binary(engine.wasmtime(), wasm).map_err(|error| Problem::Invalid(shortened(&error)))?;
        let shape = contract::examine(engine.wasmtime(), &component)?;
        let misfit = |error: wasmtime::Error| Problem::Misfit(shortened(&error));
        let linker = imports::link(engine.wasmtime(), shape).map_err(misfit)?;
        let pre = linker.instantiate_pre(&component).map_err(misfit)?;
        let exports = Arc::new(Exports::find(&pre, shape.interfaces).map_err(misfit)?);
        Ok(Self {
            engine: engine.clone(),
            pre,
            exports,
            shape,
        })
    }
}

/// An error of wasmtime in one line.
fn shortened(error: &wasmtime::Error) -> String {
    let text = format!("{error:#}");
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(300).collect()
}

/// A file's name without folder and ending, as long as its plugin's name is not known.
pub(super) fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// One instance. After a failed call it must be thrown away.
pub(super) struct Instance {
    store: Store<HostState>,
    guests: Arc<Guests>,
    engine: Engine,
    limits: Limits,
    /// How often it was called.
    pub(super) calls: u32,
}

/// The name of the call under which a failed start of an instance is reported.
const START: &str = "(start)";

impl Instance {
    /// Starts an instance; whatever code it runs while it starts is bounded like a hook.
    pub(super) async fn start(program: &Program, identity: &Arc<Identity>, limits: Limits) -> Result<Self, StartError> {
        let state = HostState::new(Arc::clone(identity), identity.wasi()?, limits.memory);
        let mut store = Store::new(program.engine.wasmtime(), state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(limits.host_allocation);
        store.set_max_component_handles(MOST_HANDLES);
        // Called at each tick while the guest computes, so waiting for the host is not counted, and other tasks of this
        // thread get their turn.
        store.epoch_deadline_callback(|mut store| {
            let state = store.data_mut();
            state.ticks_left = state.ticks_left.saturating_sub(1);
            if state.ticks_left == 0 {
                return Err(TimeOver.into());
            }
            Ok(UpdateDeadline::Yield(1))
        });
        store.data_mut().ticks_left = ticks(limits.guest(Pace::Hook));
        store.set_epoch_deadline(1);
        let ticking = program.engine.ticking();
        let started = tokio::time::timeout(limits.wall(Pace::Hook), async {
            let instance = program.pre.instantiate_async(&mut store).await?;
            program.exports.load(&mut store, &instance)
        })
        .await;
        drop(ticking);
        let failure = |kind| CallFailure {
            plugin: Arc::clone(&identity.name),
            call: START,
            kind,
        };
        let guests = match started {
            Ok(Ok(guests)) => Arc::new(guests),
            Ok(Err(error)) => {
                let seen = circumstances(&store, &limits, Pace::Hook);
                return Err(failure(classify(&error, &seen)).into());
            }
            Err(_) => return Err(failure(CallFailureKind::WallTime(limits.wall(Pace::Hook))).into()),
        };
        Ok(Self {
            store,
            guests,
            engine: program.engine.clone(),
            limits,
            calls: 0,
        })
    }

    /// The functions that can be called.
    pub(super) fn guests(&self) -> Arc<Guests> {
        Arc::clone(&self.guests)
    }

    /// Calls a function under the limits of `pace`.
    pub(super) async fn call<P, R>(
        &mut self,
        call: &'static str,
        pace: Pace,
        function: TypedFunc<P, R>,
        params: P,
    ) -> Result<R, CallFailure>
    where
        P: ComponentNamedList + Lower + Send + Sync,
        R: ComponentNamedList + Lift + Send + Sync + 'static,
    {
        self.calls = self.calls.saturating_add(1);
        let state = self.store.data_mut();
        state.ticks_left = ticks(self.limits.guest(pace));
        state.memory.refused = None;
        self.store.set_epoch_deadline(1);
        let wall = self.limits.wall(pace);
        let ticking = self.engine.ticking();
        let answer = tokio::time::timeout(wall, function.call_async(&mut self.store, params)).await;
        drop(ticking);
        let kind = match answer {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => {
                tracing::debug!("{error:?}");
                classify(&error, &circumstances(&self.store, &self.limits, pace))
            }
            // Where guest time and wall time are the same, either may be over first. Say what the time went into.
            Err(_) if self.computed_for_long(pace) => CallFailureKind::GuestTime(self.limits.guest(pace)),
            Err(_) => CallFailureKind::WallTime(wall),
        };
        let plugin = Arc::clone(&self.store.data().identity.name);
        Err(CallFailure { plugin, call, kind })
    }

    /// Whether at least half of the call's guest time is used up.
    fn computed_for_long(&self, pace: Pace) -> bool {
        self.store.data().ticks_left <= ticks(self.limits.guest(pace)) / 2
    }
}

fn circumstances(store: &Store<HostState>, limits: &Limits, pace: Pace) -> Circumstances {
    Circumstances {
        guest_time: limits.guest(pace),
        host_allocation: limits.host_allocation,
        memory_refused: store.data().memory.refused,
    }
}
