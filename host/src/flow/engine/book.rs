//! The book of jobs: what was fed, by index. Holds requests, never states; the dispatcher owns those.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use camino::{Utf8Path, Utf8PathBuf};
use tokio::sync::mpsc::UnboundedSender;

use crate::{
    adapters::workdir::script::{self, ScriptError},
    flow::event::Event,
    model::{
        job::{Attempt, BadCommand, JobExtras, JobIndex, JobSpec},
        record::Origin,
        run::{JobAttempt, Run},
    },
    ports::{jobs::Jobs, scheduler::Scheduler},
};

/// What was fed, by index, and the latest attempt of each.
#[derive(Debug)]
pub struct Book {
    run: Arc<Run>,
    entries: RwLock<Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    spec: Arc<JobSpec>,
    attempt: Attempt,
}

impl Book {
    /// An empty book.
    pub fn new(run: Arc<Run>) -> Self {
        Self {
            run,
            entries: RwLock::default(),
        }
    }

    /// The attempt in full; from now on it is the latest of its job.
    pub(crate) fn begin(&self, job: JobIndex, attempt: Attempt) -> Option<JobAttempt> {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get_mut(usize::try_from(job.0).ok()?)?;
        entry.attempt = attempt;
        Some(self.run.attempt(job, attempt, entry.spec.clone()))
    }

    /// How long an attempt of the job may run. Asked for each job that starts, so it puts nothing else together.
    pub(crate) fn timeout(&self, job: JobIndex) -> Option<Duration> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        self.run.timeout(&entries.get(usize::try_from(job.0).ok()?)?.spec)
    }

    /// Enters a job and announces it, in one step, so that both sides count alike.
    fn enter(&self, spec: JobSpec, origin: Origin, inbox: &UnboundedSender<Event>) -> Result<JobIndex, FeedError> {
        let spec = Arc::new(spec);
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let index = u32::try_from(entries.len()).map_err(|_| FeedError::TooMany)?;
        inbox
            .send(Event::Fed {
                spec: spec.clone(),
                origin,
            })
            .map_err(|_| FeedError::RunIsOver)?;
        entries.push(Entry {
            spec,
            attempt: Attempt::FIRST,
        });
        Ok(JobIndex(index))
    }
}

impl Jobs for Book {
    fn job(&self, job: JobIndex) -> Option<JobAttempt> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(usize::try_from(job.0).ok()?)?;
        Some(self.run.attempt(job, entry.attempt, entry.spec.clone()))
    }
}

/// Feeds jobs into a run, from anywhere.
#[derive(Clone)]
pub struct Feeder {
    book: Arc<Book>,
    scheduler: Arc<dyn Scheduler>,
    inbox: UnboundedSender<Event>,
}

impl Feeder {
    pub(crate) fn new(book: Arc<Book>, scheduler: Arc<dyn Scheduler>, inbox: UnboundedSender<Event>) -> Self {
        Self { book, scheduler, inbox }
    }

    /// Feeds one job and returns its index.
    ///
    /// # Errors
    /// When the job could not be run as it is, or the run is over.
    pub fn feed(&self, job: impl Into<JobSpec>) -> Result<JobIndex, FeedError> {
        let spec = job.into();
        self.check(&spec)?;
        self.feed_checked(spec, Origin::Fed)
    }

    /// Feeds a job that [`check`](Self::check) found nothing wrong with.
    pub(crate) fn feed_checked(&self, spec: JobSpec, origin: Origin) -> Result<JobIndex, FeedError> {
        self.book.enter(spec, origin, &self.inbox)
    }

    /// Looks at a job without feeding it.
    ///
    /// # Errors
    /// What is wrong with it, if anything is.
    pub fn check(&self, spec: &JobSpec) -> Result<(), FeedError> {
        spec.command.check()?;
        let extras = spec.extras();
        if *extras == JobExtras::default() {
            return Ok(());
        }
        self.scheduler
            .check_options(&extras.options)
            .map_err(|error| FeedError::Options(error.message))?;
        check_env(&extras.env)?;
        match &extras.cwd {
            Some(cwd) => self.book.run.check_cwd(cwd),
            None => Ok(()),
        }
    }

    /// Says that no more jobs will be fed. The run ends when the last job is done.
    pub(crate) fn close(&self) {
        // A run that is over needs not be told.
        let _ = self.inbox.send(Event::FeedClosed);
    }
}

impl Run {
    /// Only the local scheduler is sure to see what the host sees.
    pub(crate) fn check_cwd(&self, cwd: &Utf8Path) -> Result<(), FeedError> {
        match self.scheduler == "local" && !cwd.is_dir() {
            true => Err(FeedError::MissingCwd(cwd.to_owned())),
            false => Ok(()),
        }
    }
}

/// Variables that a job's script cannot export are refused before anything runs.
pub(crate) fn check_env(env: &[(String, String)]) -> Result<(), FeedError> {
    env.iter()
        .try_for_each(|(name, value)| Ok(script::check_variable(name, value)?))
}

/// Why a job was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// Its command cannot be run.
    #[error(transparent)]
    Command(#[from] BadCommand),
    /// A script cannot export one of its environment variables.
    #[error(transparent)]
    Env(#[from] ScriptError),
    /// The folder where it is to start does not exist.
    #[error("the working directory `{0}` does not exist or is not a folder")]
    MissingCwd(Utf8PathBuf),
    /// The scheduler does not know one of its options.
    #[error("{0}")]
    Options(String),
    /// A run holds at most 4,294,967,295 jobs.
    #[error("a run holds at most {} jobs", u32::MAX)]
    TooMany,
    /// The run has ended, or is being stopped.
    #[error("the run is over and takes no more jobs")]
    RunIsOver,
}
