//! The port to the plugins that take part in the lives of jobs.

use async_trait::async_trait;

use crate::model::{
    hook::{Fact, HookSet, Snippets, Verdict},
    run::JobAttempt,
};

/// All lifecycle plugins of a run, as one. Hooks that nobody subscribed to are never called.
#[async_trait]
pub trait Hooks: Send + Sync {
    /// The hooks that some observer subscribed to.
    fn observed(&self) -> HookSet;

    /// The hooks that some gatekeeper subscribed to.
    fn gated(&self) -> HookSet;

    /// The hooks for which some plugin gives snippets.
    fn scripted(&self) -> HookSet;

    /// Tells observers what happened, oldest first. Called by one task, off the path that jobs take.
    ///
    /// # Errors
    /// Only when a plugin failed whose failure is to halt the run.
    async fn observe(&self, facts: &[Fact]) -> Result<(), HookFailure>;

    /// Asks gatekeepers; the first veto in the order of priorities wins. One answer for each question.
    async fn decide(&self, questions: &[Question<'_>]) -> Vec<Result<Verdict, HookFailure>>;

    /// Collects bash for job scripts. One answer for each job.
    async fn snippets(&self, jobs: &[JobAttempt]) -> Vec<Result<Snippets, HookFailure>>;
}

/// What gatekeepers are asked.
#[derive(Clone, Copy, Debug)]
pub enum Question<'a> {
    /// This signal asks the run to stop.
    Shutdown(i32),
    /// The attempt is about to be submitted.
    Submitting(&'a JobAttempt),
    /// The attempt is about to be killed.
    Killing(&'a JobAttempt),
}

/// A plugin failed where that cannot be ignored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct HookFailure {
    /// Names the plugin, the call and the remedy.
    pub message: String,
    /// What the user wants to happen then.
    pub then: AfterFailure,
}

/// What happens after a plugin failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// The job that was asked about fails.
    FailJob,
    /// The run stops.
    Halt,
}

/// A run without plugins.
#[derive(Clone, Copy, Debug)]
pub struct NoHooks;

#[async_trait]
impl Hooks for NoHooks {
    fn observed(&self) -> HookSet {
        HookSet::default()
    }

    fn gated(&self) -> HookSet {
        HookSet::default()
    }

    fn scripted(&self) -> HookSet {
        HookSet::default()
    }

    async fn observe(&self, _facts: &[Fact]) -> Result<(), HookFailure> {
        Ok(())
    }

    async fn decide(&self, questions: &[Question<'_>]) -> Vec<Result<Verdict, HookFailure>> {
        questions.iter().map(|_| Ok(Verdict::Proceed)).collect()
    }

    async fn snippets(&self, jobs: &[JobAttempt]) -> Vec<Result<Snippets, HookFailure>> {
        jobs.iter().map(|_| Ok(Snippets::default())).collect()
    }
}
