//! What may be asked of a run while it goes: more jobs, no more jobs, the end of some. Turns each into events; decides
//! nothing about jobs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{
    engine::{
        Mail,
        book::{BatchError, Book, FeedError},
        feeder::Feeder,
    },
    event::Event,
};
use crate::{
    model::{
        job::{JobIndex, JobSpec},
        record::Origin,
    },
    ports::control::{Control, Refusal},
};

/// A run that can be asked for something.
pub(crate) struct LiveControl {
    feeder: Feeder,
    book: Arc<Book>,
    mail: Mail,
    /// Held while jobs are fed, so that none of them comes after the word that no more come.
    feeders: Mutex<Feeders>,
}

/// Who may still feed.
#[derive(Debug)]
struct Feeders {
    strangers: Feeding,
    /// How many feed on this side, so that the word of a stranger does not end the run.
    ours: usize,
}

/// Holds a run open: as long as there is one of these, somebody on this side feeds, and the word of strangers that no
/// more jobs come is about theirs only.
pub struct HeldOpen(Arc<LiveControl>);

impl Drop for HeldOpen {
    fn drop(&mut self) {
        let mut feeders = self.0.feeders();
        feeders.ours = feeders.ours.saturating_sub(1);
        if feeders.ours == 0 && feeders.strangers == Feeding::Stopped {
            self.0.feeder.close();
        }
    }
}

/// Whether strangers may feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feeding {
    /// Nobody said so.
    Never,
    /// They may.
    Open,
    /// They could, until somebody said that no more jobs come.
    Stopped,
}

impl LiveControl {
    pub(crate) fn new(feeder: Feeder, book: Arc<Book>, mail: Mail, feeding: Feeding) -> Self {
        Self {
            feeder,
            book,
            mail,
            feeders: Mutex::new(Feeders {
                strangers: feeding,
                ours: 0,
            }),
        }
    }

    /// No more jobs come, whoever may have fed them so far.
    pub(crate) fn close(&self) {
        let mut feeders = self.feeders();
        if feeders.strangers == Feeding::Open {
            feeders.strangers = Feeding::Stopped;
        }
        self.feeder.close();
    }

    /// From now on until what is returned is dropped, strangers cannot end the run by feeding no more.
    pub(crate) fn hold_open(self: &Arc<Self>) -> HeldOpen {
        self.feeders().ours += 1;
        HeldOpen(self.clone())
    }

    fn feeders(&self) -> MutexGuard<'_, Feeders> {
        self.feeders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Feeds jobs that were checked. Returns the index of the first and that of the last.
    fn enter(&self, jobs: Vec<JobSpec>) -> Result<(JobIndex, JobIndex), Refusal> {
        let feeders = self.feeders();
        feeders.strangers.check()?;
        let fed = self.feeder.feed_checked(jobs, Origin::Fed)?;
        fed.first()
            .zip(fed.last())
            .map(|(first, last)| (*first, *last))
            .ok_or_else(|| Refusal::Job {
                place: None,
                why: "there are no jobs to feed".to_owned(),
            })
    }
}

impl Feeding {
    fn check(self) -> Result<(), Refusal> {
        match self {
            Self::Never => Err(Refusal::NotListening),
            Self::Open => Ok(()),
            Self::Stopped => Err(Refusal::Stopped),
        }
    }
}

#[async_trait]
impl Control for LiveControl {
    fn takes_jobs(&self) -> Result<(), Refusal> {
        self.feeders().strangers.check()
    }

    fn check(&self, job: &JobSpec) -> Result<(), Refusal> {
        // The jobs that it comes after may come with it; they are looked up when all are there.
        Ok(self.feeder.check_alone(job)?)
    }

    async fn feed(&self, jobs: Vec<JobSpec>) -> Result<JobIndex, Refusal> {
        let (first, last) = self.enter(jobs)?;
        match self.feeder.recorded(last).await {
            true => Ok(first),
            false => Err(Refusal::Over),
        }
    }

    fn stop_feeding(&self) -> Result<(), Refusal> {
        let mut feeders = self.feeders();
        feeders.strangers.check()?;
        feeders.strangers = Feeding::Stopped;
        if feeders.ours == 0 {
            self.feeder.close();
        }
        Ok(())
    }

    fn kill(&self, jobs: &[JobIndex]) -> Result<(), Refusal> {
        if let Some(unknown) = jobs.iter().find(|job| !self.book.has(**job)) {
            return Err(Refusal::NoSuchJob(*unknown));
        }
        for job in jobs {
            self.mail.send(Event::CancelRequested(*job));
        }
        Ok(())
    }

    fn kill_all(&self) {
        self.mail.send(Event::CancelAllRequested);
    }
}

impl From<BatchError> for Refusal {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::All(error) => error.into(),
            BatchError::Job { place, source, .. } => Self::Job {
                place: Some(place),
                why: source.to_string(),
            },
        }
    }
}

impl From<FeedError> for Refusal {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::RunIsOver => Self::Over,
            wrong => Self::Job {
                place: None,
                why: wrong.to_string(),
            },
        }
    }
}
