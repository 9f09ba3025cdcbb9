//! What a run leaves behind, for programs and for people.

use std::time::Duration;

use camino::Utf8PathBuf;

use crate::{
    adapters::{component::hooks::PluginReport, objects::NotCopied},
    flow::{
        dispatch::Counts,
        engine::{Parts, Report},
    },
    model::{
        job::JobIndex,
        outcome::{Outcome, StopCause},
        path::Location,
    },
    ports::{jobs::Jobs, journal::NotRecorded},
};

/// How much of a failed job's stderr is kept.
const TAIL_LINES: usize = 5;
const TAIL_BYTES: usize = 4096;

/// What a run leaves behind.
#[derive(Debug)]
pub struct RunSummary {
    /// How many jobs ended how.
    pub counts: Counts,
    /// How long the run took.
    pub elapsed: Duration,
    /// The first jobs that failed or were not allowed to start, at most ten; where there are fewer, then those that came
    /// after one of these.
    pub failures: Vec<FailedJob>,
    /// Why the run was stopped before its jobs were done, if it was.
    pub stopped: Option<StopCause>,
    /// Why the run could not be recorded to its end, if it could not. Resuming it goes on from what is recorded.
    pub unrecorded: Option<NotRecorded>,
    /// Why not all that jobs left is in the workdir, if that is in a store. Resuming the run copies the rest.
    pub uncopied: Option<NotCopied>,
    /// What the plugins did.
    pub plugins: Vec<PluginReport>,
    /// The run's directory.
    pub workdir: Location,
    /// Where this machine keeps its files: the same, unless that is in a store.
    pub home: Utf8PathBuf,
}

/// A job that did not succeed.
#[derive(Debug)]
pub struct FailedJob {
    /// Which job.
    pub job: JobIndex,
    /// Its name.
    pub name: String,
    /// Its command, for people.
    pub command: String,
    /// How it ended.
    pub outcome: Outcome,
    /// How many attempts were made.
    pub attempts: u32,
    /// The file that holds what its last attempt wrote to stderr.
    pub stderr: Location,
    /// The last lines of that file.
    pub stderr_tail: String,
}

impl RunSummary {
    /// Whether every job succeeded.
    pub fn succeeded(&self) -> bool {
        self.counts.succeeded == self.counts.fed && self.stopped.and_then(StopCause::signal).is_none()
    }
}

/// Looks up what people want to know about the jobs that failed.
pub(crate) fn failed_jobs(parts: &Parts, report: &Report) -> Vec<FailedJob> {
    let failed = report.failures.iter().filter_map(|ended| {
        let job = parts.book.job(ended.job)?;
        Some(FailedJob {
            job: ended.job,
            command: job.command().to_string(),
            stderr: job.dir.below("job.stderr").spec().clone(),
            name: job.name,
            outcome: ended.outcome.clone(),
            attempts: ended.attempt.get(),
            stderr_tail: parts.workdir.stderr_tail(ended.job, TAIL_LINES, TAIL_BYTES),
        })
    });
    failed.collect()
}
