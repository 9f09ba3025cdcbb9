//! `run`: what a plugin may know of its run.

use crate::{
    adapters::component::{
        contract::{
            bindings::{
                run::Host,
                types::{Job, RunInfo},
            },
            convert,
        },
        instance::state::{HostState, RunContext, Stage},
    },
    model::job::JobIndex,
};

impl HostState {
    fn run_context(&self) -> wasmtime::Result<&RunContext> {
        match &self.identity.stage {
            Stage::Running(context) => Ok(context),
            Stage::Describing => Err(wasmtime::Error::msg(
                "`describe` looked at the run, and there is none yet",
            )),
        }
    }
}

impl Host for HostState {
    fn info(&mut self) -> wasmtime::Result<RunInfo> {
        self.answer("run.info", &(), |state| Ok(state.run_context()?.info()))
    }

    fn options(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        self.answer("run.options", &(), |state| {
            Ok(convert::options(&state.run_context()?.options))
        })
    }

    fn job(&mut self, index: u32) -> wasmtime::Result<Option<Job>> {
        self.answer("run.job", &[index], |state| {
            let job = state.run_context()?.jobs.job(JobIndex(index));
            Ok(job.as_ref().map(convert::job))
        })
    }
}
