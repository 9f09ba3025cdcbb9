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
//! - [`stores`]: the same jobs with workdirs in object stores;
//! - [`measure`], [`table`], [`place`]: how it is done.

use std::ffi::OsStr;

use anyhow::{Result, bail};

use self::place::Place;
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
mod stores;
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

type Measure = fn(&Place, Effort) -> Result<()>;

/// What can be measured by itself, in the order in which it is.
const SUBJECTS: [(&str, Measure); 7] = [
    ("throughput", throughput::run),
    ("disk", |place, _| disk::run(place)),
    ("slow", slow::observer),
    ("scale", scale::run),
    ("startup", startup::run),
    ("backends", backends::run),
    ("stores", stores::run),
];

/// Builds, measures, prints.
pub(crate) fn run(args: &[&str]) -> Result<()> {
    let (backends, rest) = Backends::from(args);
    let (quick, wanted): (Vec<&str>, Vec<&str>) = rest.iter().partition(|arg| **arg == "--quick");
    let effort = if quick.is_empty() { FULL } else { QUICK };
    if let Some(unknown) = wanted
        .iter()
        .find(|name| SUBJECTS.iter().all(|(known, _)| known != *name))
    {
        let known = SUBJECTS.map(|(name, _)| name).join(", ");
        bail!("`cargo xtask bench` takes --quick, --services and any of {known}, not `{unknown}`");
    }
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
    let place = Place::make(&project)?;
    for (name, measure) in SUBJECTS {
        if wanted.is_empty() || wanted.contains(&name) {
            measure(&place, effort)?;
        }
    }
    println!("\nMedians of alternating runs; ratios and differences are medians of those within one round.");
    place.clear()
}
