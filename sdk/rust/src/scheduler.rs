//! The trait of a plugin that hands jobs to a backend.

use crate::{
    Error, Job, JobRef, Observation, RunInfo, Wrapping, bindings::scheduler::exports::xqute::plugin::scheduler,
};

/// Hands jobs to a backend and asks about them. Exports `xqute:plugin/scheduler`; users choose it by the plugin's name.
///
/// Every list that is returned has exactly one entry for each entry of the list that was given, in the same order, so most
/// functions are `jobs.iter().map(...).collect()`. The host keeps several instances and throws them away as it likes:
/// nothing that matters may be kept in memory between calls. Put `#[export]` above the impl.
pub trait Scheduler {
    /// Written by `#[export]`.
    #[doc(hidden)]
    const WRAPS: bool;

    /// Called once in each instance before anything else, and before the first job runs: say
    /// [`Error::InvalidOptions`] here if the options make no sense.
    ///
    /// # Errors
    /// Whatever makes it impossible to submit any job.
    fn open(_options: &[(String, String)], _run: &RunInfo) -> Result<(), Error> {
        Ok(())
    }

    /// What the backend wants to see at the top of each job's script. Writing it asks for the right `script`.
    fn wrap(jobs: &[Job]) -> Vec<Result<Wrapping, Error>> {
        jobs.iter().map(|_| Ok(Wrapping::default())).collect()
    }

    /// Submits attempts; returns the id by which the backend knows each. Idempotent on run tag, index and attempt where the
    /// backend allows it.
    fn submit(jobs: &[Job]) -> Vec<Result<String, Error>>;

    /// Asks about all attempts in flight, with as few questions to the backend as possible. What the backend does not
    /// mention is [`Observation::Unknown`].
    ///
    /// # Errors
    /// When the question failed. That says nothing about any job: the host asks again later.
    fn poll(jobs: &[JobRef]) -> Result<Vec<Observation>, Error>;

    /// Cancels attempts. Cancelling what has ended already, or is unknown, is a success.
    fn cancel(jobs: &[JobRef]) -> Vec<Result<(), Error>>;

    /// The attempts of a run that the backend knows of, ended or not: how jobs are adopted after a crash.
    ///
    /// # Errors
    /// When the question failed.
    fn find(_run_tag: &str) -> Result<Vec<JobRef>, Error> {
        Ok(Vec::new())
    }
}

impl<S: Scheduler> scheduler::Guest for crate::Part<S> {
    fn open(options: Vec<(String, String)>, run: RunInfo) -> Result<(), Error> {
        crate::panics::are_told();
        S::open(&options, &run)
    }

    fn wrap(jobs: Vec<Job>) -> Vec<Result<Wrapping, Error>> {
        crate::panics::are_told();
        S::wrap(&jobs)
    }

    fn submit(jobs: Vec<Job>) -> Vec<Result<String, Error>> {
        crate::panics::are_told();
        S::submit(&jobs)
    }

    fn poll(jobs: Vec<JobRef>) -> Result<Vec<Observation>, Error> {
        crate::panics::are_told();
        S::poll(&jobs)
    }

    fn cancel(jobs: Vec<JobRef>) -> Vec<Result<(), Error>> {
        crate::panics::are_told();
        S::cancel(&jobs)
    }

    fn find(run_tag: String) -> Result<Vec<JobRef>, Error> {
        crate::panics::are_told();
        S::find(&run_tag)
    }
}
