//! A plugin outside any run: called by hand, put through the tests that every plugin has to pass, or made to say again what
//! it said in a recorded run. No backend is needed, and no program is started unless the user calls a hook by hand.
//!
//! - this file: the plugin, and how it is called;
//! - `invoke`: calls by name;
//! - `canned`: the jobs and facts that it is tried with;
//! - [`check`]: what is found out;
//! - `hooks`, `scheduler`: the tests for what it exports;
//! - `replay`: the comparison with a recording;
//! - [`by_hand`]: one hook with one job.

use std::sync::Arc;

use camino::Utf8Path;
use serde_json::Value;

pub use self::invoke::InvokeError;
use self::{check::Check, invoke::invoke};
use super::{
    contract::convert,
    error::StartError,
    instance::{
        Instance, Program,
        limits::Limits,
        state::{Identity, RunContext},
    },
    load::describe::Description,
    plugins::Plugins,
    recording::{Recording, tape::Tape},
    rights::Right,
    values::Values,
};
use crate::{
    adapters::clock::Clock,
    model::{
        access::Access,
        job::{Attempt, JobIndex, JobSpec},
        options::Options,
        path::SpecPath,
        run::{JobAttempt, Run},
        settings::Settings,
    },
    ports::jobs::Jobs,
};

pub mod by_hand;
mod canned;
pub mod check;
mod hooks;
mod invoke;
mod replay;
mod scheduler;

/// A plugin that can be called without a run. What it stores is forgotten with it.
pub struct Trial {
    description: Description,
    program: Program,
    limits: Limits,
    /// With its rights.
    identity: Arc<Identity>,
    run: Arc<Run>,
    jobs: Vec<JobAttempt>,
    options: Options,
}

/// The jobs of a run that does not exist.
struct TrialJobs(Vec<JobAttempt>);

impl Jobs for TrialJobs {
    fn job(&self, job: JobIndex) -> Option<JobAttempt> {
        self.0.get(job.0 as usize).cloned()
    }
}

impl Trial {
    /// The first of these plugins, in a run that pretends to be in `workdir` and to have these jobs. None: jobs of all
    /// kinds.
    ///
    /// # Errors
    /// When it has no such option, or a folder that it was granted cannot be opened.
    pub fn of(plugins: &Plugins, workdir: &Utf8Path, jobs: Option<Vec<JobSpec>>) -> Result<Option<Self>, StartError> {
        let Some(plugin) = plugins.first() else {
            return Ok(None);
        };
        let options = plugin.settings.options.clone();
        let run = Arc::new(Run {
            tag: "0123456789abcdef".to_owned(),
            workdir: SpecPath::same(workdir),
            home: workdir.to_owned(),
            access: Access::Shared,
            scheduler: plugin.name().to_owned(),
            settings: Settings::default(),
        });
        let attempt = |(index, spec): (u32, JobSpec)| run.attempt(JobIndex(index), Attempt::FIRST, Arc::new(spec));
        let jobs: Vec<_> = (0..).zip(jobs.unwrap_or_else(canned::jobs)).map(attempt).collect();
        let context = RunContext {
            run: Arc::clone(&run),
            jobs: Arc::new(TrialJobs(jobs.clone())),
            clock: Clock::start(),
            options: options.clone(),
            rehearsal: None,
        };
        Ok(Some(Self {
            description: plugin.description.clone(),
            program: plugin.program.clone(),
            limits: plugin.limits(),
            identity: Arc::new(Identity {
                values: Arc::new(Values::new(plugin.name(), None)),
                ..plugins.identity(plugin, context)?
            }),
            run,
            jobs,
            options,
        }))
    }

    /// Who it says it is.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Whether it asks for a right that it was not granted, or not in full.
    pub fn lacks(&self, right: &Right) -> bool {
        self.identity.lacking.contains(right)
    }

    /// Puts it through the tests for everything that it exports.
    pub async fn checks(&self) -> Vec<Check> {
        let mut checks = vec![self.describes_itself().await];
        checks.extend(self.hook_checks().await);
        checks.extend(self.scheduler_checks().await);
        checks
    }

    /// Makes it answer the calls of a recording again, and compares.
    pub async fn replay(&self, recording: &Recording) -> Vec<Check> {
        replay::replay(self, recording).await
    }

    async fn describes_itself(&self) -> Check {
        let nobody = Arc::new(Identity::nobody(&self.description.name));
        let describe = async || {
            let mut instance = Instance::start(&self.program, &nobody, self.limits).await?;
            invoke(&mut instance, "about.describe", &Value::Null)
                .await
                .map_err(Box::<dyn std::error::Error>::from)
        };
        let what = "about: it describes itself in the same way each time";
        match (describe().await, describe().await) {
            (Ok(first), Ok(second)) if first == second => Check::passed(what),
            (Ok(first), Ok(second)) => Check::failed(what, format!("first {first}, then {second}")),
            (Err(error), _) | (_, Err(error)) => Check::failed(what, error.to_string()),
        }
    }

    /// A fresh instance, for which the host does this when it is asked for something.
    async fn instance(&self, tape: Tape) -> Result<Instance, StartError> {
        let mut instance = Instance::start(&self.program, &self.identity, self.limits).await?;
        instance.set_tape(tape);
        Ok(instance)
    }

    /// The parameters of `scheduler.open`.
    fn opening(&self) -> Value {
        super::recording::tape::value(&(convert::options(&self.options), convert::run_info(&self.run, false)))
    }
}
