//! The status of a run as one JSON object, version 1. Jobs are written one at a time, each on a line of its own. The keys
//! are listed in `xqute status --help`.

use std::{
    io::{self, Write},
    time::{Duration, UNIX_EPOCH},
};

use serde_json::{Value, json};
use xqute::{
    adapters::{jobfile::write, state::row::JobRow},
    model::record::{Timestamp, Usage},
};

use super::{Head, Life, name};
use crate::cli::args::live::ShownState;

/// The version of the format.
const VERSION: u32 = 1;

/// All that stands before the jobs.
pub(super) fn begin(head: &Head<'_>, to: &mut dyn Write) -> io::Result<()> {
    let (life, pid) = match head.life {
        Life::Live(pid) => ("live", pid),
        Life::Over => ("over", None),
        Life::Dead => ("dead", None),
    };
    let run = json!({
        "tag": head.run.tag, "workdir": head.at.workdir, "home": head.at.home, "scheduler": head.run.scheduler,
        "started": moment(head.run.started), "life": life, "pid": pid,
    });
    let tally = &head.tally;
    let counts = json!({
        "queued": tally.waiting, "submitted": tally.submitted, "running": tally.running,
        "finished": tally.succeeded, "failed": tally.failed, "cancelled": tally.cancelled,
    });
    write!(to, "{{\"xqute\":{VERSION},\"run\":{run},\"counts\":{counts},\"jobs\":[")
}

/// A job, and what stands between it and the one before.
pub(super) fn job(job: &JobRow, shown_state: ShownState, first: bool, to: &mut dyn Write) -> io::Result<()> {
    let cmd = serde_json::to_value(write::command(&job.spec.command))?;
    let usage = job.usage.map(
        |Usage {
             user,
             system,
             peak_memory,
         }| { json!({"user_ms": millis(user), "system_ms": millis(system), "peak_memory": peak_memory}) },
    );
    let record: Value = json!({
        "index": job.index, "name": job.spec.extras().name, "cmd": cmd, "state": name(shown_state),
        "attempt": job.attempt, "id": job.id.as_deref(), "fed": moment(job.fed),
        "started": job.started.map(moment), "ended": job.ended.map(moment),
        "outcome": job.outcome, "why": job.outcome.as_ref().map(ToString::to_string), "usage": usage,
    });
    let gap = if first { "\n" } else { ",\n" };
    write!(to, "{gap}{record}")
}

/// All that stands behind the jobs.
pub(super) fn end(to: &mut dyn Write) -> io::Result<()> {
    writeln!(to, "\n]}}")
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A moment as RFC 3339 has it, in UTC.
pub(super) fn moment(at: Timestamp) -> String {
    let since = Duration::from_micros(u64::try_from(at.0).unwrap_or(0));
    humantime::format_rfc3339_millis(UNIX_EPOCH + since).to_string()
}
