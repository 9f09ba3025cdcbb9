//! Carries a submission out: arrays where jobs allow it, each job once, and smaller lists where Slurm does not take all at
//! once. What is told to `sbatch`, and what its answers mean, is in `submit` and `array`.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use xqute_plugin::prelude::*;

use crate::array::{self, LARGEST_SPAN};
use crate::find;
use crate::notes::{self, Pending};
use crate::submit::{self, Answer};

/// After this long the rest of a list is left for another call, which has a time limit of its own.
const LONG: Duration = Duration::from_secs(100);

/// What became of each job, by its index.
type Results = HashMap<u32, Result<String, Error>>;

pub(crate) fn submit(jobs: &[Job]) -> Vec<Result<String, Error>> {
    let run = run::info().tag;
    let results = match submitted_before(jobs, &run) {
        Ok(known) => submit_new(jobs, &run, known),
        Err(error) => jobs.iter().map(|job| (job.index, Err(error.clone()))).collect(),
    };
    let answer = |job: &Job| {
        let forgotten = || Err(Error::Other("this job was not submitted".to_owned()));
        results.get(&job.index).cloned().unwrap_or_else(forgotten)
    };
    jobs.iter().map(answer).collect()
}

/// Slurm itself would take the same attempt twice, so a note is kept while an answer of `sbatch` is out. When it is still there
/// the next time, the answer was lost, and Slurm is searched for the attempts first.
fn submitted_before(jobs: &[Job], run: &str) -> Result<Results, Error> {
    let mut doubtful = Pending::all(run);
    doubtful.retain(|pending| jobs.iter().any(|job| pending.has(job)));
    if doubtful.is_empty() {
        return Ok(Results::new());
    }
    let found = find::answer(run, &process::run("squeue", find::argv())?)?;
    let ours = |found: &JobRef| {
        let is_it = |job: &&Job| job.index == found.index && job.attempt == found.attempt;
        jobs.iter()
            .find(is_it)
            .is_some_and(|job| doubtful.iter().any(|pending| pending.has(job)))
    };
    let known: Results = found
        .into_iter()
        .filter(ours)
        .map(|found| (found.index, Ok(found.backend_id)))
        .collect();
    for (index, id) in &known {
        log::info!(
            "job {index} was submitted before, as {}",
            id.as_deref().unwrap_or_default()
        );
    }
    doubtful.into_iter().try_for_each(|pending| pending.settle(jobs))?;
    Ok(known)
}

/// What `sbatch` said to a group of jobs.
enum Sent {
    /// The id of each.
    Taken(Vec<String>),
    Failed(Error),
    /// Fewer at once may fit into what is left of the user's limits.
    TooMany,
    /// Arrays must be smaller here, or are not allowed at all.
    TooWide,
}

fn submit_new(jobs: &[Job], run: &str, mut results: Results) -> Results {
    let started = clock::elapsed();
    let mut span = notes::span(run).unwrap_or(LARGEST_SPAN);
    let new: Vec<&Job> = jobs.iter().filter(|job| !results.contains_key(&job.index)).collect();
    let mut waiting = VecDeque::from(array::groups(new, span));
    let mut patience: Option<Error> = None;
    while let Some(group) = waiting.pop_front() {
        if patience.is_none() && clock::elapsed().saturating_sub(started) > LONG {
            patience = Some(Error::RateLimited(Some(0)));
        }
        // Once Slurm asks for patience the rest of the list need not wait for the same answer.
        let sent = patience.clone().map_or_else(|| send(&group, run, span), Sent::Failed);
        match sent {
            Sent::Taken(ids) => results.extend(group.iter().map(|job| job.index).zip(ids.into_iter().map(Ok))),
            Sent::Failed(error) => {
                if matches!(error, Error::Unavailable(_) | Error::RateLimited(_)) {
                    patience = Some(error.clone());
                }
                results.extend(group.iter().map(|job| (job.index, Err(error.clone()))));
            }
            Sent::TooMany => {
                let (first, second) = group.split_at(group.len() / 2);
                waiting.push_front(second.to_vec());
                waiting.push_front(first.to_vec());
            }
            Sent::TooWide => {
                span /= 10;
                notes::set_span(run, span);
                let all: Vec<&Job> = group.into_iter().chain(waiting.into_iter().flatten()).collect();
                waiting = array::groups(all, span).into();
            }
        }
    }
    results
}

fn send(group: &[&Job], run: &str, span: u32) -> Sent {
    match try_send(group, run, span) {
        Ok(sent) => sent,
        Err(error) => Sent::Failed(error),
    }
}

fn try_send(group: &[&Job], run: &str, span: u32) -> Result<Sent, Error> {
    let carrier = run::carrier();
    let (argv, script) = match (group, &carrier) {
        ([job], None) => (submit::argv(job, run)?, String::new()),
        ([job], Some(carrier)) => submit::carried(job, run, carrier)?,
        (group, carrier) => {
            let submission = array::submission(group, run, span, carrier.as_deref())?;
            (submission.argv, submission.script)
        }
    };
    if run::is_dry() {
        process::run_with_input("sbatch", argv, script.as_bytes())?;
        return Ok(Sent::Taken(vec!["dry-run".to_owned(); group.len()]));
    }
    let pending = Pending::begin(run, group)?;
    let answer = process::run_with_input("sbatch", argv, script.as_bytes()).map(|output| submit::answer(&output));
    if !matches!(answer, Ok(Answer::InDoubt(_))) {
        pending.end();
    }
    Ok(match (answer?, group) {
        (Answer::Accepted(id), [_]) => Sent::Taken(vec![id.to_string()]),
        (Answer::Accepted(id), group) => Sent::Taken(
            group
                .iter()
                .map(|job| format!("{id}_{}", array::task(job, span)))
                .collect(),
        ),
        (Answer::Declined(Error::RateLimited(_)), [_, _, ..]) => Sent::TooMany,
        (Answer::Declined(Error::Rejected(said)), [_, _, ..]) if array::is_too_wide(&said) => Sent::TooWide,
        (Answer::Declined(error) | Answer::InDoubt(error), _) => Sent::Failed(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;
    use xqute_plugin::testing::{Call, Host, job};

    const TIMED_OUT: &str = "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation\n";
    const NO_ARRAYS: &str = include_str!("../fixtures/submit-array-too-large.stderr");

    fn jobs(indices: impl IntoIterator<Item = u32>) -> Vec<Job> {
        indices.into_iter().map(|index| job(index, "true")).collect()
    }

    fn ids(results: &[Result<String, Error>]) -> Vec<&str> {
        results.iter().map(|result| result.as_deref().unwrap()).collect()
    }

    fn programs(host: &Host) -> Vec<String> {
        host.calls().into_iter().map(|call| call.program).collect()
    }

    /// The tasks that a call of `sbatch` is about.
    fn tasks(call: &Call) -> Option<&str> {
        call.args.iter().find_map(|arg| arg.strip_prefix("--array="))
    }

    /// Counts ids up, and refuses what the function says.
    fn slurm(host: &Host, refuse: impl Fn(&Call) -> Option<&'static str> + 'static) {
        let next = Rc::new(Cell::new(17));
        host.on_program("sbatch", move |call| match refuse(call) {
            Some(stderr) => Host::fails(1, stderr),
            None => {
                next.set(next.get() + 1);
                Host::prints(&format!("{}\n", next.get() - 1))
            }
        });
    }

    #[test]
    fn a_list_of_jobs_is_one_array() {
        let host = Host::new();
        slurm(&host, |_| None);
        let results = submit(&jobs([5, 4, 1, 2]));
        assert_eq!(ids(&results), ["17_5", "17_4", "17_1", "17_2"]);
        let calls = host.calls();
        assert_eq!(calls.len(), 1);
        assert_eq!(tasks(&calls[0]), Some("1-2,4-5"));
        assert!(calls[0].stdin.starts_with(b"#!/bin/bash\n"));
        assert!(kv::keys("").is_empty(), "an answered request leaves no note");
    }

    #[test]
    fn a_retry_is_a_job_of_its_own() {
        let host = Host::new();
        slurm(&host, |_| None);
        let again = Job {
            attempt: 2,
            ..job(3, "true")
        };
        assert_eq!(ids(&submit(&[again])), ["17"]);
        assert_eq!(tasks(&host.calls()[0]), None);
    }

    #[test]
    fn a_slurm_with_small_arrays_gets_small_ones() {
        let host = Host::new();
        let largest = |list: &str| crate::id::numbers(list).max().unwrap();
        slurm(&host, move |call| {
            tasks(call).filter(|list| largest(list) > 99).map(|_| NO_ARRAYS)
        });
        let results = submit(&jobs(150..310));
        assert_eq!(ids(&results)[..2], ["17_50", "17_51"]);
        let lists: Vec<_> = host.calls().iter().filter_map(tasks).map(str::to_owned).collect();
        assert_eq!(lists, ["150-309", "50-99", "0-99", "0-9"]);
        submit(&jobs(310..320));
        assert_eq!(tasks(host.calls().last().unwrap()), Some("10-19"), "it was remembered");
    }

    #[test]
    fn a_slurm_without_arrays_gets_single_jobs() {
        let host = Host::new();
        slurm(&host, |call| tasks(call).map(|_| NO_ARRAYS));
        assert_eq!(ids(&submit(&jobs(0..5))), ["17", "18", "19", "20", "21"]);
    }

    #[test]
    fn as_many_as_fit_are_submitted() {
        let host = Host::new();
        let left = Rc::new(Cell::new(10));
        slurm(&host, move |call| {
            let wanted = tasks(call).map_or(1, |list| crate::id::numbers(list).count());
            if wanted > left.get() {
                return Some("sbatch: error: QOSMaxSubmitJobPerUserLimit\n");
            }
            left.set(left.get() - wanted);
            None
        });
        let results = submit(&jobs(0..64));
        let taken = results.iter().filter(|result| result.is_ok()).count();
        assert_eq!(taken, 10);
        let rest = results
            .iter()
            .filter(|result| **result == Err(Error::RateLimited(None)));
        assert_eq!(rest.count(), 54);
        assert!(host.calls().len() < 16, "{}", host.calls().len());
    }

    #[test]
    fn a_lost_answer_does_not_submit_twice() {
        let host = Host::new();
        host.on_program("sbatch", |_| Host::fails(1, TIMED_OUT));
        let list = jobs(0..1003);
        let results = submit(&list);
        let later = |result: &Result<String, Error>| matches!(result, Err(Error::Unavailable(_)));
        assert!(results.iter().all(later), "{results:?}");
        assert_eq!(
            programs(&host),
            ["sbatch"],
            "the rest does not wait for the same answer"
        );

        host.on_program("squeue", |_| {
            Host::prints("17_0 xqute:0123456789abcdef:0+:1\n17_1 xqute:0123456789abcdef:0+:1\n")
        });
        slurm(&host, |_| None);
        let results = submit(&list[..5]);
        assert_eq!(ids(&results), ["17_0", "17_1", "17", "18", "19"]);
        assert_eq!(programs(&host), ["sbatch", "squeue", "sbatch", "sbatch", "sbatch"]);
        assert_eq!(ids(&submit(&list[1000..])).len(), 3);
        assert_eq!(
            programs(&host).iter().filter(|program| *program == "squeue").count(),
            1,
            "they were never sent"
        );
        submit(&list[5..1000]);
        assert_eq!(programs(&host).iter().filter(|program| *program == "squeue").count(), 2);
        assert!(kv::keys("submitting/").is_empty());
    }

    #[test]
    fn a_dry_run_leaves_nothing_behind() {
        let host = Host::new();
        host.on_program("sbatch", |_| Host::prints(""));
        let mut info = run::info();
        info.attributes = vec![("dry-run".to_owned(), "true".to_owned())];
        host.set_run(info);
        assert_eq!(ids(&submit(&jobs(0..5))), ["dry-run"; 5]);
        assert_eq!(programs(&host), ["sbatch"]);
        assert!(kv::keys("").is_empty());
    }

    #[test]
    fn what_slurm_refuses_is_refused_for_all() {
        let host = Host::new();
        slurm(&host, |_| Some(include_str!("../fixtures/submit-bad-partition.stderr")));
        let results = submit(&jobs(0..5));
        let refused = |result: &Result<String, Error>| matches!(result, Err(Error::Rejected(_)));
        assert!(results.iter().all(refused), "{results:?}");
        assert_eq!(host.calls().len(), 1);
    }

    #[test]
    fn a_slow_slurm_gets_the_rest_in_another_call() {
        let host = Rc::new(Host::new());
        let clock = Rc::clone(&host);
        host.on_program("sbatch", move |_| {
            clock.advance(Duration::from_secs(60));
            Host::prints("17\n")
        });
        let mut different = jobs(0..4);
        different.iter_mut().for_each(|job| job.name = "mine".to_owned());
        let results = submit(&different);
        assert_eq!(ids(&results[..2]), ["17", "17"]);
        assert!(
            results[2..]
                .iter()
                .all(|result| *result == Err(Error::RateLimited(Some(0))))
        );
    }
}
