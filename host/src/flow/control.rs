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
    feeding: Mutex<Feeding>,
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
            feeding: Mutex::new(feeding),
        }
    }

    /// No more jobs come, whoever may have fed them so far.
    pub(crate) fn close(&self) {
        let mut feeding = self.feeding();
        if *feeding == Feeding::Open {
            *feeding = Feeding::Stopped;
        }
        self.feeder.close();
    }

    fn feeding(&self) -> MutexGuard<'_, Feeding> {
        self.feeding.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Feeds jobs that were checked. Returns the index of the first and that of the last.
    fn enter(&self, jobs: Vec<JobSpec>) -> Result<(JobIndex, JobIndex), Refusal> {
        let feeding = self.feeding();
        feeding.check()?;
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
        self.feeding().check()
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
        self.takes_jobs()?;
        self.close();
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
