//! What is recorded of jobs, so that it outlives the process that runs them.

use std::{sync::Arc, time::Duration};

use super::{
    job::{Attempt, JobIndex, JobSpec},
    outcome::Outcome,
    run::BackendJobId,
};

/// A moment, in microseconds since 1970 (UTC).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub i64);

/// Something that became true of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// Of which job.
    pub job: JobIndex,
    /// What.
    pub change: Change,
}

/// What can become true of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was accepted.
    Fed {
        /// The request.
        spec: Arc<JobSpec>,
        /// Who gave it.
        origin: Origin,
    },
    /// The scheduler took an attempt.
    Submitted {
        /// Which try.
        attempt: Attempt,
        /// What the backend calls it.
        id: BackendJobId,
    },
    /// The attempt runs.
    Started {
        /// Which try.
        attempt: Attempt,
    },
    /// The attempt ended, and the job with it unless another attempt follows.
    Ended {
        /// Which try.
        attempt: Attempt,
        /// How.
        outcome: Outcome,
        /// Whether another attempt follows.
        will_retry: bool,
        /// What it used, where the kernel counted that.
        usage: Option<Usage>,
    },
}

/// Who gave a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The command that started the run. When the run is resumed, that command gives it again.
    Given,
    /// Somebody who fed the run while it went. Nobody gives it again.
    Fed,
}

/// What an attempt used, by the kernel's accounting: its process and all those that it waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Processor time in user mode.
    pub user: Duration,
    /// Processor time in the kernel.
    pub system: Duration,
    /// The most memory that one of the processes had resident, in bytes.
    pub peak_memory: u64,
}
