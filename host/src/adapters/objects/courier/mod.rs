//! Between a scheduler and jobs that see nothing but the store: brings their scripts there before they start, and brings back
//! what tells how they ended.
//!
//! It is a scheduler around another one, so the flow knows nothing of it. What jobs print stays in the store; of one that failed
//! the end of its stderr comes here, to be shown.

mod post;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, sleep};

use self::post::Post;
use super::{Folder, StoreError, mirror::InStore};
use crate::{
    adapters::workdir::names::RC,
    model::{
        access::Access,
        job::JobIndex,
        options::Options,
        outcome::{FailureCause, Observation, Outcome},
        record::Usage,
        run::{BackendJobId, JobAttempt, JobRef, Run},
    },
    ports::scheduler::{CallError, CallErrorKind, Cancel, Preferences, Preparation, Scheduler, Watching, Wrapping},
};

/// How many jobs are on their way at once.
const AT_ONCE: usize = 32;

/// The pauses before a store that did not answer is asked again about a job that has ended; they double.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How long it is asked.
const PATIENCE: Duration = Duration::from_secs(1800);

/// A scheduler whose jobs see nothing but the store.
pub(crate) struct Courier {
    inner: Arc<dyn Scheduler>,
    post: Post,
    /// What jobs are brought to their machines with, if they are.
    carrier: Option<String>,
    /// Whether it was said that the store does not answer.
    is_away: AtomicBool,
}

impl Courier {
    /// Around this scheduler. `in_store` learns what the store has of the host's files.
    pub(crate) fn new(inner: Arc<dyn Scheduler>, run: &Run, folder: Folder, in_store: InStore) -> Self {
        let carrier = match &run.access {
            Access::Staged { carrier } => carrier.first().cloned(),
            Access::Shared | Access::Mounted => None,
        };
        Self {
            inner,
            post: Post {
                home: run.home.clone(),
                folder,
                in_store,
            },
            carrier,
            is_away: AtomicBool::new(false),
        }
    }

    /// What is said of an attempt, once what it left is here. `None` while the store does not answer.
    async fn settled(&self, job: JobIndex, said: &Observation) -> Option<Observation> {
        if !matches!(said, Observation::Ended(_) | Observation::Unknown) {
            return Some(said.clone());
        }
        match self.post.fetch(job, said).await {
            Ok(()) => {
                if self.is_away.swap(false, Ordering::Relaxed) {
                    tracing::warn!("{} answers again", self.post.folder.place().service().title());
                }
            }
            Err(error) if error.may_pass() => {
                if !self.is_away.swap(true, Ordering::Relaxed) {
                    tracing::warn!("how jobs ended is not known until the workdir answers: {error}");
                }
                return None;
            }
            Err(error) => tracing::warn!(job = job.0, "how the job ended is known from the backend only: {error}"),
        }
        Some(self.understood(job, said))
    }

    /// The same for those who wait for the store.
    async fn known_at_last(&self, job: JobIndex, said: Observation) -> Observation {
        let (since, mut pause) = (Instant::now(), FIRST_PAUSE);
        loop {
            match self.settled(job, &said).await {
                Some(observation) => return observation,
                None if since.elapsed() > PATIENCE => return said,
                None => sleep(pause).await,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Brings here what tells how attempts ended of which the backend knows nothing any more.
    pub(crate) async fn bring_ends(&self, abandoned: impl Iterator<Item = JobIndex>) {
        let trips: Vec<_> = abandoned
            .map(|job| self.known_at_last(job, Observation::Unknown))
            .collect();
        let _those_ends: Vec<_> = stream::iter(trips).buffered(AT_ONCE).collect().await;
    }

    /// The same for those who do not wait for the store: they hear that nothing has changed.
    async fn as_far_as_known(&self, job: JobIndex, said: Observation) -> Observation {
        let unchanged = match said {
            Observation::Unknown => Observation::Queued(None),
            _ => Observation::Running,
        };
        self.settled(job, &said).await.unwrap_or(unchanged)
    }

    /// A carrier that is not there, or that could not do its work, is no end of the job's own.
    fn understood(&self, job: JobIndex, said: &Observation) -> Observation {
        let (Some(carrier), Observation::Ended(Outcome::Failed(FailureCause::ExitCode(code)))) = (&self.carrier, said)
        else {
            return said.clone();
        };
        if self.post.is_here(job, RC) {
            return said.clone();
        }
        let place = self.post.folder.place();
        let why = match code {
            126 | 127 => format!(
                "there is no program `{carrier}` where it was to run, which brings it there; install xqute there, or say with \
                 `--opt stage-with=PATH` where it is"
            ),
            125 => format!(
                "`{carrier} run-staged` could not bring it to the machine where it was to run; see there whether \
                 `{carrier} fetch {place}/{job}/job.status` works"
            ),
            _ => return said.clone(),
        };
        Observation::Ended(Outcome::Failed(FailureCause::NeverStarted(why)))
    }
}

#[async_trait]
impl Scheduler for Courier {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn watching(&self) -> Watching {
        self.inner.watching()
    }

    fn preparation(&self) -> Preparation {
        self.inner.preparation()
    }

    fn preferences(&self) -> Preferences {
        self.inner.preferences()
    }

    fn check_options(&self, options: &Options) -> Result<(), CallError> {
        self.inner.check_options(options)
    }

    async fn wrap(&self, jobs: &[JobAttempt]) -> Vec<Result<Wrapping, CallError>> {
        self.inner.wrap(jobs).await
    }

    async fn submit(&self, jobs: &[JobAttempt]) -> Vec<Result<BackendJobId, CallError>> {
        let trips: Vec<_> = jobs.iter().map(|job| self.post.send(job)).collect();
        let sent: Vec<_> = stream::iter(trips).buffered(AT_ONCE).collect().await;
        let ready = jobs.iter().zip(&sent).filter(|(_, sent)| sent.is_ok());
        let ready: Vec<JobAttempt> = ready.map(|(job, _)| job.clone()).collect();
        let taken = match ready.is_empty() {
            true => Vec::new(),
            false => self.inner.submit(&ready).await,
        };
        let mut taken = taken.into_iter();
        let mut answer = |sent: Result<(), StoreError>| match sent {
            Ok(()) => taken.next().unwrap_or_else(|| Err(no_answer())),
            Err(error) => Err(not_sent(&error)),
        };
        sent.into_iter().map(&mut answer).collect()
    }

    async fn poll(&self, jobs: &[JobRef]) -> Result<Vec<Observation>, CallError> {
        let said = self.inner.poll(jobs).await?;
        let trips: Vec<_> = jobs
            .iter()
            .zip(said)
            .map(|(job, said)| self.as_far_as_known(job.job, said))
            .collect();
        Ok(stream::iter(trips).buffered(AT_ONCE).collect().await)
    }

    async fn wait(&self, job: &JobRef) -> (Observation, Option<Usage>) {
        let (said, usage) = self.inner.wait(job).await;
        (self.known_at_last(job.job, said).await, usage)
    }

    async fn find(&self) -> Result<Vec<JobRef>, CallError> {
        self.inner.find().await
    }

    async fn cancel(&self, jobs: &[JobRef], how: Cancel) -> Vec<Result<(), CallError>> {
        let done = self.inner.cancel(jobs, how).await;
        let trips: Vec<_> = jobs.iter().map(|job| self.post.bring_notes(job.job)).collect();
        let brought: Vec<_> = stream::iter(trips).buffered(AT_ONCE).collect().await;
        let both = |(done, brought): (Result<(), CallError>, Result<(), StoreError>)| match brought {
            Ok(()) => done,
            Err(error) => done.and(Err(not_sent(&error))),
        };
        done.into_iter().zip(brought).map(both).collect()
    }
}

fn not_sent(error: &StoreError) -> CallError {
    let kind = match error.may_pass() {
        true => CallErrorKind::Unavailable,
        false => CallErrorKind::Rejected,
    };
    CallError {
        kind,
        message: error.to_string(),
    }
}

/// A scheduler has one answer for each job.
fn no_answer() -> CallError {
    CallError {
        kind: CallErrorKind::Other,
        message: "the scheduler did not say what became of the job".to_owned(),
    }
}
