//! The job table: what the dispatcher knows about each job. Nothing else decides or remembers a state.

use crate::model::{
    job::{Attempt, JobIndex},
    outcome::CancelReason,
    run::{BackendJobId, JobRef},
};

/// One job, from being fed to its outcome.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) attempt: Attempt,
    pub(crate) retries_allowed: u32,
    pub(crate) phase: Phase,
}

/// Where a job is on its way.
#[derive(Debug)]
pub(crate) enum Phase {
    /// It waits for a free slot.
    Queued,
    /// It is on its way to the scheduler; it may be unwanted by the time it arrives.
    Submitting { unwanted: Option<CancelReason> },
    /// The scheduler has it.
    InFlight(InFlight),
    /// It has its outcome.
    Done,
}

/// What is known of an attempt that the scheduler has.
#[derive(Debug)]
pub(crate) struct InFlight {
    pub(crate) id: BackendJobId,
    pub(crate) started: bool,
    /// How often in a row the backend knew nothing of it.
    pub(crate) unknown: u8,
    pub(crate) kill: Option<Kill>,
}

/// An attempt that is to end before its time.
#[derive(Debug)]
pub(crate) struct Kill {
    pub(crate) why: KillReason,
    pub(crate) stage: KillStage,
}

/// Why an attempt is to end before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KillReason {
    TimedOut,
    Cancelled(CancelReason),
}

/// How far the killing has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KillStage {
    /// Gatekeepers are being asked.
    Asking,
    /// The scheduler was told.
    Killing,
}

/// All jobs, by index.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<Job>);

impl Table {
    pub(crate) fn push(&mut self, job: Job) -> Option<JobIndex> {
        let index = u32::try_from(self.0.len()).ok()?;
        self.0.push(job);
        Some(JobIndex(index))
    }

    pub(crate) fn get_mut(&mut self, job: JobIndex) -> Option<&mut Job> {
        self.0.get_mut(usize::try_from(job.0).ok()?)
    }

    /// The job, if this attempt of it is with the scheduler. Late news of earlier attempts find nothing here.
    pub(crate) fn in_flight(&mut self, job: JobIndex, attempt: Attempt) -> Option<&mut InFlight> {
        match self.get_mut(job) {
            Some(Job {
                attempt: current,
                phase: Phase::InFlight(flight),
                ..
            }) if *current == attempt => Some(flight),
            _ => None,
        }
    }
}

impl InFlight {
    pub(crate) fn job_ref(&self, job: JobIndex, attempt: Attempt) -> JobRef {
        JobRef {
            job,
            attempt,
            id: self.id.clone(),
        }
    }
}
