//! The port through which a run is fed, and its jobs are killed, while it goes.

use async_trait::async_trait;

use crate::model::job::{JobIndex, JobSpec};

/// A run that goes.
#[async_trait]
pub trait Control: Send + Sync {
    /// Whether the run takes jobs just now.
    ///
    /// # Errors
    /// Why it does not.
    fn takes_jobs(&self) -> Result<(), Refusal>;

    /// Looks at a job without feeding it.
    ///
    /// # Errors
    /// What is wrong with it.
    fn check(&self, job: &JobSpec) -> Result<(), Refusal>;

    /// Feeds all of these jobs, which were checked, or none. Returns the index of the first, once all are recorded; the
    /// others follow it.
    ///
    /// # Errors
    /// Why the run does not take them.
    async fn feed(&self, jobs: Vec<JobSpec>) -> Result<JobIndex, Refusal>;

    /// Says that no more jobs come. The run ends when the last job is done.
    ///
    /// # Errors
    /// When the run was not waiting for jobs.
    fn stop_feeding(&self) -> Result<(), Refusal>;

    /// Cancels all of these jobs, or none. One that is over stays as it is.
    ///
    /// # Errors
    /// When one of them was never fed.
    fn kill(&self, jobs: &[JobIndex]) -> Result<(), Refusal>;

    /// Cancels every job that was fed so far and is not over.
    fn kill_all(&self);
}

/// Why a run does not do what it is asked for. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody said that this run is to be fed.
    #[error("this run takes no jobs while it goes; a run that does is started with `xqute run --listen`")]
    NotListening,
    /// Feeding was stopped.
    #[error("feeding this run was stopped, so it takes no more jobs; wait for its end, then start another one")]
    Stopped,
    /// It is over.
    #[error("the run is over")]
    Over,
    /// There is no such job.
    #[error("the run has no job {0}")]
    NoSuchJob(JobIndex),
    /// A job could not be run as it is.
    #[error("{why}")]
    Job {
        /// Its place among those that came with it, from 0, if there were any.
        place: Option<usize>,
        /// What is wrong with it.
        why: String,
    },
}
