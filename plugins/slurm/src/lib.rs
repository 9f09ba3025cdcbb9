//! Runs jobs on Slurm, through its clients: above all `sbatch`, `squeue` and `scancel`.
//!
//! This file is the plugin. What it does step by step:
//! - `check` asks Slurm about the run's options before the first job, which `options` has looked at with the `table` of all
//!   that `sbatch` understands;
//! - `handover` submits: `submit` for one job, `array` for many that are alike, each with the `identity` by which it is
//!   found again by `find`;
//! - `watch` asks: `poll` reads `squeue`, `accounting` reads `sacct`, `state` says what it means, `memory` and `waiting` see
//!   what Slurm does not say aloud;
//! - `cancel` cancels.
//!
//! `check`, `handover` and `watch` start programs and keep `notes`; all else are pure functions. `id` is how Slurm calls jobs,
//! `trouble` judges failed calls. `fixtures/` holds what a real Slurm answered.

mod accounting;
mod array;
mod cancel;
mod check;
mod find;
mod handover;
mod id;
mod identity;
mod memory;
mod notes;
mod options;
mod poll;
mod state;
mod submit;
mod table;
mod trouble;
mod waiting;
mod watch;

use std::time::Duration;

use xqute_plugin::Limits;
use xqute_plugin::prelude::*;

/// The plugin.
#[derive(Debug)]
pub struct Slurm;

#[export]
impl Plugin for Slurm {
    fn about(about: About) -> About {
        // A client waits up to a minute for a controller that does not answer, and a call may submit several jobs.
        let limits = Limits {
            memory_mib: None,
            call_ms: Some(300_000),
            instances: None,
        };
        let about = about
            .runs([
                "sbatch",
                "squeue --me ...",
                "scancel",
                "sinfo --all --noheader --format=%t",
            ])
            // Arguments with a comma in them can only be matched by `*`.
            .runs([
                "sacct -nPX --format=* --jobs=*",
                &format!("grep -lsE {} -- ...", memory::WORDS),
            ])
            .limits(limits)
            .jobs_per_submit(array::LARGEST_SPAN)
            .carries_jobs()
            .polled_at_most_every(Duration::from_secs(1));
        options::describe(about)
    }
}

#[export]
impl Scheduler for Slurm {
    fn open(options: &[(String, String)], run: &RunInfo) -> Result<(), Error> {
        check::open(options, run)
    }

    fn wrap(jobs: &[Job]) -> Vec<Result<Wrapping, Error>> {
        let run = run::info().tag;
        jobs.iter()
            .map(|job| {
                Ok(Wrapping {
                    shebang: None,
                    directives: submit::directives(job, &run)?,
                })
            })
            .collect()
    }

    fn submit(jobs: &[Job]) -> Vec<Result<String, Error>> {
        handover::submit(jobs)
    }

    fn poll(jobs: &[JobRef]) -> Result<Vec<Observation>, Error> {
        watch::poll(jobs)
    }

    fn cancel(jobs: &[JobRef]) -> Vec<Result<(), Error>> {
        let Some(argv) = cancel::argv(jobs) else {
            return jobs.iter().map(|_| Ok(())).collect();
        };
        match process::run("scancel", argv) {
            Ok(output) => cancel::answer(jobs, &output),
            Err(error) => jobs.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    fn find(run_tag: &str) -> Result<Vec<JobRef>, Error> {
        let found = find::answer(run_tag, &process::run("squeue", find::argv())?)?;
        notes::Adopted::note(run_tag, &found)?;
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xqute_plugin::testing::Host;

    #[test]
    fn nothing_to_do_needs_no_program() {
        let host = Host::new();
        assert_eq!(Slurm::submit(&[]), []);
        assert_eq!(Slurm::poll(&[]).unwrap(), []);
        assert_eq!(Slurm::cancel(&[]), []);
        assert!(host.calls().is_empty());
    }

    #[test]
    fn bad_options_are_found_before_the_first_job() {
        let host = Host::new();
        let run = xqute_plugin::run::info();
        let error = Slurm::open(&[("array".to_owned(), "1-4".to_owned())], &run).unwrap_err();
        let expected = "`array` cannot be given for slurm: feed one job for each task of the array";
        assert_eq!(error.message(), expected);
        assert!(host.calls().is_empty());
    }

    #[test]
    fn what_was_found_is_known_to_be_adopted() {
        let host = Host::new();
        host.on_program("squeue", |_| Host::prints(include_str!("../fixtures/find.stdout")));
        let tag = "5f0c2a9be1d40713";
        assert_eq!(Slurm::find(tag).unwrap().len(), 5);
        let adopted = notes::Adopted::read(tag);
        let may_lack = |id| adopted.may_lack(id::Id::read(id).unwrap());
        assert_eq!(
            ["70_3", "70_5", "69_1", "71_0"].map(may_lack),
            [false, true, true, false]
        );
    }
}
