//! The port to something that executes jobs.

use std::{num::NonZeroU32, time::Duration};

use async_trait::async_trait;

use crate::model::{
    options::Options,
    outcome::Observation,
    record::Usage,
    run::{BackendJobId, JobAttempt, JobRef},
};

/// Hands attempts to a backend and says what became of them. It never decides anything about a job: it reports, and the
/// dispatcher decides.
///
/// Every list that is returned has one entry for each entry of the list that was given, in the same order.
#[async_trait]
pub trait Scheduler: Send + Sync {
    /// The name by which users choose it.
    fn name(&self) -> &str;

    /// How the flow learns that an attempt has ended.
    fn watching(&self) -> Watching;

    /// What must stand in a job's directory before an attempt is submitted. The answer is the same for the whole run.
    fn preparation(&self) -> Preparation {
        Preparation::Script
    }

    /// How it wants to be called. The answer is the same for the whole run.
    fn preferences(&self) -> Preferences {
        Preferences::default()
    }

    /// Whether these options, of the run or of one job, are known. Looked at before a job is accepted.
    ///
    /// # Errors
    /// [`CallErrorKind::InvalidOptions`], naming the option and, where there is one, the nearest known name.
    fn check_options(&self, options: &Options) -> Result<(), CallError>;

    /// What the backend wants to see at the top of each job's script.
    async fn wrap(&self, jobs: &[JobAttempt]) -> Vec<Result<Wrapping, CallError>>;

    /// Submits attempts that were [prepared](Self::preparation) as it wants.
    async fn submit(&self, jobs: &[JobAttempt]) -> Vec<Result<BackendJobId, CallError>>;

    /// Asks the backend about attempts, with as few questions as possible. An error speaks of the question, never of a
    /// job. Not called with [`Watching::Wait`].
    async fn poll(&self, jobs: &[JobRef]) -> Result<Vec<Observation>, CallError>;

    /// Waits until an attempt has ended, and says what it used where the kernel counted that. One that it knows nothing of
    /// has ended, and is lost unless it left an exit code. Not called with [`Watching::Poll`].
    async fn wait(&self, job: &JobRef) -> (Observation, Option<Usage>);

    /// The attempts of this run that the backend knows of, whoever submitted them: how jobs are adopted when a run is
    /// resumed. What is in the list may have ended; what is not, the backend does not know.
    ///
    /// # Errors
    /// When the backend could not be asked.
    async fn find(&self) -> Result<Vec<JobRef>, CallError>;

    /// Cancels attempts. What has ended already, or is unknown, counts as cancelled.
    async fn cancel(&self, jobs: &[JobRef], how: Cancel) -> Vec<Result<(), CallError>>;
}

/// How the flow learns that an attempt has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watching {
    /// Its end is an event: [`Scheduler::wait`] returns. An attempt that was submitted runs.
    Wait,
    /// [`Scheduler::poll`] asks about all attempts in flight, from time to time.
    Poll,
}

/// What must stand in a job's directory before an attempt is submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preparation {
    /// The job's script. It shows the job's state and leaves its exit code in the directory.
    Script,
    /// Nothing, but there must be a directory. What becomes of the job is known without it.
    Directory,
    /// There need not even be a directory, and none is made: for schedulers that execute nothing, as measurements need them.
    Nothing,
}

/// How a scheduler wants to be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preferences {
    /// How many jobs one submission takes gladly, where the user does not say it.
    pub jobs_per_submit: Option<NonZeroU32>,
    /// The shortest time from one answer about jobs in flight to the next question.
    pub poll_pause: Duration,
    /// An attempt whose script ended and left exit code 0 has succeeded: nobody need be asked about it.
    pub zero_is_final: bool,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            jobs_per_submit: None,
            poll_pause: Duration::from_millis(500),
            zero_is_final: false,
        }
    }
}

/// How hard an attempt is cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancel {
    /// It is told to end, and killed after a grace period.
    Gracefully,
    /// It is killed.
    AtOnce,
}

/// What a backend wants to see at the top of a job's script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wrapping {
    /// Replaces the first line, without `#!`.
    pub shebang: Option<String>,
    /// Comment lines below it.
    pub directives: Vec<String>,
}

/// A call to a scheduler that failed. It says nothing about any job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", .kind.prefix())]
pub struct CallError {
    /// What kind of failure, and so what is done about it.
    pub kind: CallErrorKind,
    /// For the user.
    pub message: String,
}

/// Kinds of failed calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallErrorKind {
    /// A right is missing.
    Denied,
    /// The backend asks for patience, for this long if it says so.
    RateLimited(Option<Duration>),
    /// The backend cannot be reached just now.
    Unavailable,
    /// The backend refused this request.
    Rejected,
    /// An option is unknown or has a bad value.
    InvalidOptions,
    /// The plugin trapped, ran into a limit, or answered nonsense.
    PluginFailed,
    /// The plugin failed so often that it is not called any more.
    PluginGone,
    /// Anything else.
    Other,
}

impl CallErrorKind {
    /// Whether the same call may succeed later.
    pub const fn may_retry(self) -> bool {
        matches!(self, Self::RateLimited(_) | Self::Unavailable)
    }

    /// What stands before the message; nothing, where the message says it all.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Denied => "denied: ",
            Self::RateLimited(_) => "rate limited: ",
            Self::Unavailable => "unavailable: ",
            Self::Rejected => "rejected: ",
            Self::InvalidOptions => "invalid options: ",
            Self::PluginFailed | Self::PluginGone | Self::Other => "",
        }
    }
}
