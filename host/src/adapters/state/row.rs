//! What can be read of a recorded run.

use crate::model::{
    job::{Attempt, JobIndex, JobSpec},
    outcome::Outcome,
    record::{Origin, Timestamp, Usage},
    run::BackendJobId,
    state::State,
};

/// What is recorded of the run itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// Identifies the run among all others.
    pub tag: String,
    /// The run's directory, as it was called then.
    pub workdir: String,
    /// The scheduler's name.
    pub scheduler: String,
    /// When it started first.
    pub started: Timestamp,
}

/// What is recorded of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// Which job.
    pub index: JobIndex,
    /// The request.
    pub spec: JobSpec,
    /// Who gave it.
    pub origin: Origin,
    /// Where it stands. A job that waits for another attempt is queued.
    pub state: State,
    /// Its latest attempt, or the one that it waits for.
    pub attempt: Attempt,
    /// What the backend calls that attempt.
    pub id: Option<BackendJobId>,
    /// How the job ended, once it has.
    pub outcome: Option<Outcome>,
    /// When it was accepted.
    pub fed: Timestamp,
    /// When the latest attempt was seen to run.
    pub started: Option<Timestamp>,
    /// When the latest attempt ended.
    pub ended: Option<Timestamp>,
    /// What the latest attempt used, where the kernel counted that.
    pub usage: Option<Usage>,
}

/// What is recorded of an attempt that was followed by another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRow {
    /// Which try.
    pub attempt: Attempt,
    /// How it ended.
    pub outcome: Outcome,
    /// When it was seen to run.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Timestamp,
    /// What it used, where the kernel counted that.
    pub usage: Option<Usage>,
}

/// How many jobs stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Waiting for their turn, for another attempt, or for other jobs.
    pub waiting: u64,
    /// With the scheduler, but not seen to run.
    pub submitted: u64,
    /// Running.
    pub running: u64,
    /// Over, and succeeded.
    pub succeeded: u64,
    /// Over, and failed.
    pub failed: u64,
    /// Over, and cancelled.
    pub cancelled: u64,
}

impl Tally {
    /// Jobs that are not over.
    pub const fn open(&self) -> u64 {
        self.waiting + self.submitted + self.running
    }

    /// All jobs.
    pub const fn total(&self) -> u64 {
        self.open() + self.succeeded + self.failed + self.cancelled
    }
}
