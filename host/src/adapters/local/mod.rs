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
use tokio::time::timeout;

use super::process::child::{Child, Exit};
use crate::{
    model::{
        job::{Attempt, JobIndex},
        options::Options,
        outcome::{FailureCause, Observation, Outcome},
        record::Usage,
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

    /// Starts an attempt, unless it was started before.
    ///
    /// This blocks until the new process has replaced its image. Handing it to another thread costs more than it saves: it
    /// was measured to take a tenth more time on two busy cores.
    fn start(&self, attempt: &JobAttempt) -> Result<BackendJobId, CallError> {
        check_options(&attempt.options)?;
        let key = (attempt.job, attempt.attempt);
        if let Some(child) = self.running().get(&key) {
            return Ok(child.id().to_string().into());
        }
        let child = Arc::new(self.spawn(attempt).map_err(|message| CallError {
            kind: CallErrorKind::Other,
            message,
        })?);
        let id = child.id().to_string().into();
        self.running().insert(key, child);
        Ok(id)
    }

    fn spawn(&self, attempt: &JobAttempt) -> Result<Child, String> {
        let script = attempt.script.mounted().as_str();
        let (shell, args) = self
            .shell
            .split_first()
            .ok_or("there is no shell to run scripts with")?;
        let args: Vec<&str> = args.iter().map(String::as_str).chain([script]).collect();
        let cwd = self.cwd.as_deref().map(AsRef::as_ref);
        Child::detached(Path::new(shell), &args, cwd).map_err(|error| error.to_string())
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn child(&self, job: &JobRef) -> Option<Arc<Child>> {
        self.running().get(&(job.job, job.attempt)).cloned()
    }
}

/// After how long a process group is told to end once more. A shell that is just about to start a program can swallow the
/// first signal: it reaches the copy of the shell that becomes the program, and is gone with the shell's handlers.
const ONCE_MORE: Duration = Duration::from_millis(100);

/// Kills what was told to end but has not after the grace period.
async fn end_within(child: Arc<Child>, grace: Duration) {
    let first = ONCE_MORE.min(grace);
    if timeout(first, child.ended()).await.is_ok() {
        return;
    }
    child.signal_group(Signal::TERM);
    if timeout(grace.saturating_sub(first), child.ended()).await.is_err() {
        child.signal_group(Signal::KILL);
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

    async fn wait(&self, job: &JobRef) -> (Observation, Option<Usage>) {
        let Some(child) = self.child(job) else {
            return (Observation::Unknown, None);
        };
        let outcome = match child.wait().await {
            Ok(Exit::Code(0)) => Outcome::Succeeded,
            Ok(Exit::Code(code)) => Outcome::Failed(FailureCause::ExitCode(code)),
            Ok(Exit::Signal(signal)) => Outcome::Failed(FailureCause::Signal(signal)),
            Err(_) => Outcome::Failed(FailureCause::Lost),
        };
        self.running().remove(&(job.job, job.attempt));
        (Observation::Ended(outcome), None)
    }

    async fn find(&self) -> Result<Vec<JobRef>, CallError> {
        let running = self.running();
        let found = running.iter().map(|(&(job, attempt), child)| JobRef {
            job,
            attempt,
            id: child.id().to_string().into(),
        });
        Ok(found.collect())
    }

    async fn cancel(&self, jobs: &[JobRef], how: Cancel) -> Vec<Result<(), CallError>> {
        for child in jobs.iter().filter_map(|job| self.child(job)) {
            match how {
                Cancel::AtOnce => child.signal_group(Signal::KILL),
                Cancel::Gracefully => {
                    child.signal_group(Signal::TERM);
                    tokio::spawn(end_within(child, self.kill_grace));
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
