//! The status of a run as people read it. What comes from jobs is shown so that it cannot steer a terminal.

use std::{
    io::{self, Write},
    time::Duration,
};

use xqute::{adapters::state::row::JobRow, model::record::Timestamp};

use super::{Head, Life, json::moment, name};
use crate::cli::{
    args::live::ShownState,
    screen::{Style, printable_line},
    summary::{one_line, short},
};

/// The run.
pub(super) fn head(head: &Head<'_>, to: &mut dyn Write) -> io::Result<()> {
    let life = match head.life {
        Life::Live(Some(pid)) => Style::Good.paint(&format!("live, process {pid}")),
        Life::Live(None) => Style::Good.paint("live"),
        Life::Over => Style::Strong.paint("over"),
        Life::Dead => Style::Error.paint("dead: its process is gone, but not all of its jobs are over"),
    };
    let run = &head.run;
    writeln!(
        to,
        "run {} in {}",
        printable_line(&run.tag),
        printable_line(&head.at.workdir.to_string())
    )?;
    writeln!(
        to,
        "scheduler {}, since {}, {life}",
        printable_line(&run.scheduler),
        moment(run.started)
    )?;
    let tally = &head.tally;
    let all = tally.total();
    let counts = [
        (tally.waiting, "queued"),
        (tally.submitted, "submitted"),
        (tally.running, "running"),
        (tally.succeeded, "finished"),
        (tally.failed, "failed"),
        (tally.cancelled, "cancelled"),
    ];
    let counts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let jobs = if all == 1 { "job" } else { "jobs" };
    match counts.is_empty() {
        true => writeln!(to, "no jobs so far"),
        false => writeln!(to, "{all} {jobs}: {}", counts.join(", ")),
    }
}

/// The titles above jobs.
pub(super) fn titles(to: &mut dyn Write) -> io::Result<()> {
    let titles = format!("{:>7}  {:<9}  {:>3}  {:>8}  COMMAND", "JOB", "STATE", "TRY", "TIME");
    writeln!(to, "{}", Style::Strong.paint(&titles))
}

/// A job.
pub(super) fn job(job: &JobRow, shown_state: ShownState, now: Timestamp, to: &mut dyn Write) -> io::Result<()> {
    let time = job.started.map(|started| {
        let micros = job.ended.unwrap_or(now).0.saturating_sub(started.0);
        short(Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
    });
    let label = match &job.spec.extras().name {
        Some(name) => format!("{}: ", printable_line(name)),
        None => String::new(),
    };
    writeln!(
        to,
        "{:>7}  {:<9}  {:>3}  {:>8}  {label}{}",
        job.index.0,
        name(shown_state),
        job.attempt.get(),
        time.as_deref().unwrap_or("-"),
        one_line(&job.spec.command.to_string())
    )?;
    match &job.outcome {
        Some(outcome) if shown_state != ShownState::Finished => {
            let ending = printable_line(&outcome.to_string());
            writeln!(to, "{:>7}  {}", "", Style::Dim.paint(&ending))
        }
        _ => Ok(()),
    }
}
