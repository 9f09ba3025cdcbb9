//! Attempts → the arguments of one `scancel`, and what it answered → a result for each. Pure functions.
//!
//! `scancel` is silent about jobs that have ended and about ids that it does not know: both count as cancelled.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{self, Id};
use crate::trouble::{self, Trouble};
use xqute_plugin::{Error, JobRef, Output};

/// The arguments of `scancel`; none if there is nothing to cancel. The tasks of an array are one argument, `123_[0-99]`, and one
/// request to the controller.
pub(crate) fn argv(jobs: &[JobRef]) -> Option<Vec<String>> {
    let mut arrays: BTreeMap<u64, BTreeSet<u32>> = BTreeMap::new();
    for id in jobs.iter().filter_map(|job| Id::read(&job.backend_id)) {
        arrays.entry(id.job).or_default().extend(id.task);
    }
    let words = arrays.into_iter().map(|(job, tasks)| match tasks.is_empty() {
        true => job.to_string(),
        false => format!("{job}_[{}]", id::list(tasks)),
    });
    let argv: Vec<String> = words.collect();
    (!argv.is_empty()).then_some(argv)
}

/// Reads what `scancel` answered.
pub(crate) fn answer(jobs: &[JobRef], output: &Output) -> Vec<Result<(), Error>> {
    let error = match trouble::of(output) {
        None => return jobs.iter().map(|_| Ok(())).collect(),
        Some(Trouble::Unreachable(said) | Trouble::InDoubt(said)) => {
            Error::Unavailable(format!("Slurm cannot be reached: {said}"))
        }
        Some(Trouble::Busy) => Error::RateLimited(None),
        Some(Trouble::Usage(said) | Trouble::Refusal(said)) => return refusals(jobs, output, &said),
    };
    jobs.iter().map(|_| Err(error.clone())).collect()
}

/// `scancel` names the jobs that it could not cancel, one a line, and has cancelled the others.
fn refusals(jobs: &[JobRef], output: &Output, said: &str) -> Vec<Result<(), Error>> {
    let stderr = output.stderr_text();
    let about = |id: &str| stderr.lines().find(|line| is_about(line, id)).map(str::trim);
    let names_some = jobs.iter().any(|job| about(&job.backend_id).is_some());
    jobs.iter()
        .map(|job| match about(&job.backend_id) {
            Some(line) if line.contains("already complet") || line.contains("Invalid job id") => Ok(()),
            Some(line) => Err(Error::Rejected(
                line.strip_prefix("scancel: error: ").unwrap_or(line).to_owned(),
            )),
            None if names_some => Ok(()),
            None => Err(Error::Other(format!("scancel failed: {said}"))),
        })
        .collect()
}

/// Whether a line speaks of this id, be it alone or as one of the tasks of its array.
fn is_about(line: &str, id: &str) -> bool {
    let array = id.split('_').next().unwrap_or(id);
    let mut words = line.split([' ', ':']);
    words.any(|word| word == id || word.split_once("_[").is_some_and(|(job, _)| job == array))
}

#[cfg(test)]
mod tests {
    use super::*;
    use xqute_plugin::Exit;

    fn jobs(ids: &[&str]) -> Vec<JobRef> {
        ids.iter()
            .map(|id| JobRef {
                index: 0,
                attempt: 1,
                backend_id: (*id).to_owned(),
            })
            .collect()
    }

    fn answered(ids: &[&str], code: i32, stderr: &str) -> Vec<Result<(), Error>> {
        answer(
            &jobs(ids),
            &Output {
                exit: Exit::Code(code),
                stdout: Vec::new(),
                stderr: stderr.into(),
            },
        )
    }

    #[test]
    fn one_process_cancels_all() {
        assert_eq!(argv(&jobs(&["4", "-f", "5"])).unwrap(), ["4", "5"]);
        assert_eq!(
            argv(&jobs(&["6_3", "6_0", "6_1", "7", "6_2"])).unwrap(),
            ["6_[0-3]", "7"]
        );
        assert_eq!(argv(&jobs(&[])), None);
    }

    #[test]
    fn silence_is_success() {
        assert_eq!(answered(&["43", "999999"], 0, ""), [Ok(()), Ok(())]);
    }

    #[test]
    fn jobs_of_others_are_refused_by_name() {
        let stderr = include_str!("../fixtures/cancel-not-mine.stderr");
        let refused = |id| {
            Err(Error::Rejected(format!(
                "Kill job error on job id {id}: Access/permission denied"
            )))
        };
        assert_eq!(
            answered(&["51", "52", "99999"], 210, stderr),
            [refused(51), refused(52), Ok(())]
        );
    }

    #[test]
    fn a_refusal_of_tasks_is_one_for_each() {
        let stderr = include_str!("../fixtures/cancel-array-not-mine.stderr");
        let refused = |tasks| {
            let text = format!("Kill job error on job id 4006_{tasks}: Access/permission denied");
            Err(Error::Rejected(text))
        };
        let expected = [refused("[4-5]"), refused("[4-5]"), Ok(()), Ok(())];
        assert_eq!(answered(&["4006_4", "4006_5", "5", "14006_4"], 210, stderr), expected);
    }

    #[test]
    fn a_job_that_ended_in_between_is_cancelled() {
        let stderr = "scancel: error: Kill job error on job id 5: Job/step already completing or completed\n";
        assert_eq!(answered(&["5", "15"], 1, stderr), [Ok(()), Ok(())]);
    }

    #[test]
    fn an_unreachable_controller_is_asked_again() {
        let stderr = include_str!("../fixtures/cancel-controller-down.stderr");
        let results = answered(&["42", "43"], 8, stderr);
        assert!(
            results
                .iter()
                .all(|result| matches!(result, Err(Error::Unavailable(_)))),
            "{results:?}"
        );
    }
}
