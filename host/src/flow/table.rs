//! The job table: what the dispatcher knows about each job. Nothing else decides or remembers a state.
//!
//! A run may have millions of jobs, of which few do anything at a time: what only those need lives in boxes.

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
    pub(crate) links: Option<Box<Links>>,
}

/// What most jobs have nothing of: a place before others, and jobs before and after them.
#[derive(Debug, Default)]
pub(crate) struct Links {
    /// Jobs of a higher priority start first.
    pub(crate) priority: i32,
    /// How many jobs it still waits for.
    pub(crate) missing: u32,
    /// The jobs that wait for it.
    pub(crate) successors: Vec<JobIndex>,
}

/// Where a job is on its way.
#[derive(Debug)]
pub(crate) enum Phase {
    /// It waits for other jobs to succeed.
    Held,
    /// It waits for a free slot.
    Queued,
    /// It waits for the pause before its next attempt to end.
    Pausing,
    /// It is on its way to the scheduler; it may be unwanted by the time it arrives.
    Submitting { unwanted: Option<Box<CancelReason>> },
    /// The scheduler has it.
    InFlight(Box<InFlight>),
    /// It has its outcome.
    Done { succeeded: bool },
}

/// What is known of an attempt that the scheduler has.
#[derive(Debug)]
pub(crate) struct InFlight {
    pub(crate) id: BackendJobId,
    pub(crate) started: bool,
    /// Whether an earlier process submitted it.
    pub(crate) adopted: bool,
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
    /// That failed, and is tried again after a pause.
    Again,
}

/// All jobs, by index.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<Job>);

impl Table {
    /// The index of the next job; none, when there are as many as a run can number.
    pub(crate) fn next(&self) -> Option<JobIndex> {
        Some(JobIndex(u32::try_from(self.0.len()).ok()?))
    }

    pub(crate) fn push(&mut self, job: Job) -> Option<JobIndex> {
        let index = self.next()?;
        self.0.push(job);
        Some(index)
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

    /// The jobs that nothing has been started for, in the order of their numbers. Walks over the whole table.
    pub(crate) fn waiting(&self) -> Vec<JobIndex> {
        let waiting = (0..).map(JobIndex).zip(&self.0).filter(|(_, job)| job.phase.waits());
        waiting.map(|(index, _)| index).collect()
    }
}

impl Job {
    pub(crate) fn priority(&self) -> i32 {
        self.links.as_ref().map_or(0, |links| links.priority)
    }
}

impl Phase {
    /// Whether the job needs no slot, but will.
    pub(crate) const fn waits(&self) -> bool {
        matches!(self, Self::Held | Self::Queued | Self::Pausing)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_waiting_jobs_are_small() {
        assert!(size_of::<Job>() <= 32, "{}", size_of::<Job>());
    }
}
