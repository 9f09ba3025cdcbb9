//! The flags of the commands about a run that was started elsewhere: feeding it, looking at it, ending its jobs.

use std::{ffi::OsString, num::NonZeroU32, path::PathBuf};

use clap::ValueEnum;
use xqute::model::path::Location;

use super::Global;

/// Give more jobs to a run that was started with --listen
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct FeedCommand {
    #[command(flatten)]
    pub(super) args: FeedArgs,
    #[command(flatten)]
    pub(super) global: Global,
}

/// What `xqute feed` was asked for.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = FEED_HELP)]
pub(in crate::cli) struct FeedArgs {
    /// Job files, also in stores (gs://, s3://, az://); - is standard input
    #[arg(value_name = "JOBFILE")]
    pub(in crate::cli) files: Vec<PathBuf>,
    /// One more job: a command and its arguments, passed on byte for byte
    #[arg(last = true, value_name = "COMMAND")]
    pub(in crate::cli) command: Vec<OsString>,
    /// The run's directory [default: .xqute]
    #[arg(short, long, value_name = "DIR")]
    pub(in crate::cli) workdir: Option<Location>,
    /// No more jobs come after these: the run ends when its last job is done
    #[arg(long)]
    pub(in crate::cli) stop: bool,
}

const FEED_HELP: &str = "\
Everything is checked first, and then all jobs are taken or none.

Examples:
  xqute run --listen &
  xqute feed jobs.txt
  xqute feed -- gzip 'a file'
  xqute feed --stop";

/// Show where a run and its jobs stand
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct StatusCommand {
    #[command(flatten)]
    pub(super) args: StatusArgs,
    #[command(flatten)]
    pub(super) global: Global,
}

/// What `xqute status` was asked for.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = STATUS_HELP)]
pub(in crate::cli) struct StatusArgs {
    /// The run's directory [default: .xqute]
    #[arg(short, long, value_name = "DIR")]
    pub(in crate::cli) workdir: Option<Location>,
    /// Write all of it as one JSON object
    #[arg(long)]
    pub(in crate::cli) json: bool,
    /// Only jobs in this state, and all of them
    #[arg(long, value_enum, value_name = "STATE")]
    pub(in crate::cli) state: Option<ShownState>,
}

const STATUS_HELP: &str = "\
The JSON object has \"xqute\": 1 (its version), \"run\" (tag, workdir, home: where its files are
on this machine, scheduler, started, life: live, over or dead, pid), \"counts\" (jobs by state), and \"jobs\", a list in the order of
their indices: index, name, cmd as in job files, state, attempt, id (the backend's), fed,
started, ended, outcome, why (the outcome in words), usage (user_ms, system_ms, peak_memory
in bytes).";

/// Where a job stands, as users see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ShownState {
    Init,
    Queued,
    Submitted,
    Running,
    Killing,
    Finished,
    Failed,
    Cancelled,
}

/// Show what a job wrote
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct LogsCommand {
    #[command(flatten)]
    pub(super) args: LogsArgs,
    #[command(flatten)]
    pub(super) global: Global,
}

/// What `xqute logs` was asked for.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct LogsArgs {
    /// The job's index or name
    #[arg(value_name = "JOB")]
    pub(in crate::cli) job: String,
    /// The run's directory [default: .xqute]
    #[arg(short, long, value_name = "DIR")]
    pub(in crate::cli) workdir: Option<Location>,
    /// What it wrote to standard error instead
    #[arg(long)]
    pub(in crate::cli) stderr: bool,
    /// Go on until the attempt has ended; wait for it if it has not started yet
    #[arg(short, long)]
    pub(in crate::cli) follow: bool,
    /// What this attempt wrote, from 1 [default: the latest]
    #[arg(long, value_name = "N")]
    pub(in crate::cli) attempt: Option<NonZeroU32>,
}

/// End jobs of a run that lives
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct KillCommand {
    #[command(flatten)]
    pub(super) args: KillArgs,
    #[command(flatten)]
    pub(super) global: Global,
}

/// What `xqute kill` was asked for.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = KILL_HELP)]
pub(in crate::cli) struct KillArgs {
    /// Indices or names of jobs; a name stands for all jobs that bear it
    #[arg(value_name = "JOB")]
    pub(in crate::cli) jobs: Vec<String>,
    /// The run's directory [default: .xqute]
    #[arg(short, long, value_name = "DIR")]
    pub(in crate::cli) workdir: Option<Location>,
    /// All jobs that were fed so far and are not over
    #[arg(long, conflicts_with = "jobs")]
    pub(in crate::cli) all: bool,
}

const KILL_HELP: &str = "\
Jobs that run get time to end by themselves; those that wait are never started. The exit
code is 1 when one of the jobs was over already.";
