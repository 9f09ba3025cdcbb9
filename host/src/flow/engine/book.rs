//! The book of jobs: what was fed, by index. Holds requests, never states; the dispatcher owns those.

use std::{
    pin::Pin,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    task::{Context, Poll},
    time::Duration,
};

use camino::{Utf8Path, Utf8PathBuf};
use tokio::sync::{mpsc::UnboundedSender, oneshot, watch};

use super::{
    predecessors::{self, Ambiguous, Batch, Names},
    publisher::Subscribers,
};
use crate::{
    adapters::workdir::script::{self, ScriptError},
    flow::event::Event,
    model::{
        job::{Attempt, BadCommand, JobExtras, JobIndex, JobSpec},
        outcome::Outcome,
        record::Origin,
        run::{JobAttempt, Run},
    },
    ports::{jobs::Jobs, scheduler::Scheduler},
};

pub use super::predecessors::BadPredecessor;

/// What was fed, by index, and the latest attempt of each.
#[derive(Debug)]
pub struct Book {
    run: Arc<Run>,
    pages: RwLock<Pages>,
}

#[derive(Debug, Default)]
struct Pages {
    entries: Vec<Entry>,
    /// Those of the entries, as far as anybody asked for one.
    names: Names,
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
        let batch = Batch {
            earlier: &Names::default(),
            first: 0,
            jobs: &all,
            ambiguous: Ambiguous::First,
        };
        let mut after = batch.resolve()?;
        after.truncate(recorded.len());
        let entries = recorded.into_iter().map(|(spec, attempt)| Entry { spec, attempt });
        self.write().entries = entries.collect();
        Ok(after)
    }

    /// The attempt in full; from now on it is the latest of its job.
    pub(crate) fn begin(&self, job: JobIndex, attempt: Attempt) -> Option<JobAttempt> {
        let mut pages = self.write();
        let entry = pages.entries.get_mut(usize::try_from(job.0).ok()?)?;
        entry.attempt = attempt;
        Some(self.run.attempt(job, attempt, entry.spec.clone()))
    }

    /// How long an attempt of the job may run. Asked for each job that starts, so it puts nothing else together.
    pub(crate) fn timeout(&self, job: JobIndex) -> Option<Duration> {
        self.run
            .timeout(&self.read().entries.get(usize::try_from(job.0).ok()?)?.spec)
    }

    fn read(&self) -> RwLockReadGuard<'_, Pages> {
        self.pages.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Pages> {
        self.pages.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pages {
    /// The index that the next job gets.
    fn next(&self) -> Result<u32, FeedError> {
        u32::try_from(self.entries.len()).map_err(|_| FeedError::TooMany)
    }

    /// Looks whether these jobs can be entered, and finds those that they come after. Nothing is found where none of them
    /// comes after another one.
    fn look_up(&mut self, jobs: &[JobSpec]) -> Result<Vec<Vec<JobIndex>>, BatchError> {
        let first = self.next()?;
        let last = self.entries.len().saturating_add(jobs.len()).saturating_sub(1);
        u32::try_from(last).map_err(|_| FeedError::TooMany)?;
        if !predecessors::any(jobs) {
            return Ok(Vec::new());
        }
        self.names.learn(self.entries.iter().map(|entry| &*entry.spec));
        let batch = Batch {
            earlier: &self.names,
            first,
            jobs,
            ambiguous: Ambiguous::Refused,
        };
        batch
            .resolve()
            .map_err(|(place, bad)| BatchError::about(place, jobs, bad.into()))
    }

    /// Enters a job and announces it, in one step, so that both sides count alike.
    fn enter(
        &mut self,
        spec: JobSpec,
        after: Vec<JobIndex>,
        origin: Origin,
        inbox: &UnboundedSender<Event>,
    ) -> Result<JobIndex, FeedError> {
        let index = self.next()?;
        let spec = Arc::new(spec);
        inbox
            .send(Event::Fed {
                spec: spec.clone(),
                after,
                origin,
            })
            .map_err(|_| FeedError::RunIsOver)?;
        self.entries.push(Entry {
            spec,
            attempt: Attempt::FIRST,
        });
        Ok(JobIndex(index))
    }
}

impl Jobs for Book {
    fn job(&self, job: JobIndex) -> Option<JobAttempt> {
        let pages = self.read();
        let entry = pages.entries.get(usize::try_from(job.0).ok()?)?;
        Some(self.run.attempt(job, entry.attempt, entry.spec.clone()))
    }
}

/// A job that was fed. Awaiting it gives its outcome, once that has been recorded; none, if the run breaks down first.
#[derive(Debug)]
pub struct Job {
    index: JobIndex,
    outcome: oneshot::Receiver<Outcome>,
}

impl Job {
    /// Its index.
    pub const fn index(&self) -> JobIndex {
        self.index
    }
}

impl Future for Job {
    type Output = Option<Outcome>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.outcome).poll(context).map(Result::ok)
    }
}

/// Feeds jobs into a run, from anywhere.
#[derive(Clone)]
pub struct Feeder {
    book: Arc<Book>,
    scheduler: Arc<dyn Scheduler>,
    inbox: UnboundedSender<Event>,
    audience: Audience,
}

/// What feeders have to do with those who hear of what was recorded.
#[derive(Clone)]
pub(crate) struct Audience {
    pub(crate) subscribers: Subscribers,
    /// How many jobs have been recorded.
    pub(crate) recorded: watch::Receiver<u32>,
}

impl Feeder {
    pub(crate) fn new(
        book: Arc<Book>,
        scheduler: Arc<dyn Scheduler>,
        inbox: UnboundedSender<Event>,
        audience: Audience,
    ) -> Self {
        Self {
            book,
            scheduler,
            inbox,
            audience,
        }
    }

    /// Feeds one job and returns its index. It may come after jobs that were fed before.
    ///
    /// # Errors
    /// When the job could not be run as it is, or the run is over.
    pub fn feed(&self, job: impl Into<JobSpec>) -> Result<JobIndex, FeedError> {
        let spec = job.into();
        self.check_alone(&spec)?;
        let mut pages = self.book.write();
        let after = match spec.extras().after.is_empty() {
            true => Vec::new(),
            false => pages.look_up(std::slice::from_ref(&spec))?.pop().unwrap_or_default(),
        };
        pages.enter(spec, after, Origin::Fed, &self.inbox)
    }

    /// Feeds one job, and gives a handle on it that can be awaited.
    ///
    /// # Errors
    /// When the job could not be run as it is, or the run is over.
    pub fn feed_job(&self, job: impl Into<JobSpec>) -> Result<Job, FeedError> {
        let spec = job.into();
        self.check_alone(&spec)?;
        let mut pages = self.book.write();
        let after = pages.look_up(std::slice::from_ref(&spec))?.pop().unwrap_or_default();
        // Nobody else can feed a job of this index meanwhile, and its end is told only after it was fed.
        let next = JobIndex(pages.next()?);
        let outcome = self.audience.subscribers.wait_for(next);
        let index = pages.enter(spec, after, Origin::Fed, &self.inbox)?;
        Ok(Job { index, outcome })
    }

    /// Waits until a job is recorded: from then on nothing loses it. False when the run ended before that.
    pub async fn recorded(&self, job: JobIndex) -> bool {
        let mut recorded = self.audience.recorded.clone();
        recorded.wait_for(|recorded| *recorded > job.0).await.is_ok()
    }

    /// Feeds all of these jobs or, when one of them cannot be run, none. They may come after each other, in any order, and
    /// after jobs that were fed before. Returns their indices, which follow each other.
    ///
    /// # Errors
    /// When one of the jobs could not be run as it is, or the run is over.
    pub fn feed_all(&self, jobs: Vec<JobSpec>) -> Result<Vec<JobIndex>, BatchError> {
        self.check_each(&jobs)?;
        self.feed_checked(jobs, Origin::Fed)
    }

    /// Feeds all of these jobs or none, as a part of what the command gives that starts the run: whoever resumes it gives
    /// them again.
    ///
    /// # Errors
    /// When one of the jobs could not be run as it is, or the run is over.
    pub fn give(&self, jobs: Vec<JobSpec>) -> Result<Vec<JobIndex>, BatchError> {
        self.check_each(&jobs)?;
        self.feed_checked(jobs, Origin::Given)
    }

    /// Feeds jobs of which each by itself is known to be in order.
    pub(crate) fn feed_checked(&self, jobs: Vec<JobSpec>, origin: Origin) -> Result<Vec<JobIndex>, BatchError> {
        // Held until the last is in: nobody else feeds or closes in between.
        let mut pages = self.book.write();
        let mut after = pages.look_up(&jobs)?.into_iter();
        let enter = |job| pages.enter(job, after.next().unwrap_or_default(), origin, &self.inbox);
        Ok(jobs.into_iter().map(enter).collect::<Result<_, _>>()?)
    }

    /// Looks at a job without feeding it.
    ///
    /// # Errors
    /// What is wrong with it, if anything is.
    pub fn check(&self, spec: &JobSpec) -> Result<(), FeedError> {
        self.check_alone(spec)?;
        self.book.write().look_up(std::slice::from_ref(spec))?;
        Ok(())
    }

    /// Looks at jobs without feeding them.
    ///
    /// # Errors
    /// What is wrong with the first of them that something is wrong with.
    pub fn check_all(&self, jobs: &[JobSpec]) -> Result<(), BatchError> {
        self.check_each(jobs)?;
        self.book.write().look_up(jobs)?;
        Ok(())
    }

    fn check_each(&self, jobs: &[JobSpec]) -> Result<(), BatchError> {
        let mut places = jobs.iter().enumerate();
        places.try_for_each(|(place, job)| {
            self.check_alone(job)
                .map_err(|source| BatchError::about(place, jobs, source))
        })
    }

    /// Looks at everything but the jobs that it comes after.
    fn check_alone(&self, spec: &JobSpec) -> Result<(), FeedError> {
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
        // Not in the midst of jobs that are fed together.
        let _pages = self.book.write();
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
    fn about(place: usize, jobs: &[JobSpec], source: FeedError) -> Self {
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
    use crate::model::{job::Predecessor, path::SpecPath, settings::Settings};

    fn book() -> Book {
        Book::new(Arc::new(Run {
            tag: "t".into(),
            workdir: SpecPath::same("/w"),
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
