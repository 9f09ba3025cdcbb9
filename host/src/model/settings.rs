//! How a run is to behave, after defaults, configuration file and flags are put together.

use std::{num::NonZeroU32, str::FromStr, time::Duration};

use camino::Utf8PathBuf;

use super::options::Options;

/// What happens when an attempt fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorStrategy {
    /// The other jobs go on.
    #[default]
    Ignore,
    /// Another attempt is made, up to the number of retries.
    Retry,
    /// No further job starts, and those in flight are killed.
    Halt,
}

impl FromStr for ErrorStrategy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "ignore" => Ok(Self::Ignore),
            "retry" => Ok(Self::Retry),
            "halt" => Ok(Self::Halt),
            other => Err(format!(
                "`{other}` is not an error strategy; known are ignore, retry and halt"
            )),
        }
    }
}

/// When another attempt is made, and after which failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The pause before the second attempt; it doubles before each further one. A quarter of it more or less, at random,
    /// keeps jobs that failed together apart.
    pub delay: Duration,
    /// The longest pause.
    pub longest_delay: Duration,
    /// Only these failures are followed by another attempt; all of them, if there are none here.
    pub only_on: Vec<RetryCause>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            longest_delay: Duration::from_secs(600),
            only_on: Vec::new(),
        }
    }
}

/// A kind of failure that another attempt may mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they bear the names of failure causes")]
pub enum RetryCause {
    ExitCode(i32),
    Signal,
    TimedOut,
    OutOfMemory,
    Preempted,
    NodeFailure,
    NeverStarted,
    Lost,
    SubmissionFailed,
    Other,
}

/// How local jobs are started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wrapper {
    /// Without a script where nothing asks for one.
    #[default]
    Auto,
    /// By their script, always: bash records the exit code even when nothing of xqute lives.
    Always,
}

/// How a run is to behave. The defaults are those of the library; the command line has its own for `forks`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The most jobs in flight at once.
    pub forks: NonZeroU32,
    /// What happens when an attempt fails.
    pub error_strategy: ErrorStrategy,
    /// How many more attempts a job gets under [`ErrorStrategy::Retry`].
    pub num_retries: u32,
    /// When and after which failures another attempt is made under [`ErrorStrategy::Retry`].
    pub retry: RetryPolicy,
    /// The run stops when this many jobs have failed.
    pub max_failures: Option<NonZeroU32>,
    /// The most jobs that are handed to the scheduler in one call; by default what it prefers, or 8.
    pub submission_batch: Option<NonZeroU32>,
    /// Bash that runs before each job's command.
    pub prescript: String,
    /// Bash that runs after each job's command.
    pub postscript: String,
    /// What job names start with; by default the scheduler's name.
    pub jobname_prefix: Option<String>,
    /// How long an attempt may run.
    pub timeout: Option<Duration>,
    /// Where jobs start; by default where xqute was started.
    pub cwd: Option<Utf8PathBuf>,
    /// Environment variables of every job.
    pub env: Vec<(String, String)>,
    /// The longest pause between two questions about the state of jobs in flight.
    pub recheck_interval: Duration,
    /// Whether jobs are started by their script even where nothing asks for one.
    pub wrapper: Wrapper,
    /// The shell that runs job scripts: a bash and its arguments.
    pub wrapper_shell: Vec<String>,
    /// How long a job may take to end after it was told to, before it is killed.
    pub kill_grace: Duration,
    /// Scheduler options of every job.
    pub options: Options,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            forks: NonZeroU32::MIN,
            error_strategy: ErrorStrategy::Ignore,
            num_retries: 3,
            retry: RetryPolicy::default(),
            max_failures: None,
            submission_batch: None,
            prescript: String::new(),
            postscript: String::new(),
            jobname_prefix: None,
            timeout: None,
            cwd: None,
            env: Vec::new(),
            recheck_interval: Duration::from_secs(5),
            wrapper: Wrapper::default(),
            wrapper_shell: vec!["/bin/bash".to_owned()],
            kill_grace: Duration::from_secs(5),
            options: Options::new(),
        }
    }
}
