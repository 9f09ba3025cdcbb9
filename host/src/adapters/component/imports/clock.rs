//! `clock`: the run's clock.

use std::time::{Duration, UNIX_EPOCH};

use crate::adapters::component::{
    contract::bindings::clock::Host,
    instance::state::{HostState, Stage},
};

impl Host for HostState {
    fn now(&mut self) -> wasmtime::Result<u64> {
        self.answer("clock.now", &(), |state| {
            Ok(match &state.identity.stage {
                Stage::Running(context) => millis(context.clock.now().duration_since(UNIX_EPOCH).unwrap_or_default()),
                Stage::Describing => 0,
            })
        })
    }

    fn elapsed(&mut self) -> wasmtime::Result<u64> {
        self.answer("clock.elapsed", &(), |state| {
            Ok(match &state.identity.stage {
                Stage::Running(context) => millis(context.clock.elapsed()),
                Stage::Describing => 0,
            })
        })
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
