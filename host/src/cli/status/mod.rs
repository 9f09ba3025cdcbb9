//! `xqute status`: where a run and its jobs stand, while it lives, when it is over, or dead. Only reads.
//!
//! - this file: what is looked at, and which jobs are shown;
//! - [`table`]: for people;
//! - [`json`]: for programs.

use std::{
    io::{self, Write},
    ops::ControlFlow,
};

use camino::Utf8Path;
use xqute::{
    Outcome,
    adapters::{
        clock::Clock,
        objects::Whereabouts,
        state::{
            Reader,
            row::{JobRow, RunRow, Tally},
        },
        workdir::{dir::Owner, output},
    },
    model::{record::Timestamp, state::State},
};

use super::{
    args::live::{ShownState, StatusArgs},
    error::Result,
    exit::Exit,
    live, out,
};

mod json;
mod table;

/// How many jobs of a kind the table shows when nobody asked for all of them.
const SHOWN: u64 = 20;

/// The run itself.
struct Head<'a> {
    run: RunRow,
    at: &'a Whereabouts,
    life: Life,
    tally: Tally,
    now: Timestamp,
}

/// Whether there is a process that carries the run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// There is, with this number if it said so.
    Live(Option<u32>),
    /// There is none, and none is needed.
    Over,
    /// There is none, though jobs are not over.
    Dead,
}

impl Life {
    fn new(owner: Option<Owner>, tally: &Tally) -> Self {
        match owner {
            Some(owner) => Self::Live(owner.pid),
            None if tally.open() == 0 => Self::Over,
            None => Self::Dead,
        }
    }
}

/// Shows it.
pub(super) fn status(args: &StatusArgs, at: &Whereabouts) -> Result<Exit> {
    let reader = live::open(at)?;
    let run = reader.run().map_err(live::unreadable)?;
    let owner = Owner::of(&at.home);
    let tally = reader.tally().map_err(live::unreadable)?;
    let head = Head {
        run,
        at,
        life: Life::new(owner, &tally),
        tally,
        now: Clock::start().timestamp(),
    };
    let stdout = anstream::stdout();
    let mut to = io::BufWriter::with_capacity(64 << 10, stdout);
    let shown = match (args.json, args.state) {
        (true, state) => show_json(&reader, &head, state, &mut to)?,
        (false, Some(state)) => show_all(&reader, &head, state, &mut to)?,
        (false, None) => show_page(&reader, &head, &mut to)?,
    };
    out::done(shown.and_then(|()| to.flush()))?;
    Ok(Exit::Success)
}

/// Walks over the jobs that stand like this, and hands out one at a time: there may be millions.
fn each(
    reader: &Reader,
    workdir: &Utf8Path,
    wanted: Option<ShownState>,
    mut visit: impl FnMut(&JobRow, ShownState) -> io::Result<()>,
) -> Result<io::Result<()>> {
    let mut shown = Ok(());
    let walk = reader.each_job(wanted.and_then(recorded), |job| {
        let shown_state = shown_state(workdir, &job);
        if wanted.is_none_or(|wanted| wanted == shown_state) {
            shown = visit(&job, shown_state);
        }
        match shown {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    });
    walk.map_err(live::unreadable)?;
    Ok(shown)
}

/// The state that is recorded of jobs that stand like this, if there is one.
fn recorded(shown_state: ShownState) -> Option<State> {
    Some(match shown_state {
        ShownState::Init => State::Init,
        ShownState::Queued => State::Queued,
        ShownState::Submitted => State::Submitted,
        ShownState::Running => State::Running,
        ShownState::Finished => State::Finished,
        ShownState::Failed | ShownState::Cancelled => State::Failed,
        ShownState::Killing => return None,
    })
}

/// That a job is being killed is not recorded: its directory says it.
fn shown_state(workdir: &Utf8Path, job: &JobRow) -> ShownState {
    let killing = || output::shown_state(workdir, job.index) == Some(State::Killing);
    match job.state {
        State::Finished => ShownState::Finished,
        State::Failed if matches!(job.outcome, Some(Outcome::Cancelled(_))) => ShownState::Cancelled,
        State::Failed => ShownState::Failed,
        State::Init => ShownState::Init,
        State::Queued => ShownState::Queued,
        State::Submitted | State::Running | State::Killing if killing() => ShownState::Killing,
        State::Submitted => ShownState::Submitted,
        State::Running | State::Killing => ShownState::Running,
    }
}

fn name(shown_state: ShownState) -> &'static str {
    match shown_state {
        ShownState::Init => "init",
        ShownState::Queued => "queued",
        ShownState::Submitted => "submitted",
        ShownState::Running => "running",
        ShownState::Killing => "killing",
        ShownState::Finished => "finished",
        ShownState::Failed => "failed",
        ShownState::Cancelled => "cancelled",
    }
}

fn show_json(
    reader: &Reader,
    head: &Head<'_>,
    state: Option<ShownState>,
    to: &mut impl Write,
) -> Result<io::Result<()>> {
    let begun = json::begin(head, to);
    let mut first = true;
    let shown = match begun {
        Ok(()) => each(reader, &head.at.home, state, |job, shown_state| {
            json::job(job, shown_state, std::mem::take(&mut first), to)
        })?,
        failed => failed,
    };
    Ok(shown.and_then(|()| json::end(to)))
}

fn show_all(reader: &Reader, head: &Head<'_>, state: ShownState, to: &mut impl Write) -> Result<io::Result<()>> {
    let mut any = false;
    each(reader, &head.at.home, Some(state), |job, shown_state| {
        if !std::mem::replace(&mut any, true) {
            table::titles(to)?;
        }
        table::job(job, shown_state, head.now, to)
    })
}

/// The run, its jobs in flight, and those that did not succeed; not all of them, if there are many.
fn show_page(reader: &Reader, head: &Head<'_>, to: &mut impl Write) -> Result<io::Result<()>> {
    let Tally {
        submitted,
        running,
        failed,
        cancelled,
        ..
    } = head.tally;
    let mut kinds = [Kind::new(submitted + running), Kind::new(failed + cancelled)];
    if kinds.iter().any(|kind| kind.all > 0) {
        let [flying, bad] = &mut kinds;
        let walk = reader.each_job(None, |job| {
            match (job.state, &job.outcome) {
                (State::Submitted | State::Running | State::Killing, _) => flying.take(job),
                (_, Some(Outcome::Failed(_) | Outcome::Cancelled(_))) => bad.take(job),
                _ => {}
            }
            match flying.is_full() && bad.is_full() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        walk.map_err(live::unreadable)?;
    }
    let [flying, bad] = kinds;
    let page = |to: &mut dyn Write| {
        table::head(head, to)?;
        for (kind, more) in [
            (flying, "in flight, see --state running"),
            (bad, "that did not succeed, see --state failed and --state cancelled"),
        ] {
            if kind.jobs.is_empty() {
                continue;
            }
            writeln!(to)?;
            table::titles(to)?;
            for job in &kind.jobs {
                table::job(job, shown_state(&head.at.home, job), head.now, to)?;
            }
            let left = kind.all.saturating_sub(kind.jobs.len() as u64);
            if left > 0 {
                writeln!(to, "{left} more {more}")?;
            }
        }
        Ok(())
    };
    Ok(page(to))
}

/// The first jobs of a kind.
struct Kind {
    jobs: Vec<JobRow>,
    /// How many there are.
    all: u64,
}

impl Kind {
    fn new(all: u64) -> Self {
        Self { jobs: Vec::new(), all }
    }

    fn take(&mut self, job: JobRow) {
        if !self.is_full() {
            self.jobs.push(job);
        }
    }

    fn is_full(&self) -> bool {
        self.jobs.len() as u64 >= self.all.min(SHOWN)
    }
}

#[cfg(test)]
mod tests;
