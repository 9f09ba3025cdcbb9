//! The native scheduler: jobs are processes of this machine.
//!
//! Each job's wrapper script leads a process group of its own, and its end is an event. What a job leaves in the
//! background goes on when the job ends by itself, and is killed with it when it is cancelled. How processes are started
//! and ended is the business of [`process`](super::process).

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use camino::Utf8PathBuf;
use rustix::process::Signal;

use super::process::child::{Child, Exit};
use crate::{
    model::{
        job::{Attempt, JobIndex},
        options::Options,
        outcome::{FailureCause, Observation, Outcome},
        run::{BackendJobId, JobAttempt, JobRef},
    },
    ports::scheduler::{CallError, CallErrorKind, Cancel, Scheduler, Watching, Wrapping},
};

/// The name of the native scheduler.
pub const NAME: &str = "local";

/// Runs jobs on this machine. When dropped, it kills what still runs.
#[derive(Debug)]
pub struct LocalScheduler {
    shell: Vec<String>,
    kill_grace: Duration,
    cwd: Option<Utf8PathBuf>,
    running: Mutex<Running>,
}

type Running = HashMap<(JobIndex, Attempt), Arc<Child>>;

/// Local jobs take no options.
///
/// # Errors
/// Names the options that were given nevertheless.
pub fn check_options(options: &Options) -> Result<(), CallError> {
    let mut names: Vec<_> = options.iter().map(|(name, _)| format!("`{name}`")).collect();
    names.dedup();
    if names.is_empty() {
        return Ok(());
    }
    Err(CallError {
        kind: CallErrorKind::InvalidOptions,
        message: format!("the scheduler {NAME} takes no options, but got {}", names.join(", ")),
    })
}

impl LocalScheduler {
    /// A scheduler whose scripts are run by `shell`, the absolute path of a bash and its arguments. Jobs that say nothing
    /// else start in `cwd`, or where xqute was started.
    pub fn new(shell: Vec<String>, kill_grace: Duration, cwd: Option<Utf8PathBuf>) -> Self {
        Self {
            shell,
            kill_grace,
            cwd,
            running: Mutex::default(),
        }
    }

    /// Starts an attempt, unless that happened before.
    fn start(&self, attempt: &JobAttempt) -> Result<BackendJobId, CallError> {
        check_options(&attempt.options)?;
        let key = (attempt.job, attempt.attempt);
        if let Some(child) = self.running().get(&key) {
            return Ok(child.id().to_string().into());
        }
        let failed = |message| CallError {
            kind: CallErrorKind::Other,
            message,
        };
        let (shell, args) = self
            .shell
            .split_first()
            .ok_or_else(|| failed("no shell to run scripts with".to_owned()))?;
        let mut args: Vec<_> = args.iter().map(String::as_str).collect();
        args.push(attempt.script.mounted().as_str());
        let cwd = self.cwd.as_deref().map(AsRef::as_ref);
        let child = Child::detached(Path::new(shell), &args, cwd).map_err(|error| failed(error.to_string()))?;
        let id = child.id().to_string().into();
        self.running().insert(key, Arc::new(child));
        Ok(id)
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn child(&self, job: &JobRef) -> Option<Arc<Child>> {
        self.running().get(&(job.job, job.attempt)).cloned()
    }
}

#[async_trait]
impl Scheduler for LocalScheduler {
    fn check_options(&self, options: &Options) -> Result<(), CallError> {
        check_options(options)
    }

    fn name(&self) -> &'static str {
        NAME
    }

    fn watching(&self) -> Watching {
        Watching::Wait
    }

    async fn wrap(&self, jobs: &[JobAttempt]) -> Vec<Result<Wrapping, CallError>> {
        jobs.iter().map(|_| Ok(Wrapping::default())).collect()
    }

    async fn submit(&self, jobs: &[JobAttempt]) -> Vec<Result<BackendJobId, CallError>> {
        // Each start blocks until the new process has replaced its image, a fraction of a millisecond. To hand that to
        // another thread costs more than it spares: it was measured.
        jobs.iter().map(|attempt| self.start(attempt)).collect()
    }

    async fn poll(&self, jobs: &[JobRef]) -> Result<Vec<Observation>, CallError> {
        let running = self.running();
        let observe = |job: &JobRef| match running.get(&(job.job, job.attempt)) {
            Some(_) => Observation::Running,
            None => Observation::Unknown,
        };
        Ok(jobs.iter().map(observe).collect())
    }

    async fn wait(&self, job: &JobRef) -> Observation {
        let Some(child) = self.child(job) else {
            return Observation::Unknown;
        };
        let outcome = match child.wait().await {
            Ok(Exit::Code(0)) => Outcome::Succeeded,
            Ok(Exit::Code(code)) => Outcome::Failed(FailureCause::ExitCode(code)),
            Ok(Exit::Signal(signal)) => Outcome::Failed(FailureCause::Signal(signal)),
            Err(_) => Outcome::Failed(FailureCause::Lost),
        };
        self.running().remove(&(job.job, job.attempt));
        Observation::Ended(outcome)
    }

    async fn cancel(&self, jobs: &[JobRef], how: Cancel) -> Vec<Result<(), CallError>> {
        for child in jobs.iter().filter_map(|job| self.child(job)) {
            match how {
                Cancel::AtOnce => child.signal_group(Signal::KILL),
                Cancel::Gracefully => {
                    child.signal_group(Signal::TERM);
                    let grace = self.kill_grace;
                    tokio::spawn(async move {
                        if tokio::time::timeout(grace, child.ended()).await.is_err() {
                            child.signal_group(Signal::KILL);
                        }
                    });
                }
            }
        }
        jobs.iter().map(|_| Ok(())).collect()
    }
}

impl Drop for LocalScheduler {
    fn drop(&mut self) {
        // Somebody may still hold a child, waiting for the end of its grace.
        for child in self.running().values() {
            child.signal_group(Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests;
