//! What a line looks like. Pure: entries in, bytes out. The module above describes the format.

use std::{
    io,
    time::{Duration, UNIX_EPOCH},
};

use bstr::{BStr, ByteSlice};
#[cfg(test)]
use serde::Deserialize;
use serde::Serialize;

use crate::{
    adapters::state::row::RunRow,
    model::{
        job::{Command, JobIndex, JobSpec},
        outcome::{CancelReason, FailureCause, Outcome, StopCause},
        record::{Change, Entry, Origin, Timestamp, Usage},
    },
};

/// The version of the format.
pub const VERSION: u32 = 1;

/// What the first line of every file starts with, before the version.
pub(super) const MARK: &str = "{\"xqute-events\":";

/// How a run ended, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Jobs that were accepted.
    pub fed: u64,
    /// Jobs that succeeded.
    pub succeeded: u64,
    /// Jobs that failed.
    pub failed: u64,
    /// Jobs that were cancelled.
    pub cancelled: u64,
    /// Attempts made beyond the first ones.
    pub retries: u64,
    /// Why the run was stopped before its jobs were done, if it was.
    pub stopped: Option<StopCause>,
}

/// Adds the line with which a run starts, or goes on after it was resumed.
pub(super) fn head(to: &mut Vec<u8>, run: &RunRow, at: Timestamp) -> io::Result<()> {
    add(
        to,
        &Head {
            version: VERSION,
            at: time(at),
            run: &run.tag,
            scheduler: &run.scheduler,
            workdir: &run.workdir,
        },
    )
}

/// Adds the line for an entry. A job without a name of its own is called after the prefix and its index.
pub(super) fn entry(to: &mut Vec<u8>, entry: &Entry, prefix: &str) -> io::Result<()> {
    let what = match &entry.change {
        Change::Fed { spec, origin } => fed(entry.job, spec, *origin, prefix),
        Change::Submitted { attempt, id } => What::Submitted {
            attempt: attempt.get(),
            id: id.to_string(),
        },
        Change::Started { attempt } => What::Started { attempt: attempt.get() },
        Change::Ended {
            attempt,
            outcome,
            will_retry,
            usage,
        } => What::Ended {
            attempt: attempt.get(),
            end: End::of(outcome),
            will_retry: *will_retry,
            usage: usage.map(Used::of),
        },
    };
    let line = Line {
        at: time(entry.at),
        job: entry.job.0,
        what,
    };
    add(to, &line)
}

/// Adds the line with which a run ends.
pub(super) fn over(to: &mut Vec<u8>, totals: &Totals, at: Timestamp) -> io::Result<()> {
    let line = Over {
        at: time(at),
        event: "over",
        fed: totals.fed,
        succeeded: totals.succeeded,
        failed: totals.failed,
        cancelled: totals.cancelled,
        retries: totals.retries,
        stopped: totals.stopped.map(StopCause::word),
        signal: totals.stopped.and_then(StopCause::signal),
    };
    add(to, &line)
}

fn add(to: &mut Vec<u8>, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *to, line)?;
    to.push(b'\n');
    Ok(())
}

/// RFC 3339 has years from 0 to 9999; nobody runs jobs before 1970.
fn time(at: Timestamp) -> String {
    const LAST: i64 = 253_402_300_799_999_999;
    let micros = u64::try_from(at.0.clamp(0, LAST)).unwrap_or_default();
    humantime::format_rfc3339_micros(UNIX_EPOCH + Duration::from_micros(micros)).to_string()
}

#[derive(Debug, Serialize)]
struct Head<'a> {
    #[serde(rename = "xqute-events")]
    version: u32,
    at: String,
    run: &'a str,
    scheduler: &'a str,
    workdir: &'a str,
}

#[derive(Debug, Serialize)]
struct Over {
    at: String,
    event: &'static str,
    fed: u64,
    succeeded: u64,
    failed: u64,
    cancelled: u64,
    retries: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<i32>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(Deserialize))]
pub(super) struct Line {
    pub(super) at: String,
    pub(super) job: u32,
    #[serde(flatten)]
    pub(super) what: What,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(Deserialize))]
#[serde(tag = "event", rename_all = "lowercase")]
pub(super) enum What {
    Fed {
        name: String,
        cmd: Cmd,
        #[serde(skip_serializing_if = "Option::is_none")]
        cmd_bytes: Option<Vec<Vec<u8>>>,
        origin: From,
    },
    Submitted {
        attempt: u32,
        id: String,
    },
    Started {
        attempt: u32,
    },
    Ended {
        attempt: u32,
        #[serde(flatten)]
        end: End,
        will_retry: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        usage: Option<Used>,
    },
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(Deserialize))]
#[serde(untagged)]
pub(super) enum Cmd {
    Shell(String),
    Argv(Vec<String>),
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(Deserialize))]
#[serde(rename_all = "lowercase")]
pub(super) enum From {
    Given,
    Fed,
}

fn fed(job: JobIndex, spec: &JobSpec, origin: Origin, prefix: &str) -> What {
    let parts: Vec<&BStr> = match &spec.command {
        Command::Shell(line) => vec![line.as_bstr()],
        Command::Argv(args) => args.iter().map(|arg| arg.as_bstr()).collect(),
    };
    let odd = parts.iter().any(|part| part.to_str().is_err());
    What::Fed {
        name: spec.extras().name.clone().unwrap_or_else(|| format!("{prefix}-{job}")),
        cmd: match &spec.command {
            Command::Shell(line) => Cmd::Shell(line.to_str_lossy().into_owned()),
            Command::Argv(args) => Cmd::Argv(args.iter().map(|arg| arg.to_str_lossy().into_owned()).collect()),
        },
        cmd_bytes: odd.then(|| parts.iter().map(|part| part.to_vec()).collect()),
        origin: match origin {
            Origin::Given => From::Given,
            Origin::Fed => From::Fed,
        },
    }
}

/// How an attempt ended, spread over a line.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(Deserialize))]
pub(super) struct End {
    pub(super) outcome: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<Detail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) plugin: Option<String>,
}

/// What belongs to a cause.
#[derive(Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(Deserialize))]
#[serde(untagged)]
pub(super) enum Detail {
    Number(i64),
    Words(String),
}

impl End {
    fn of(outcome: &Outcome) -> Self {
        let (cause, detail, plugin) = match outcome {
            Outcome::Succeeded => (None, None, None),
            Outcome::Failed(cause) => (Some(cause.word()), of_failure(cause), None),
            Outcome::Cancelled(reason) => {
                let (detail, plugin) = of_cancel(reason);
                (Some(reason.word()), detail, plugin)
            }
        };
        Self {
            outcome: match outcome {
                Outcome::Succeeded => "succeeded",
                Outcome::Failed(_) => "failed",
                Outcome::Cancelled(_) => "cancelled",
            }
            .to_owned(),
            cause: cause.map(str::to_owned),
            detail,
            plugin,
        }
    }
}

fn of_failure(cause: &FailureCause) -> Option<Detail> {
    match cause {
        FailureCause::ExitCode(number) | FailureCause::Signal(number) => Some(Detail::Number((*number).into())),
        FailureCause::NeverStarted(why) | FailureCause::SubmissionFailed(why) | FailureCause::Other(why) => {
            Some(Detail::Words(why.clone()))
        }
        FailureCause::TimedOut
        | FailureCause::OutOfMemory
        | FailureCause::Preempted
        | FailureCause::NodeFailure
        | FailureCause::Lost => None,
    }
}

fn of_cancel(reason: &CancelReason) -> (Option<Detail>, Option<String>) {
    match reason {
        CancelReason::Vetoed { plugin, reason } => (Some(Detail::Words(reason.clone())), Some(plugin.clone())),
        CancelReason::Dependency(job) => (Some(Detail::Number(job.0.into())), None),
        CancelReason::Signalled(signal) => (Some(Detail::Number((*signal).into())), None),
        CancelReason::Requested
        | CancelReason::Halted
        | CancelReason::TooManyFailures
        | CancelReason::PluginFailed
        | CancelReason::WorkdirGone
        | CancelReason::InBackend => (None, None),
    }
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(Deserialize))]
pub(super) struct Used {
    pub(super) user_seconds: f64,
    pub(super) system_seconds: f64,
    pub(super) peak_memory_bytes: u64,
}

impl Used {
    fn of(usage: Usage) -> Self {
        Self {
            user_seconds: usage.user.as_secs_f64(),
            system_seconds: usage.system.as_secs_f64(),
            peak_memory_bytes: usage.peak_memory,
        }
    }
}
