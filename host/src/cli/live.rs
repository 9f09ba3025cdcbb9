//! What the commands about a run that was started elsewhere have in common: reaching it, and finding its jobs.

use xqute::{
    JobIndex,
    adapters::{
        control::client::{Client, NotDone},
        objects::{Folder, Whereabouts, claim::Marker},
        state::{Reader, StateError, row::JobRow},
        workdir::dir::Owner,
    },
    model::path::{Location, ObjectPath},
};

use super::{
    error::{Failure, Result},
    exit::Exit,
    screen::printable,
    start,
};

/// What is asked of a run.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wish {
    Feed,
    Kill,
}

/// Connects to a run, for one question.
pub(super) fn connect(run: &Whereabouts, wish: Wish) -> Result<Client> {
    Client::connect(run).map_err(|error| not_done(error, run, wish))
}

/// What to say when a run did not do what it was asked for.
pub(super) fn not_done(error: NotDone, run: &Whereabouts, wish: Wish) -> Failure {
    let no_run = matches!(error, NotDone::NoRun { .. });
    let (failure, workdir) = (Failure::new(Exit::Workdir, error), &run.workdir);
    if !no_run {
        return failure;
    }
    let instead = match wish {
        Wish::Feed => format!("start one that can be fed with: xqute run --listen -w {workdir}"),
        Wish::Kill => format!("see what became of its jobs with: xqute status -w {workdir}"),
    };
    match Owner::of(&run.home) {
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

/// Opens the state of a run.
pub(super) fn open(run: &Whereabouts) -> Result<Reader> {
    Reader::open(&run.home).map_err(|error| match (&error, &run.workdir) {
        (StateError::NoRun { .. }, Location::Stored(place)) => not_here(place),
        _ => unreadable(error),
    })
}

/// What to say of a workdir in a store of which this machine has no state: its marker tells who has.
fn not_here(place: &ObjectPath) -> Failure {
    let look = async {
        let folder = Folder::open(place).await?;
        Marker::read(&folder).await
    };
    let found = start::with_runtime(|runtime| {
        let looked = runtime.block_on(look);
        looked.map_err(|error| Failure::new(Exit::Workdir, error))
    });
    let failure = |message| Failure::new(Exit::Workdir, anyhow::Error::msg(message));
    match found {
        Err(failure) => failure,
        Ok(None) => failure(format!("there is no run in `{place}`")).help("choose its workdir with -w"),
        Ok(Some(Marker { host, home, .. })) => failure(format!(
            "the state of the run in `{place}` is not on this machine, or not this user's: `{host}` has it, in `{home}`"
        ))
        .help("ask there; what its jobs left is in the workdir"),
    }
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
