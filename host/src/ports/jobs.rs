//! The port through which plugins look at jobs.

use crate::model::{job::JobIndex, run::JobAttempt};

/// Looks up jobs by their index.
pub trait Jobs: Send + Sync {
    /// The job in its latest attempt, if it was fed.
    fn job(&self, job: JobIndex) -> Option<JobAttempt>;
}
