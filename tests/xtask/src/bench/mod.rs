//! `cargo xtask bench`: figures, each measured beside its yardstick in the same run, and the target beside each. Targets are
//! not tests: a machine that is busy with something else misses them. Something that does not run is an error.
//!
//! - [`throughput`]: many small jobs on this machine, direct, with scripts, with plugins; [`yardstick`] and [`others`]: what
//!   that is compared with;
//! - [`disk`]: what a job leaves on disk;
//! - [`scale`]: very many jobs, and how soon an outcome is recorded;
//! - [`slow`]: an observer that takes its time;
//! - [`startup`]: one small job;
//! - [`backends`]: many small jobs on real backends;
//! - [`measure`], [`table`], [`place`]: how it is done.

use std::ffi::OsStr;

use anyhow::{Result, bail};

use crate::{
    build, languages,
    program::become_it,
    project::Project,
    test::{Backends, with_backends},
};

mod backends;
mod disk;
pub(crate) mod measure;
mod others;
mod place;
mod scale;
mod slow;
mod startup;
mod table;
mod throughput;
pub(crate) mod yardstick;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
struct Effort {
    /// Jobs of a run.
    jobs: usize,
    /// How often each side runs.
    rounds: usize,
    /// How often each side runs that takes only milliseconds.
    short_rounds: usize,
    /// Jobs of a very big run.
    many: u32,
    /// How often each side runs on a backend.
    backend_rounds: usize,
    /// Whether there is time for many jobs on a backend.
    full: bool,
}

const FULL: Effort = Effort {
    jobs: 2000,
    rounds: 5,
    short_rounds: 31,
    many: 1_000_000,
    backend_rounds: 3,
    full: true,
};

const QUICK: Effort = Effort {
    jobs: 400,
    rounds: 3,
    short_rounds: 9,
    many: 100_000,
    backend_rounds: 1,
    full: false,
};

/// Builds, measures, prints.
pub(crate) fn run(args: &[&str]) -> Result<()> {
    let (backends, rest) = Backends::from(args);
    let effort = match *rest {
        [] => FULL,
        ["--quick"] => QUICK,
        _ => bail!(
            "`cargo xtask bench` takes --quick and --services, not `{}`",
            rest.join(" ")
        ),
    };
    let project = Project::find()?;
    if backends == Backends::Started {
        languages::install(&project)?;
        // It comes back to here with their environment.
        let own = std::env::current_exe()?;
        let args = [OsStr::new("bench")].into_iter().chain(rest.iter().map(OsStr::new));
        return Err(become_it(with_backends(&project, own.as_os_str()).args(args)));
    }
    build::all()?;
    languages::all()?;
    let place = place::Place::make(&project)?;
    throughput::direct(&place, effort)?;
    throughput::against_bare_loop(&place, effort)?;
    disk::run(&place)?;
    throughput::with_plugins(&place, effort)?;
    slow::observer(&place, effort)?;
    scale::run(&project, &place, effort)?;
    startup::run(&place, effort)?;
    backends::run(&place, effort)?;
    println!("\nMedians of alternating runs; ratios and differences are medians of those within one round.");
    place.clear()
}
