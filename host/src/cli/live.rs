//! What the commands about a run that was started elsewhere have in common: reaching it, and finding its jobs.

use camino::Utf8Path;
use xqute::{
    JobIndex,
    adapters::{
        control::client::{Client, NotDone},
        state::{Reader, StateError, row::JobRow},
        workdir::dir::Owner,
    },
};

use super::{
    error::{Failure, Result},
    exit::Exit,
    screen::printable,
};

/// What is asked of a run.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wish {
    Feed,
    Kill,
}

/// Connects to the run in this workdir, for one question.
pub(super) fn connect(workdir: &Utf8Path, wish: Wish) -> Result<Client> {
    Client::connect(workdir).map_err(|error| not_done(error, workdir, wish))
}

/// What to say when a run did not do what it was asked for.
pub(super) fn not_done(error: NotDone, workdir: &Utf8Path, wish: Wish) -> Failure {
    let no_run = matches!(error, NotDone::NoRun { .. });
    let failure = Failure::new(Exit::Workdir, error);
    if !no_run {
        return failure;
    }
    let instead = match wish {
        Wish::Feed => format!("start one that can be fed with: xqute run --listen -w {workdir}"),
        Wish::Kill => format!("see what became of its jobs with: xqute status -w {workdir}"),
    };
    match Owner::of(workdir) {
        None => failure.help(format!("{instead}\nor name the folder of another one with -w DIR")),
        Some(owner) => {
            let process = owner.pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
            let message =
                format!("the run in the workdir `{workdir}`{process} lives, but it has no socket to be reached by");
            Failure::new(Exit::Workdir, anyhow::Error::msg(message))
                .help("xqute run -v says why it has none; a signal to that process stops the whole run")
        }
    }
}

/// Opens the state of the run in this workdir.
pub(super) fn open(workdir: &Utf8Path) -> Result<Reader> {
    Reader::open(workdir).map_err(unreadable)
}

/// What to say when that does not work.
pub(super) fn unreadable(error: StateError) -> Failure {
    Failure::new(Exit::Workdir, error)
}

/// The jobs that a word stands for: one by its index, or all that bear a name.
pub(super) fn find(reader: &Reader, word: &str) -> Result<Vec<JobRow>> {
    let row = |index| reader.job(index).map_err(unreadable);
    if let Ok(index) = word.parse()
        && let Some(row) = row(JobIndex(index))?
    {
        return Ok(vec![row]);
    }
    let mut rows = Vec::new();
    for index in reader.named(word).map_err(unreadable)? {
        rows.extend(row(index)?);
    }
    if rows.is_empty() {
        return Err(unknown(reader, word)?);
    }
    Ok(rows)
}

fn unknown(reader: &Reader, word: &str) -> Result<Failure> {
    let tally = reader.tally().map_err(unreadable)?;
    let failure = Failure::usage(format!("this run has no job `{}`", printable(word)));
    Ok(match tally.total().checked_sub(1) {
        None => failure.help("it has no jobs at all so far"),
        Some(0) => failure.help("its only job is 0; see xqute status"),
        Some(last) => failure.help(format!(
            "its jobs are 0 to {last}, and those that were given names; see xqute status"
        )),
    })
}
