//! Removes containers that have ended. `--rm` would do it, and would take with it how they ended. A whole batch is removed by
//! one process, when the host tells that its jobs are over, and the rest at the end of the run.

use std::cell::RefCell;

use xqute_plugin::{JobFact, log, process, run};

use crate::{
    end,
    list::{self, Status},
    name,
    notes::{self, Note},
};

/// How many containers are removed at once.
const BATCH: usize = 20;

thread_local! {
    /// Containers whose jobs are over. Losing them loses little: the end of the run removes all that have ended.
    static OVER: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// A job is over, as far as this attempt goes.
pub(crate) fn over(job: &JobFact) {
    let run = run::info().tag;
    let Some(note) = note(&run) else { return };
    let mut names = OVER.take();
    names.push(name::of(&run, job.job, job.attempt));
    if names.len() >= BATCH {
        // Not by force: a container may still be at the last lines of its script.
        let removed = process::run(note.engine.program(), end::remove_argv(note.engine, &names));
        let removed = removed
            .map(|output| output.stdout_text().into_owned())
            .unwrap_or_default();
        names.retain(|name| !removed.lines().any(|line| line.trim() == name));
    }
    OVER.replace(names);
}

/// The run is over: removes everything that has ended, also what a host that crashed could not remove.
pub(crate) fn remove_all() {
    let run = run::info().tag;
    let over = OVER.take();
    if let Some(Note { engine, .. }) = note(&run) {
        let listed = process::run(engine.program(), list::argv(&run));
        match listed.and_then(|output| list::read(engine, &run, &output)) {
            Ok(containers) => {
                // A container that runs, and of which nobody said that it is over, is for `--resume`.
                let is_over = |(name, status): &(&String, &Status)| **status != Status::Running || over.contains(name);
                let names: Vec<_> = containers
                    .iter()
                    .filter(is_over)
                    .map(|(name, _)| name.clone())
                    .collect();
                for names in names.chunks(500) {
                    if let Err(error) = process::run(engine.program(), end::destroy_argv(engine, names)) {
                        log::warn!("containers are left behind: {}", error.message());
                    }
                }
            }
            Err(error) => log::warn!("containers are left behind: {}", error.message()),
        }
    }
    notes::forget(&run);
}

/// None if there is nothing to remove.
fn note(run: &str) -> Option<Note> {
    Note::of(run).filter(|note| note.engine.keeps_containers() && note.remove)
}
