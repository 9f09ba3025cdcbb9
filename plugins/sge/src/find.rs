//! The tag of a run → the attempts of that run in Grid Engine's queue. The queue tells which jobs there are, `qstat -j` their
//! contexts.

use crate::details;
use crate::identity::Identity;
use crate::queue::Queue;
use crate::trouble;
use xqute_plugin::{Error, JobRef, process};

/// How many jobs, and how many lines of the queue that belong to them, one `qstat -j` is asked about: it says much of each.
const MOST_JOBS: usize = 100;
const MOST_LINES: usize = 5_000;

pub(crate) fn find(run: &str) -> Result<Vec<JobRef>, Error> {
    let output = process::run("qstat", ["-xml"])?;
    trouble::check("qstat", &output)?;
    let stdout = output.stdout_text();
    let queue = Queue::read(&stdout)?;
    let mut found = Vec::new();
    for jobs in portions(&queue.jobs()) {
        // Jobs that ended in between are no reason to fail.
        let described = process::run("qstat", details::argv(&jobs))?;
        if !described.stderr_text().contains("do not exist") {
            trouble::check("qstat", &described)?;
        }
        found.extend(of_run(run, &described.stdout_text()));
    }
    Ok(found)
}

fn portions(jobs: &[(u32, usize)]) -> Vec<Vec<u32>> {
    let mut portions: Vec<Vec<u32>> = Vec::new();
    let mut lines = 0_usize;
    for (job, more) in jobs {
        lines = lines.saturating_add(*more);
        match portions.last_mut() {
            Some(portion) if portion.len() < MOST_JOBS && lines <= MOST_LINES => portion.push(*job),
            _ => {
                lines = *more;
                portions.push(vec![*job]);
            }
        }
    }
    portions
}

fn of_run(run: &str, described: &str) -> Vec<JobRef> {
    let mut found = Vec::new();
    for details in details::read(described) {
        if let Some(identity) = Identity::read(details.context)
            && identity.run == run
        {
            found.extend(identity.refs(details.job));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_attempts_of_the_run_are_found() {
        let text = "job_number: 7\ncontext: a=b,xqute=0123456789abcdef:1:3-4\n====\njob_number: 8\ncontext: \
                    xqute=ffffffffffffffff:1:0\n====\njob_number: 9\n";
        let found: Vec<_> = of_run("0123456789abcdef", text)
            .into_iter()
            .map(|job| (job.index, job.attempt, job.backend_id))
            .collect();
        assert_eq!(found, [(3, 1, "7.1".to_owned()), (4, 1, "7.2".to_owned())]);
    }

    #[test]
    fn one_question_is_not_too_long() {
        let many: Vec<(u32, usize)> = (0..250).map(|job| (job, 1)).collect();
        assert_eq!(portions(&many).iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50]);
        let large = [(1, 4_000), (2, 2_000), (3, 9_000), (4, 1)];
        assert_eq!(portions(&large), [vec![1], vec![2], vec![3], vec![4]]);
        assert_eq!(portions(&[]), [[0; 0]; 0]);
    }
}
