//! The book of jobs: what was fed, by index. Holds requests, never states; the dispatcher owns those.

use std::{
    borrow::Borrow,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use camino::Utf8PathBuf;
use tokio::sync::mpsc::UnboundedSender;

use super::predecessors::{self, Ambiguous, Candidates, Names};
use crate::{
    adapters::workdir::script::ScriptError,
    flow::event::{Event, FedJob},
    model::{
        job::{Attempt, BadCommand, JobIndex, JobSpec},
        record::Origin,
        run::{JobAttempt, Run},
    },
    ports::jobs::Jobs,
};

pub use super::predecessors::BadPredecessor;

/// What was fed, by index, and the latest attempt of each.
#[derive(Debug)]
pub struct Book {
    pub(super) run: Arc<Run>,
    pages: RwLock<Pages>,
}

#[derive(Debug, Default)]
pub(super) struct Pages {
    list: Vec<Page>,
    /// The names of the jobs, as far as anybody asked for one.
    names: Names,
}

#[derive(Debug)]
struct Page {
    spec: Arc<JobSpec>,
    attempt: Attempt,
}

impl Borrow<JobSpec> for Page {
    fn borrow(&self) -> &JobSpec {
        &self.spec
    }
}

impl Book {
    /// An empty book.
    pub fn new(run: Arc<Run>) -> Self {
        Self {
            run,
            pages: RwLock::default(),
        }
    }

    /// Enters jobs that an earlier process accepted, in the order of their indices, with the latest attempt of each.
    /// `rest` are those that will be fed next: the jobs of one batch may come after each other, and only a part of them
    /// may have been recorded. Returns the jobs that each of the recorded ones comes after.
    ///
    /// # Errors
    /// When a job comes after one that is not there, with its place.
    pub fn restore(
        &self,
        recorded: Vec<(Arc<JobSpec>, Attempt)>,
        rest: &[JobSpec],
    ) -> Result<Vec<Vec<JobIndex>>, (usize, BadPredecessor)> {
        let all: Vec<&JobSpec> = recorded.iter().map(|(spec, _)| &**spec).chain(rest).collect();
        let candidates = Candidates {
            earlier: &Names::default(),
            first: 0,
            jobs: &all,
            ambiguous: Ambiguous::First,
        };
        let mut after = candidates.resolve()?;
        after.truncate(recorded.len());
        let list = recorded.into_iter().map(|(spec, attempt)| Page { spec, attempt });
        self.write().list = list.collect();
        Ok(after)
    }

    /// The attempt in full; from now on it is the latest of its job.
    pub(crate) fn begin(&self, job: JobIndex, attempt: Attempt) -> Option<JobAttempt> {
        let mut pages = self.write();
        let page = pages.list.get_mut(usize::try_from(job.0).ok()?)?;
        page.attempt = attempt;
        Some(self.run.attempt(job, attempt, page.spec.clone()))
    }

    /// How long an attempt of the job may run. Asked for each job that starts, so it puts nothing else together.
    pub(crate) fn timeout(&self, job: JobIndex) -> Option<Duration> {
        self.run
            .timeout(&self.read().list.get(usize::try_from(job.0).ok()?)?.spec)
    }

    /// Whether there is such a job.
    pub(crate) fn has(&self, job: JobIndex) -> bool {
        usize::try_from(job.0).is_ok_and(|at| at < self.read().list.len())
    }

    fn read(&self) -> RwLockReadGuard<'_, Pages> {
        self.pages.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Pages> {
        self.pages.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pages {
    /// The index that the next job gets.
    pub(super) fn next(&self) -> Result<u32, FeedError> {
        u32::try_from(self.list.len()).map_err(|_| FeedError::TooMany)
    }

    /// Looks whether these jobs can be entered, and finds those that they come after. Nothing is found where none of them
    /// comes after another one.
    pub(super) fn look_up(&mut self, jobs: &[JobSpec]) -> Result<Vec<Vec<JobIndex>>, BatchError> {
        let first = self.next()?;
        let last = self.list.len().saturating_add(jobs.len()).saturating_sub(1);
        u32::try_from(last).map_err(|_| FeedError::TooMany)?;
        if !predecessors::any(jobs) {
            return Ok(Vec::new());
        }
        self.names.learn(&self.list);
        let candidates = Candidates {
            earlier: &self.names,
            first,
            jobs,
            ambiguous: Ambiguous::Refused,
        };
        candidates
            .resolve()
            .map_err(|(place, bad)| BatchError::about(place, jobs, bad.into()))
    }

    /// Enters jobs and announces them, in one step, so that both sides count alike: all of them, or none. Returns the
    /// index of the first; the others follow it.
    pub(super) fn enter(
        &mut self,
        jobs: Vec<FedJob>,
        origin: Origin,
        inbox: &UnboundedSender<Event>,
    ) -> Result<JobIndex, FeedError> {
        let first = self.next()?;
        let new = jobs.iter().map(|job| Page {
            spec: job.spec.clone(),
            attempt: Attempt::FIRST,
        });
        self.list.extend(new);
        if inbox.send(Event::Fed { jobs, origin }).is_err() {
            self.list.truncate(usize::try_from(first).unwrap_or(usize::MAX));
            return Err(FeedError::RunIsOver);
        }
        Ok(JobIndex(first))
    }
}

impl Jobs for Book {
    fn job(&self, job: JobIndex) -> Option<JobAttempt> {
        let pages = self.read();
        let page = pages.list.get(usize::try_from(job.0).ok()?)?;
        Some(self.run.attempt(job, page.attempt, page.spec.clone()))
    }
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
    /// It could never start.
    #[error(transparent)]
    After(#[from] BadPredecessor),
    /// A run holds at most 4,294,967,295 jobs.
    #[error("a run holds at most {} jobs", u32::MAX)]
    TooMany,
    /// The run has ended, or is being stopped.
    #[error("the run is over and takes no more jobs")]
    RunIsOver,
}

/// Why none of several jobs was accepted.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// Something is wrong with one of them.
    #[error("job {place}, `{command}`: {source}")]
    Job {
        /// Its place among them, from 0.
        place: usize,
        /// Its command, for people.
        command: String,
        /// What is wrong with it.
        source: FeedError,
    },
    /// The run takes no more.
    #[error(transparent)]
    All(#[from] FeedError),
}

impl BatchError {
    pub(super) fn about(place: usize, jobs: &[JobSpec], source: FeedError) -> Self {
        let command = jobs.get(place).map(|job| job.command.to_string()).unwrap_or_default();
        Self::Job { place, command, source }
    }
}

/// What is wrong with a job that was alone.
impl From<BatchError> for FeedError {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Job { source, .. } | BatchError::All(source) => source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        access::Access,
        job::{JobExtras, Predecessor},
        path::SpecPath,
        settings::Settings,
    };

    fn book() -> Book {
        Book::new(Arc::new(Run {
            tag: "t".into(),
            workdir: SpecPath::same(Utf8PathBuf::from("/w")),
            home: "/w".into(),
            access: Access::Shared,
            scheduler: "local".into(),
            settings: Settings::default(),
        }))
    }

    fn job(name: &str, after: &[&str]) -> JobSpec {
        let after = after.iter().map(|name| Predecessor::Name((*name).to_owned()));
        JobSpec::from("true").with(JobExtras {
            name: Some(name.to_owned()),
            after: after.collect(),
            ..JobExtras::default()
        })
    }

    #[test]
    fn recorded_jobs_find_those_that_were_not_recorded_any_more() {
        let book = book();
        let recorded = vec![
            (Arc::new(job("a", &["c"])), Attempt::FIRST),
            (Arc::new(job("b", &["a"])), Attempt::new(3)),
        ];
        let after = book.restore(recorded.clone(), &[job("c", &[])]).unwrap();
        assert_eq!(after, [vec![JobIndex(2)], vec![JobIndex(0)]]);
        assert_eq!(book.job(JobIndex(1)).unwrap().attempt.get(), 3);
        assert!(book.job(JobIndex(2)).is_none(), "it is still to be fed");
        let (place, bad) = book.restore(recorded, &[]).unwrap_err();
        assert_eq!((place, bad), (0, BadPredecessor::NoSuchName("c".into())));
    }
}
