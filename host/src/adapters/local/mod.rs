//! The native scheduler: jobs are processes of this machine.
//!
//! Each job leads a process group of its own, and its end is an event. What a job leaves in the background goes on when the
//! job ends by itself, and is killed with it when it is cancelled, unless it made a session of its own. How processes are
//! started, found and ended is the business of [`process`](super::process).
//!
//! - [`start`]: how a job is started: by its script, or directly;
//! - `company`: how jobs are ended, and who is ended with them;
//! - `room`: how many jobs can run at once;
//! - `adopt`: jobs that an earlier xqute started for the same run, and left when it was killed.

mod adopt;
mod company;
mod room;
pub mod start;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use rustix::process::Signal;

pub use self::start::Starting;
use self::{
    adopt::Job,
    company::Company,
    room::Room,
    start::{Leader, Starter},
};
use super::{
    process::{child::Exit, orphan::Orphan},
    workdir::Outputs,
};
use crate::{
    model::{
        access::Reach,
        job::{Attempt, JobIndex},
        options::Options,
        outcome::{FailureCause, Observation, Outcome},
        record::Usage,
        run::{BackendJobId, JobAttempt, JobRef, Run},
    },
    ports::{
        jobs::Jobs,
        scheduler::{CallError, CallErrorKind, Cancel, Preparation, Scheduler, Watching, Wrapping},
    },
};

/// The name of the native scheduler.
pub const NAME: &str = "local";

/// Runs jobs on this machine. When dropped, it kills what still runs.
#[derive(Debug)]
pub struct LocalScheduler {
    run: Arc<Run>,
    starting: Starting,
    outputs: Outputs,
    running: Mutex<HashMap<Key, Arc<Job>>>,
    company: Company,
    room: Room,
    requests: Option<Requests>,
    /// What an earlier xqute left and nobody has asked for yet.
    found: Mutex<HashMap<Key, Orphan>>,
}

/// Where the requests of jobs can be looked up.
struct Requests(Arc<dyn Jobs>);

impl fmt::Debug for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Requests")
    }
}

type Key = (JobIndex, Attempt);

/// Local jobs can be brought to any folder of this machine, and nothing is mounted for them.
pub const fn reach() -> Reach {
    Reach {
        carries: true,
        mounts_at: None,
    }
}

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
    /// A scheduler for the jobs of this run. Those that say nothing else start where xqute was started.
    pub fn new(run: Arc<Run>, starting: Starting) -> Self {
        Self {
            outputs: Outputs::new(&run.home),
            company: Company::new(run.clone()),
            run,
            starting,
            room: Room::of_this_process(),
            requests: None,
            running: Mutex::default(),
            found: Mutex::default(),
        }
    }

    /// With a look at the requests of the run's jobs: how to read the end of one that an earlier xqute started depends on
    /// it.
    #[must_use]
    pub fn knowing(mut self, requests: Arc<dyn Jobs>) -> Self {
        self.requests = Some(Requests(requests));
        self
    }

    /// Starts an attempt, unless it was started before.
    ///
    /// This blocks until the new process has replaced its image. Handing it to another thread costs more than it saves: it
    /// was measured to take a tenth more time on two busy cores.
    fn start(&self, attempt: &JobAttempt) -> Result<BackendJobId, CallError> {
        check_options(&attempt.options)?;
        let key = (attempt.job, attempt.attempt);
        if let Some(job) = self.running().get(&key) {
            return Ok(job.id().to_string().into());
        }
        self.room.for_one_more(self.running().len())?;
        let job = self.spawn(attempt)?;
        let id = job.id().to_string().into();
        self.running().insert(key, Arc::new(job));
        Ok(id)
    }

    fn spawn(&self, attempt: &JobAttempt) -> Result<Job, CallError> {
        let starter = Starter {
            run: &self.run,
            outputs: &self.outputs,
            attempt,
        };
        match self.starting {
            Starting::ByScript => Ok(Job::Started(starter.by_script()?, Leader::Script)),
            Starting::Direct => starter.directly().map(|(child, leader)| Job::Started(child, leader)),
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<Key, Arc<Job>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the end of a job's first process means for the job. What bash says of a program that a signal ended is an exit
/// code, and so it is here where no bash was between; those signals that a script takes as a reason to exit are too.
fn outcome(exit: Exit, leader: Leader) -> Outcome {
    let code = match (exit, leader) {
        (Exit::Code(0), _) => return Outcome::Succeeded,
        (Exit::Code(code), _) => code,
        (Exit::Signal(signal), Leader::Program) => 128 + signal,
        (Exit::Signal(signal @ (HUP | INT | TERM)), Leader::Shell) => 128 + signal,
        (Exit::Signal(signal), Leader::Shell | Leader::Script) => return Outcome::Failed(FailureCause::Signal(signal)),
    };
    Outcome::Failed(FailureCause::ExitCode(code))
}

const HUP: i32 = Signal::HUP.as_raw();
const INT: i32 = Signal::INT.as_raw();
const TERM: i32 = Signal::TERM.as_raw();

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

    fn preparation(&self) -> Preparation {
        match self.starting {
            Starting::ByScript => Preparation::Script,
            Starting::Direct => Preparation::Directory,
        }
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
        let lost = || (Observation::Ended(Outcome::Failed(FailureCause::Lost)), None);
        let Some(process) = self.job(job) else { return lost() };
        let ended = match &*process {
            Job::Started(child, leader) => match child.wait().await {
                Ok(end) if end.began => (Observation::Ended(outcome(end.exit, *leader)), Some(end.usage)),
                Ok(_) => (Observation::NeverBegan, None),
                Err(_) => lost(),
            },
            Job::Adopted(orphan, leader) => match orphan.wait().await {
                Ok(Some(exit)) => (Observation::Ended(outcome(exit, *leader)), None),
                Ok(None) | Err(_) => lost(),
            },
        };
        let key = (job.job, job.attempt);
        self.running().remove(&key);
        self.company.ended(key);
        ended
    }

    async fn find(&self) -> Result<Vec<JobRef>, CallError> {
        self.look_around().await.map_err(|error| CallError {
            kind: CallErrorKind::Other,
            message: format!("cannot see which processes run: {error}"),
        })
    }

    async fn cancel(&self, jobs: &[JobRef], how: Cancel) -> Vec<Result<(), CallError>> {
        let running = jobs
            .iter()
            .filter_map(|job| Some(((job.job, job.attempt), self.job(job)?)));
        let running: Vec<_> = running.collect();
        match how {
            Cancel::AtOnce => self.company.kill(&running).await,
            Cancel::Gracefully => self.company.end(running).await,
        }
        jobs.iter().map(|_| Ok(())).collect()
    }
}

impl Drop for LocalScheduler {
    fn drop(&mut self) {
        // Somebody may still hold a job, waiting for the end of its grace.
        let running: Vec<_> = self.running().drain().collect();
        self.company.kill_now(&running);
    }
}

#[cfg(test)]
mod tests;
