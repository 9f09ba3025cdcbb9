//! How attempts and jobs end, and why.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{job::JobIndex, state::State};

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureCause {
    /// It ended with this exit code, which is not 0.
    ExitCode(i32),
    /// This signal ended it.
    Signal(i32),
    /// It ran longer than it was allowed to.
    TimedOut,
    /// It used more memory than it was allowed to.
    OutOfMemory,
    /// The backend took its resources away.
    Preempted,
    /// The machine it ran on failed.
    NodeFailure,
    /// The backend took it but ended it before it ran.
    NeverStarted(String),
    /// Nobody knows anything of it any more, and it left no exit code.
    Lost,
    /// It could not be handed to the scheduler.
    SubmissionFailed(String),
    /// Anything else, in the scheduler's words.
    Other(String),
}

impl FailureCause {
    /// What `job.rc` holds when the job itself could not write it. Negative numbers are those of Python xqute: -2 for a
    /// failed submission, -3 for a job that ended without a word.
    pub fn rc(&self) -> i32 {
        match self {
            Self::ExitCode(code) => *code,
            Self::Signal(signal) => 128 + signal,
            Self::TimedOut => 124,
            Self::OutOfMemory => 137,
            Self::SubmissionFailed(_) => -2,
            Self::Preempted | Self::NodeFailure | Self::NeverStarted(_) | Self::Lost | Self::Other(_) => -3,
        }
    }

    /// The cause in one word, for programs: the same in every format that xqute writes.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::ExitCode(_) => "exit-code",
            Self::Signal(_) => "signal",
            Self::TimedOut => "timed-out",
            Self::OutOfMemory => "out-of-memory",
            Self::Preempted => "preempted",
            Self::NodeFailure => "node-failure",
            Self::NeverStarted(_) => "never-started",
            Self::Lost => "lost",
            Self::SubmissionFailed(_) => "submission-failed",
            Self::Other(_) => "other",
        }
    }
}

impl fmt::Display for FailureCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ExitCode(126) => f.write_str("exit code 126 (the command could not be executed)"),
            Self::ExitCode(127) => f.write_str("exit code 127 (command not found)"),
            Self::ExitCode(code @ 129..=159) => write!(f, "exit code {code} (usually signal {})", code - 128),
            Self::ExitCode(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "killed by signal {signal}"),
            Self::TimedOut => f.write_str("timed out"),
            Self::OutOfMemory => f.write_str("out of memory"),
            Self::Preempted => f.write_str("preempted by the backend"),
            Self::NodeFailure => f.write_str("the machine it ran on failed"),
            Self::NeverStarted(why) => write!(f, "never started: {why}"),
            Self::Lost => f.write_str("lost: the backend does not know it and it left no exit code"),
            Self::SubmissionFailed(why) => write!(f, "submission failed: {why}"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

/// Why a job was cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CancelReason {
    /// A gatekeeper did not let it start.
    Vetoed {
        /// The plugin's name.
        plugin: String,
        /// The plugin's reason.
        reason: String,
    },
    /// The user asked for it.
    Requested,
    /// Another job failed under the strategy `halt`.
    Halted,
    /// More jobs failed than the run was to bear.
    TooManyFailures,
    /// A plugin failed whose failure is to halt the run.
    PluginFailed,
    /// The workdir was removed while the run lived.
    WorkdirGone,
    /// A job that it comes after did not succeed.
    Dependency(JobIndex),
    /// The run was told to stop by this signal.
    Signalled(i32),
    /// Somebody cancelled it in the backend.
    InBackend,
}

impl CancelReason {
    /// The reason in one word, for programs: the same in every format that xqute writes.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Vetoed { .. } => "vetoed",
            Self::Requested => "requested",
            Self::Halted => "halted",
            Self::TooManyFailures => "too-many-failures",
            Self::PluginFailed => "plugin-failed",
            Self::WorkdirGone => "workdir-gone",
            Self::Dependency(_) => "dependency",
            Self::Signalled(_) => "signalled",
            Self::InBackend => "in-backend",
        }
    }
}

impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vetoed { plugin, reason } => write!(f, "plugin {plugin} did not let it start: {reason}"),
            Self::Requested => f.write_str("cancelled on request"),
            Self::Halted => f.write_str("cancelled because another job failed"),
            Self::TooManyFailures => f.write_str("cancelled because too many jobs failed"),
            Self::PluginFailed => f.write_str("cancelled because a plugin failed"),
            Self::WorkdirGone => f.write_str("cancelled because the workdir was removed"),
            Self::Dependency(job) => write!(f, "cancelled because job {job}, which it comes after, did not succeed"),
            Self::Signalled(signal) => write!(f, "cancelled by signal {signal} to xqute"),
            Self::InBackend => f.write_str("cancelled in the backend"),
        }
    }
}

/// Why a run was stopped before its jobs were done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopCause {
    /// This signal told it to stop.
    Signal(i32),
    /// A job failed under the strategy `halt`.
    Halted,
    /// More jobs failed than it was to bear.
    TooManyFailures,
    /// A plugin failed whose failure is to halt the run.
    PluginFailed,
    /// The workdir was removed while the run lived.
    WorkdirGone,
}

impl StopCause {
    /// The signal, if one stopped the run.
    pub const fn signal(self) -> Option<i32> {
        match self {
            Self::Signal(signal) => Some(signal),
            Self::Halted | Self::TooManyFailures | Self::PluginFailed | Self::WorkdirGone => None,
        }
    }

    /// The cause in one word, for programs: the same in every format that xqute writes, and the same as that of the jobs
    /// that were cancelled with it.
    pub fn word(self) -> &'static str {
        CancelReason::from(self).word()
    }
}

/// What jobs are cancelled with when their run is stopped.
impl From<StopCause> for CancelReason {
    fn from(cause: StopCause) -> Self {
        match cause {
            StopCause::Signal(signal) => Self::Signalled(signal),
            StopCause::Halted => Self::Halted,
            StopCause::TooManyFailures => Self::TooManyFailures,
            StopCause::PluginFailed => Self::PluginFailed,
            StopCause::WorkdirGone => Self::WorkdirGone,
        }
    }
}

/// How a job, or one attempt of it, ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Exit code 0.
    Succeeded,
    /// It ended by itself, or could not start, and that is not success.
    Failed(FailureCause),
    /// Somebody did not want it any more.
    Cancelled(CancelReason),
}

impl Outcome {
    /// The state that `job.status` shows.
    pub const fn state(&self) -> State {
        match self {
            Self::Succeeded => State::Finished,
            Self::Failed(_) | Self::Cancelled(_) => State::Failed,
        }
    }

    /// Whether the job is over for good. One that was cancelled only because its run was stopped goes on when that run
    /// is resumed.
    pub const fn is_final(&self) -> bool {
        use CancelReason::{Halted, PluginFailed, Signalled, TooManyFailures, WorkdirGone};
        !matches!(
            self,
            Self::Cancelled(Halted | Signalled(_) | TooManyFailures | PluginFailed | WorkdirGone)
        )
    }

    /// What `job.rc` holds when the job itself could not write it.
    pub fn rc(&self) -> i32 {
        match self {
            Self::Succeeded => 0,
            Self::Failed(cause) => cause.rc(),
            Self::Cancelled(_) => 143,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Succeeded => f.write_str("succeeded"),
            Self::Failed(cause) => cause.fmt(f),
            Self::Cancelled(reason) => reason.fmt(f),
        }
    }
}

/// A signal as people know it.
pub fn signal_name(signal: i32) -> String {
    match signal {
        1 => "SIGHUP".to_owned(),
        2 => "SIGINT".to_owned(),
        3 => "SIGQUIT".to_owned(),
        15 => "SIGTERM".to_owned(),
        other => format!("signal {other}"),
    }
}

/// What a backend says about an attempt. "No answer" is [`Unknown`](Self::Unknown), never "gone".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// Waiting in the backend's own queue, with its reason if it gives one.
    Queued(Option<String>),
    /// It runs.
    Running,
    /// It ended.
    Ended(Outcome),
    /// It ended before it began: a signal to xqute reached what was to become the job. It is as if it had never been
    /// submitted.
    NeverBegan,
    /// The backend gave no answer about it.
    Unknown,
}
