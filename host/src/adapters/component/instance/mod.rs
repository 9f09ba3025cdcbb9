//! One instance of a plugin: its store, its functions, and the one way to call them, with every limit in place.
//!
//! A `pool` holds instances and replaces those that are lost, [`health`] counts what becomes of calls, `state` is what the
//! host keeps for one, `rehearsal` what it would have done in a dry run, [`limits`] bounds each call (`stopwatch`: in time; `throttle`: in what reaches the backend), and [`call`] says how a call failed.

pub mod call;
pub mod health;
pub mod limits;
pub(super) mod pool;
pub mod rehearsal;
pub(super) mod state;
pub(super) mod stopwatch;
pub(crate) mod throttle;

use std::{path::Path, pin::pin, sync::Arc};

use serde::Serialize;
use serde_json::Value;
use wasmtime::{
    Store, UpdateDeadline,
    component::{Component, ComponentNamedList, InstancePre, Lift, Lower, TypedFunc},
};

use self::{
    call::{CallFailure, CallFailureKind, Circumstances, TimeOver, classify},
    limits::{Limits, Pace},
    state::{HostState, Identity},
    stopwatch::Stopwatch,
    throttle::Waited,
};
use super::{
    contract::{
        self, Shape,
        bindings::{Exports, Guests},
    },
    engine::Engine,
    error::{Problem, StartError, shortened},
    imports,
    recording::{
        Answered, RecordedCall, Recorder,
        tape::{self, Tape},
    },
};

/// A compiled component that fits the contract. Cheap to clone.
#[derive(Clone)]
pub(super) struct Program {
    engine: Engine,
    pre: InstancePre<HostState>,
    exports: Arc<Exports>,
    pub(super) shape: Shape,
    /// The names of what it imports.
    pub(super) imports: Arc<[String]>,
}

impl Program {
    /// Makes sure that it fits the contract.
    pub(super) fn new(engine: &Engine, component: &Component) -> Result<Self, Problem> {
        let shape = contract::examine(engine.wasmtime(), component)?;
        let misfit = |error: wasmtime::Error| Problem::Misfit(shortened(&error));
        let linker = imports::link(engine.wasmtime(), shape).map_err(misfit)?;
        let pre = linker.instantiate_pre(component).map_err(misfit)?;
        let exports = Arc::new(Exports::find(&pre, shape.interfaces).map_err(misfit)?);
        Ok(Self {
            engine: engine.clone(),
            pre,
            exports,
            shape,
            imports: contract::imports(engine.wasmtime(), component).into(),
        })
    }
}

/// A file's name without folder and ending, as long as its plugin's name is not known.
pub(super) fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// One instance. After a failed call it must be thrown away.
pub(super) struct Instance {
    store: Store<HostState>,
    guests: Arc<Guests>,
    bounds: Bounds,
    /// Tells it from the plugin's other instances, in recordings.
    number: u32,
    /// How often it was called.
    pub(super) calls: u32,
}

/// The name of the call under which a failed start of an instance is reported.
const START: &str = "(start)";

impl Instance {
    /// Starts an instance; whatever code it runs while it starts is bounded like a hook.
    pub(super) async fn start(program: &Program, identity: &Arc<Identity>, limits: Limits) -> Result<Self, StartError> {
        let waited = Waited::default();
        let state = HostState::new(identity, limits, waited.clone())?;
        let mut store = Store::new(program.engine.wasmtime(), state);
        store.limiter(|state| &mut state.growth);
        store.set_hostcall_fuel(limits.pass);
        store.set_max_component_handles(limits.handles);
        let stopwatch = Stopwatch::default();
        // Called at each tick while the guest computes. To yield gives other tasks of this thread their turn.
        let watched = stopwatch.clone();
        store.epoch_deadline_callback(move |_| match watched.interrupt() {
            true => Err(TimeOver::Computing.into()),
            false => Ok(UpdateDeadline::Yield(1)),
        });
        let bounds = Bounds {
            waited,
            stopwatch,
            engine: program.engine.clone(),
            limits,
        };
        store.set_epoch_deadline(1);
        let starting = async {
            let instance = program.pre.instantiate_async(&mut store).await?;
            program.exports.load(&mut store, &instance)
        };
        let guests = match bounds.run(Pace::Hook, starting).await {
            Ok(guests) => Arc::new(guests),
            Err(error) => {
                let plugin = Arc::clone(&identity.name);
                let kind = bounds.classify(Pace::Hook, &error, &store);
                let call = START.into();
                return Err(CallFailure { plugin, call, kind }.into());
            }
        };
        Ok(Self {
            store,
            guests,
            bounds,
            number: identity.next_instance(),
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
        call: &str,
        pace: Pace,
        function: TypedFunc<P, R>,
        params: P,
    ) -> Result<R, CallFailure>
    where
        P: ComponentNamedList + Lower + Send + Sync + Serialize,
        R: ComponentNamedList + Lift + Send + Sync + Serialize + 'static,
    {
        self.calls = self.calls.saturating_add(1);
        self.store.data_mut().growth.refused = None;
        self.store.set_epoch_deadline(1);
        let recorded = self.recording().map(|_| tape::value(&params));
        let calling = function.call_async(&mut self.store, params);
        let answer = match self.bounds.run(pace, calling).await {
            Ok(answer) => Ok(answer),
            Err(error) => {
                tracing::debug!("{error:?}");
                let kind = self.bounds.classify(pace, &error, &self.store);
                let plugin = Arc::clone(&self.store.data().identity.name);
                let call = call.into();
                Err(CallFailure { plugin, call, kind })
            }
        };
        if let Some(params) = recorded {
            self.record(call, params, &answer);
        }
        answer
    }

    fn recording(&self) -> Option<&Arc<Recorder>> {
        self.store.data().identity.recorder.as_ref()
    }

    /// Writes down a call, with what it asked of the host meanwhile.
    fn record<R: Serialize>(&mut self, call: &str, params: Value, answer: &Result<R, CallFailure>) {
        let asked = self.store.data_mut().tape.take();
        let Some(recorder) = self.recording() else { return };
        recorder.write(&RecordedCall {
            instance: self.number,
            call: call.to_owned(),
            params,
            asked,
            answer: match answer {
                Ok(answer) => Answered::Answer(tape::value(answer)),
                Err(failure) => Answered::Failure(failure.kind.to_string()),
            },
        });
    }

    /// What the host does when it is asked for something.
    pub(super) fn set_tape(&mut self, tape: Tape) {
        self.store.data_mut().tape = tape;
    }
}

/// What holds code of an instance within its limits.
struct Bounds {
    waited: Waited,
    stopwatch: Stopwatch,
    engine: Engine,
    limits: Limits,
}

impl Bounds {
    /// Lets guest code run to its end, or to the end of its time.
    async fn run<T>(&self, pace: Pace, guest: impl Future<Output = wasmtime::Result<T>>) -> wasmtime::Result<T> {
        let _ticking = self.engine.ticking();
        let mut timed = pin!(self.stopwatch.time(self.limits.guest(pace), guest));
        let mut left = self.limits.wall(pace);
        let _before = self.waited.take();
        while !left.is_zero() {
            if let Ok(answer) = tokio::time::timeout(left, timed.as_mut()).await {
                return answer;
            }
            left = self.waited.take();
        }
        // On a busy machine the wall's clock may be over before that of the processor.
        match self.stopwatch.is_computing() && self.limits.guest(pace) <= self.limits.wall(pace) {
            true => Err(TimeOver::Computing.into()),
            false => Err(TimeOver::Waiting.into()),
        }
    }

    fn classify(&self, pace: Pace, error: &wasmtime::Error, store: &Store<HostState>) -> CallFailureKind {
        let seen = Circumstances {
            guest_time: self.limits.guest(pace),
            wall_time: self.limits.wall(pace),
            limits: self.limits,
            refused: store.data().growth.refused,
        };
        classify(error, &seen)
    }
}
