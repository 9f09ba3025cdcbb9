//! Runs jobs on Slurm, through its clients `sbatch`, `squeue` and `scancel`.
//!
//! This file is the plugin: it starts programs and hands what they print to pure functions. Those live one step each in
//! `submit`, `poll`, `cancel` and `find`; `options` checks what users ask for against the `table` of sbatch's options,
//! `identity` is the word by which an attempt is found again, `trouble` judges failed calls. `fixtures/` holds what a
//! real Slurm answered.

mod cancel;
mod find;
mod identity;
mod options;
mod poll;
mod submit;
mod table;
mod trouble;

use submit::Answer;
use xqute_plugin::prelude::*;
use xqute_plugin::{Limits, Output};

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
        options::describe(about.runs(["sbatch", "squeue", "scancel"]).limits(limits))
    }
}

#[export]
impl Scheduler for Slurm {
    fn open(options: &[(String, String)], _run: &RunInfo) -> Result<(), Error> {
        options::arguments(options).map(drop)
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
        let run = run::info().tag;
        let mut patience: Option<Error> = None;
        let mut results = Vec::with_capacity(jobs.len());
        for job in jobs {
            // Once Slurm asks for patience the rest of the list need not wait for the same answer.
            let result = patience.clone().map_or_else(|| submit_one(job, &run), Err);
            if let Err(error @ (Error::Unavailable(_) | Error::RateLimited(_))) = &result {
                patience = Some(error.clone());
            }
            results.push(result);
        }
        results
    }

    fn poll(jobs: &[JobRef]) -> Result<Vec<Observation>, Error> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        poll::answer(jobs, &process::run("squeue", poll::argv(jobs))?)
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
        find::answer(run_tag, &process::run("squeue", find::argv())?)
    }
}

/// Submits one attempt, once. Slurm itself would take the same attempt twice, so a note is kept while the answer of
/// `sbatch` is out: when it is still there the next time, the answer was lost, and Slurm is searched for the attempt first.
fn submit_one(job: &Job, run: &str) -> Result<String, Error> {
    let argv = submit::argv(job, run)?;
    let note = format!("submitting/{run}/{}/{}", job.index, job.attempt);
    if kv::get(&note).is_some() {
        let is_it = |found: &JobRef| found.index == job.index && found.attempt == job.attempt;
        if let Some(found) = Slurm::find(run)?.into_iter().find(is_it) {
            log::info!("job {} was submitted before, as {}", job.index, found.backend_id);
            kv::remove(&note);
            return Ok(found.backend_id);
        }
    }
    kv::set(&note, "")?;
    let answer = process::run("sbatch", argv).map(|output: Output| submit::answer(&output));
    if !matches!(answer, Ok(Answer::InDoubt(_))) {
        kv::remove(&note);
    }
    match answer? {
        Answer::Accepted(id) => Ok(id),
        Answer::Declined(error) | Answer::InDoubt(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xqute_plugin::testing::{Host, job};

    const TIMED_OUT: &str = "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation\n";

    #[test]
    fn a_lost_answer_does_not_submit_twice() {
        let host = Host::new();
        host.on_program("sbatch", |_| Host::fails(1, TIMED_OUT));
        let jobs = [job(0, "true"), job(1, "true")];
        let results = Slurm::submit(&jobs);
        assert!(
            results
                .iter()
                .all(|result| matches!(result, Err(Error::Unavailable(_)))),
            "{results:?}"
        );
        assert_eq!(
            host.calls().len(),
            1,
            "the second job does not wait for the same answer"
        );

        host.on_program("squeue", |_| Host::prints("17 xqute:0123456789abcdef:0:1\n"));
        host.on_program("sbatch", |_| Host::prints("18\n"));
        assert_eq!(Slurm::submit(&jobs), [Ok("17".to_owned()), Ok("18".to_owned())]);
        let programs: Vec<_> = host.calls().into_iter().map(|call| call.program).collect();
        assert_eq!(programs, ["sbatch", "squeue", "sbatch"]);
    }

    #[test]
    fn a_lost_request_is_sent_again() {
        let host = Host::new();
        host.on_program("sbatch", |_| Host::fails(1, TIMED_OUT));
        let jobs = [job(0, "true")];
        assert!(matches!(Slurm::submit(&jobs)[..], [Err(Error::Unavailable(_))]));
        host.on_program("squeue", |_| Host::prints(""));
        host.on_program("sbatch", |_| Host::prints("18\n"));
        assert_eq!(Slurm::submit(&jobs), [Ok("18".to_owned())]);
        assert_eq!(
            Slurm::submit(&jobs),
            [Ok("18".to_owned())],
            "an answered request leaves no note"
        );
        assert_eq!(host.calls().iter().filter(|call| call.program == "squeue").count(), 1);
    }

    #[test]
    fn no_jobs_need_no_program() {
        let host = Host::new();
        assert_eq!(Slurm::poll(&[]).unwrap(), []);
        assert_eq!(Slurm::cancel(&[]), []);
        assert!(host.calls().is_empty());
    }

    #[test]
    fn bad_options_are_found_before_the_first_job() {
        let run = xqute_plugin::run::info();
        assert_eq!(
            Slurm::open(&[("partition".to_owned(), "short".to_owned())], &run),
            Ok(())
        );
        let error = Slurm::open(&[("array".to_owned(), "1-4".to_owned())], &run).unwrap_err();
        assert_eq!(
            error.message(),
            "`array` cannot be given for slurm: feed one job for each task of the array"
        );
    }
}
