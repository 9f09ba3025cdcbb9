//! Feeding a run, from anywhere: looks at jobs, enters them in the book, and announces them. Decides nothing about them.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use camino::Utf8Path;
use tokio::sync::{mpsc::UnboundedSender, oneshot, watch};

use super::{
    book::{BatchError, Book, FeedError},
    publisher::Subscribers,
};
use crate::{
    adapters::workdir::script,
    flow::event::{Event, FedJob},
    model::{
        job::{JobExtras, JobIndex, JobSpec},
        outcome::Outcome,
        record::Origin,
        run::Run,
    },
    ports::scheduler::Scheduler,
};

/// How many of the jobs that the command gives are announced, and recorded, as one: few enough for the first of a million
/// to start before the last is recorded.
const GIVEN_TOGETHER: usize = 1024;

/// A handle on a job that was fed. Awaiting it gives its outcome, once that has been recorded; none, if the run breaks down first.
#[derive(Debug)]
pub struct JobHandle {
    index: JobIndex,
    outcome: oneshot::Receiver<Outcome>,
}

impl JobHandle {
    /// The job's index.
    pub const fn index(&self) -> JobIndex {
        self.index
    }
}

impl Future for JobHandle {
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
    confirmations: Confirmations,
}

/// How feeders learn, and let others learn, what was recorded.
#[derive(Clone)]
pub(crate) struct Confirmations {
    pub(crate) subscribers: Subscribers,
    /// How many jobs have been recorded.
    pub(crate) recorded: watch::Receiver<u32>,
}

impl Feeder {
    pub(crate) fn new(
        book: Arc<Book>,
        scheduler: Arc<dyn Scheduler>,
        inbox: UnboundedSender<Event>,
        confirmations: Confirmations,
    ) -> Self {
        Self {
            book,
            scheduler,
            inbox,
            confirmations,
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
        let after = pages.look_up(std::slice::from_ref(&spec))?.pop().unwrap_or_default();
        pages.enter(vec![FedJob::new(spec, after)], Origin::Fed, &self.inbox)
    }

    /// Feeds one job, and gives a handle on it that can be awaited.
    ///
    /// # Errors
    /// When the job could not be run as it is, or the run is over.
    pub fn feed_job(&self, job: impl Into<JobSpec>) -> Result<JobHandle, FeedError> {
        let spec = job.into();
        self.check_alone(&spec)?;
        let mut pages = self.book.write();
        let after = pages.look_up(std::slice::from_ref(&spec))?.pop().unwrap_or_default();
        // Nobody else can feed a job of this index meanwhile, and its end is told only after it was fed.
        let next = JobIndex(pages.next()?);
        let outcome = self.confirmations.subscribers.wait_for(next);
        let index = pages.enter(vec![FedJob::new(spec, after)], Origin::Fed, &self.inbox)?;
        Ok(JobHandle { index, outcome })
    }

    /// Waits until a job is recorded: from then on nothing loses it. False when the run ended before that.
    pub async fn recorded(&self, job: JobIndex) -> bool {
        let mut recorded = self.confirmations.recorded.clone();
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
        let (mut after, mut indices) = (pages.look_up(&jobs)?.into_iter(), Vec::with_capacity(jobs.len()));
        let together = match origin {
            // Whoever resumes the run gives again what was not recorded of them.
            Origin::Given => GIVEN_TOGETHER,
            Origin::Fed => usize::MAX,
        };
        let mut jobs = jobs.into_iter();
        while jobs.len() > 0 {
            let new = jobs.by_ref().take(together);
            let new: Vec<_> = new
                .map(|spec| FedJob::new(spec, after.next().unwrap_or_default()))
                .collect();
            let count = u32::try_from(new.len()).unwrap_or(u32::MAX);
            let first = pages.enter(new, origin, &self.inbox)?.0;
            indices.extend((first..first.saturating_add(count)).map(JobIndex));
        }
        Ok(indices)
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
    pub(crate) fn check_alone(&self, spec: &JobSpec) -> Result<(), FeedError> {
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

impl FedJob {
    fn new(spec: JobSpec, after: Vec<JobIndex>) -> Self {
        let spec = Arc::new(spec);
        Self { spec, after }
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
