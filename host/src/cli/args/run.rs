//! The flags of `xqute run`.

use std::{ffi::OsString, num::NonZeroU32, path::PathBuf, time::Duration};

use camino::Utf8PathBuf;
use clap::ValueEnum;
use serde::{Deserialize, Deserializer, de::Error as _};
use xqute::model::{
    path::Location,
    settings::{ErrorStrategy, RetryCause, Wrapper},
};

use super::{Global, values};
use crate::cli::read::{self, OneOrMany};

const AFTER_HELP: &str = "\
Job files:
  A shell command line on each line; blank lines and lines that start with # are skipped. Files
  named *.jsonl hold an object on each line:
    {\"cmd\": [\"gzip\", \"a file\"], \"name\": \"pack\", \"timeout\": \"10m\"}
  with cmd (a list is an argv, a text is a shell line) and any of name, env, cwd, timeout,
  num_retries, opts, priority (higher ones start first; 0 is usual) and after (names or numbers of
  jobs that must succeed first; the first job is 0). From standard input both are understood.
  Everything is checked before the first job runs. Each job gets a directory in the workdir with
  its script, output, exit code and state.

Examples:
  xqute run jobs.txt                          as many jobs at once as there are cores
  xqute run -w out -j 2 -e halt a.txt b.txt   two at a time, all off at the first failure
  find . -name '*.log' | sed 's/^/gzip /' | xqute run -
  xqute run -- sh -c 'echo \"$XQUTE_JOB_INDEX\"'
  xqute run -s slurm -j 500 --opt partition=short jobs.txt
";

/// Run jobs and wait for them
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{AFTER_HELP}\n{}", crate::cli::exit::HELP))]
pub(in crate::cli) struct RunCommand {
    #[command(flatten)]
    pub(super) args: RunArgs,
    #[command(flatten)]
    pub(super) global: Global,
}

/// What `xqute run` was asked for.
#[derive(Clone, Debug, Default, clap::Args)]
pub(in crate::cli) struct RunArgs {
    /// Job files, also in stores (gs://, s3://, az://); - is standard input
    #[arg(value_name = "JOBFILE")]
    pub(in crate::cli) files: Vec<PathBuf>,
    /// One more job: a command and its arguments, passed on byte for byte
    #[arg(last = true, value_name = "COMMAND")]
    pub(in crate::cli) command: Vec<OsString>,
    #[command(flatten)]
    pub(in crate::cli) settings: RunSettings,
    /// Go on with the run in the workdir, if there is one: what is done stays done
    #[arg(long)]
    pub(in crate::cli) resume: bool,
    /// Go on with it, and run the jobs that failed once more
    #[arg(long)]
    pub(in crate::cli) resume_failed: bool,
    /// Remove what an earlier run left in the workdir
    #[arg(long, conflicts_with_all = ["resume", "resume_failed"])]
    pub(in crate::cli) overwrite: bool,
    /// Keep the run's state in this file, for a workdir on a disk that other machines share [default: run.db in the workdir]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) state: Option<Utf8PathBuf>,
    /// Print the scripts that jobs would get and the programs that would be started for them, and start none
    #[arg(long, conflicts_with_all = ["resume", "resume_failed", "overwrite", "listen", "events", "report", "record"])]
    pub(in crate::cli) dry_run: bool,
    /// Keep the run open for jobs that xqute feed gives it, until xqute feed --stop
    #[arg(long)]
    pub(in crate::cli) listen: bool,
    /// Write what happens to this file, a JSON object on each line
    #[arg(long, value_name = "FILE.jsonl")]
    pub(in crate::cli) events: Option<PathBuf>,
    /// Write a page about the run to this file, when it is over
    #[arg(long, value_name = "FILE.html")]
    pub(in crate::cli) report: Option<PathBuf>,
    /// Write all calls of a plugin to this new file, for xqute plugin test; may be repeated
    #[arg(long, value_name = "PLUGIN=FILE.jsonl", value_parser = recording)]
    pub(in crate::cli) record: Vec<(String, Utf8PathBuf)>,
}

/// `PLUGIN=FILE`.
fn recording(text: &str) -> Result<(String, Utf8PathBuf), String> {
    match text.split_once('=') {
        Some((plugin, file)) if !plugin.is_empty() && !file.is_empty() => Ok((plugin.to_owned(), file.into())),
        _ => Err("expected PLUGIN=FILE".to_owned()),
    }
}

/// What can be said on the command line as well as in `xqute.toml`, under the same names.
#[derive(Clone, Debug, Default, clap::Args, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(in crate::cli) struct RunSettings {
    /// What runs the jobs: local, or a plugin's name [default: local]
    #[arg(short, long, value_name = "NAME")]
    pub(in crate::cli) scheduler: Option<String>,
    /// The most jobs in flight at once [default: the number of cores]
    #[arg(short = 'j', long, value_name = "N", value_parser = values::forks, allow_negative_numbers = true)]
    #[serde(deserialize_with = "read::forks")]
    pub(in crate::cli) forks: Option<NonZeroU32>,
    /// The run's directory [default: .xqute]
    #[arg(short, long, value_name = "DIR")]
    pub(in crate::cli) workdir: Option<Location>,
    /// What happens when a job fails: the others go on, it is tried again, or everything stops [default: ignore]
    #[arg(short, long, value_name = "STRATEGY", value_enum)]
    pub(in crate::cli) error_strategy: Option<Strategy>,
    /// How often a failed job is tried again under the strategy retry [default: 3]
    #[arg(short = 'r', long, value_name = "N", allow_negative_numbers = true)]
    pub(in crate::cli) num_retries: Option<u32>,
    /// The pause before a failed job is tried again; it doubles each time [default: 0]
    #[arg(long, value_name = "DURATION", value_parser = values::pause)]
    #[serde(deserialize_with = "read::pause")]
    pub(in crate::cli) retry_delay: Option<Duration>,
    /// The longest such pause [default: 10m]
    #[arg(long, value_name = "DURATION", value_parser = values::pause)]
    #[serde(deserialize_with = "read::pause")]
    pub(in crate::cli) retry_max_delay: Option<Duration>,
    /// Try again only after these failures: exit codes, timed-out, signal, out-of-memory, preempted, node-failure,
    /// never-started, lost, submission-failed, other; may be repeated
    #[arg(long, value_name = "CAUSES", value_delimiter = ',', value_parser = values::retry_cause)]
    #[serde(deserialize_with = "read::retry_on")]
    pub(in crate::cli) retry_on: Vec<RetryCause>,
    /// Stop when this many jobs have failed [default: never]
    #[arg(long, value_name = "N", value_parser = values::failures, allow_negative_numbers = true)]
    #[serde(deserialize_with = "read::failures")]
    pub(in crate::cli) max_failures: Option<NonZeroU32>,
    /// The most jobs handed to the scheduler in one call [default: what it prefers, or 8]
    #[arg(long, value_name = "N", value_parser = values::forks, allow_negative_numbers = true)]
    #[serde(deserialize_with = "read::forks")]
    pub(in crate::cli) submission_batch: Option<NonZeroU32>,
    /// How long a job may run, such as 90 (seconds), 20m or 1h30m
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    #[serde(deserialize_with = "read::duration")]
    pub(in crate::cli) timeout: Option<Duration>,
    /// Where jobs start [default: here]
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) cwd: Option<Utf8PathBuf>,
    /// An environment variable for all jobs; may be repeated
    #[arg(long, value_name = "K=V", value_parser = values::env)]
    #[serde(deserialize_with = "read::env")]
    pub(in crate::cli) env: Vec<(String, String)>,
    /// An option for the scheduler; may be repeated, also with the same name
    #[arg(long, value_name = "K=V", value_parser = values::option)]
    #[serde(deserialize_with = "read::options")]
    pub(in crate::cli) opt: Vec<(String, String)>,
    /// Bash that runs before each job's command
    #[arg(long, value_name = "BASH")]
    pub(in crate::cli) prescript: Option<String>,
    /// Bash that runs after each job's command
    #[arg(long, value_name = "BASH")]
    pub(in crate::cli) postscript: Option<String>,
    /// What job names start with [default: the scheduler's name]
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) jobname_prefix: Option<String>,
    /// The longest pause between two questions about jobs in flight [default: 5s]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    #[serde(deserialize_with = "read::duration")]
    pub(in crate::cli) recheck_interval: Option<Duration>,
    /// Whether local jobs run by a script always, or only where something needs one [default: auto]
    #[arg(long, value_enum, value_name = "WHEN")]
    pub(in crate::cli) wrapper: Option<WrapperMode>,
    /// The bash that runs job scripts, and its arguments [default: /bin/bash]
    #[arg(long, value_name = "WORDS", value_parser = shell)]
    #[serde(deserialize_with = "shell_value")]
    pub(in crate::cli) wrapper_shell: Option<Shell>,
    /// How progress is shown; auto: a bar on a terminal, plain lines elsewhere [default: auto]
    #[arg(long, value_enum, value_name = "HOW")]
    pub(in crate::cli) progress: Option<ProgressMode>,
}

/// A shell and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Shell(pub(in crate::cli) Vec<String>);

fn shell(text: &str) -> Result<Shell, String> {
    values::shell_words(text).map(Shell)
}

/// Words as one would type them, or a list of them.
fn shell_value<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Shell>, D::Error> {
    let OneOrMany(words) = OneOrMany::deserialize(from)?;
    match words.as_slice() {
        [] => Err(D::Error::custom("expected a program and its arguments")),
        [line] => shell(line).map(Some).map_err(D::Error::custom),
        _ => Ok(Some(Shell(words))),
    }
}

/// What happens when a job fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum Strategy {
    Ignore,
    Retry,
    Halt,
}

impl From<Strategy> for ErrorStrategy {
    fn from(strategy: Strategy) -> Self {
        match strategy {
            Strategy::Ignore => Self::Ignore,
            Strategy::Retry => Self::Retry,
            Strategy::Halt => Self::Halt,
        }
    }
}

/// Whether local jobs run by a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum WrapperMode {
    Auto,
    Always,
}

impl From<WrapperMode> for Wrapper {
    fn from(mode: WrapperMode) -> Self {
        match mode {
            WrapperMode::Auto => Self::Auto,
            WrapperMode::Always => Self::Always,
        }
    }
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum ProgressMode {
    // A bar on a terminal, plain lines elsewhere.
    #[default]
    Auto,
    Bar,
    // A line now and then.
    Plain,
    None,
}

#[cfg(test)]
mod tests;
