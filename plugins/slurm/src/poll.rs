//! Attempts in flight → the arguments of one `squeue`, and what it printed → what Slurm says about each. Pure functions; what
//! that means is in `state`.
//!
//! `squeue` forgets a job MinJobAge seconds after its end (300 by default), and a task of an array as soon as it is cancelled
//! before it started.

use std::collections::{BTreeSet, HashMap};

use crate::id::Id;
use crate::identity::Identity;
use crate::state::Seen;
use crate::trouble::{self, Trouble};
use xqute_plugin::{Error, JobRef, Output};

/// One argument may have 128 KiB on Linux. With more ids than fit here all jobs of the user are asked for instead.
const LONGEST_LIST: usize = 120 * 1024;

/// Fixed widths are a must for `--Format`; a value that is too long is cut before the `|`.
const FORMAT: &str = "--Format=JobArrayID:24|,State:24|,exit_code:16|,BatchHost:16|,Reason:120|,Comment:80|";

/// A comment that fills its column may have been cut.
const COMMENT: usize = 80;

/// The arguments of `squeue`. `--me` lets the controller look through the jobs of one user only, and what else is given
/// overrules `SQUEUE_*` variables in the environment.
pub(crate) fn argv(jobs: &[JobRef]) -> Vec<String> {
    let mut argv: Vec<String> = ["--me", "--all", "--noheader", "--states=all", "--array", FORMAT]
        .iter()
        .map(|text| (*text).to_owned())
        .collect();
    if let Some(list) = id_list(jobs.iter()) {
        argv.push(list);
    }
    argv
}

/// `--jobs=1,2,3`, with each array once; none if there are no ids, or too many of them.
pub(crate) fn id_list<'a>(jobs: impl Iterator<Item = &'a JobRef>) -> Option<String> {
    let ids: BTreeSet<u64> = jobs
        .filter_map(|job| Id::read(&job.backend_id))
        .map(|id| id.job)
        .collect();
    let list = ids.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
    (!ids.is_empty() && list.len() <= LONGEST_LIST).then(|| format!("--jobs={list}"))
}

/// What was said about each id.
pub(crate) type Table<'a> = HashMap<Id, Seen<'a>>;

/// Reads what `squeue` printed.
pub(crate) fn read(stdout: &str) -> Table<'_> {
    stdout.lines().filter_map(row).collect()
}

fn row(line: &str) -> Option<(Id, Seen<'_>)> {
    let mut fields = line.splitn(6, '|').map(str::trim);
    let id = Id::read(fields.next()?)?;
    let (state, status, machine, reason) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let comment = fields.next().unwrap_or_default().trim_end_matches('|').trim_end();
    let seen = Seen {
        owner: Identity::read(comment).filter(|_| comment.len() < COMMENT),
        ..Seen::new(state, status, machine, reason)
    };
    Some((id, seen))
}

/// Whether a question to `squeue` was answered. To know none of the ids is an answer.
pub(crate) fn check(output: &Output) -> Result<(), Error> {
    match trouble::of(output) {
        None => Ok(()),
        Some(Trouble::Refusal(said)) if said.contains("Invalid job id specified") => Ok(()),
        Some(Trouble::Unreachable(said) | Trouble::InDoubt(said)) => {
            Err(Error::Unavailable(format!("Slurm cannot be reached: {said}")))
        }
        Some(Trouble::Busy) => Err(Error::RateLimited(None)),
        Some(Trouble::Usage(said) | Trouble::Refusal(said)) => {
            Err(Error::Unavailable(format!("squeue failed: {said}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xqute_plugin::{Exit, FailureCause, Observation};

    fn job(id: &str) -> JobRef {
        JobRef {
            index: 0,
            attempt: 1,
            backend_id: id.to_owned(),
        }
    }

    fn observed(stdout: &str, id: &str) -> Observation {
        let id = Id::read(id).unwrap();
        read(stdout).get(&id).map_or(Observation::Unknown, Seen::observe)
    }

    /// One real answer of Slurm 22.05.8 about one job of each kind.
    #[test]
    fn a_real_answer_is_understood() {
        use FailureCause::{ExitCode, NeverStarted, Signal, TimedOut};
        use Observation::{Cancelled, Failed, Queued, Running, Succeeded, Unknown};
        let queued = |reason: &str| Queued(Some(reason.to_owned()));
        let never = |why: &str| Failed(NeverStarted(why.to_owned()));
        let expected = [
            ("42", Failed(TimedOut)),
            ("43", Succeeded),
            ("44", Failed(ExitCode(3))),
            ("45", Failed(Signal(11))),
            ("46", Failed(Signal(9))),
            ("47", never("Slurm says FAILED (JobLaunchFailure)")),
            ("48", queued("BeginTime")),
            ("49", Cancelled),
            ("50", Cancelled),
            ("51", queued("JobHeldUser")),
            ("52", queued("PartitionDown")),
            ("53", queued("PartitionConfig")),
            ("55", queued("PartitionTimeLimit")),
            ("56", queued("DependencyNeverSatisfied")),
            ("57", never("Slurm says CANCELLED (DependencyNeverSatisfied)")),
            ("59", never("Slurm says FAILED (BadConstraints)")),
            ("70", Running),
            ("71", Running),
            ("72", Running),
            ("999999", Unknown),
        ];
        let stdout = include_str!("../fixtures/poll-states.stdout");
        for (id, expected) in expected {
            assert_eq!(observed(stdout, id), expected, "{id}");
        }
    }

    #[test]
    fn one_process_asks_about_any_number_of_jobs() {
        let few = argv(&[job("4"), job("not an id"), job("5")]);
        assert_eq!(few.last().unwrap(), "--jobs=4,5");
        let tasks = argv(&[job("4_0"), job("4_1"), job("5")]);
        assert_eq!(
            tasks.last().unwrap(),
            "--jobs=4,5",
            "an array is asked about as a whole"
        );
        let many: Vec<_> = (100_000..200_000).map(|id: u32| job(&id.to_string())).collect();
        let all = argv(&many);
        assert_eq!(all.last().unwrap(), FORMAT, "too long a list is left out");
        assert!(all.iter().all(|argument| argument.len() < 128 * 1024));
    }

    #[test]
    fn to_know_no_job_is_an_answer() {
        let stderr = include_str!("../fixtures/poll-unknown.stderr");
        let output = Output {
            exit: Exit::Code(1),
            stdout: Vec::new(),
            stderr: stderr.into(),
        };
        assert_eq!(check(&output), Ok(()));
    }

    #[test]
    fn an_unreachable_controller_says_nothing_about_jobs() {
        let stderr = include_str!("../fixtures/poll-controller-down.stderr");
        let output = Output {
            exit: Exit::Code(1),
            stdout: Vec::new(),
            stderr: stderr.into(),
        };
        assert!(matches!(check(&output), Err(Error::Unavailable(_))));
    }

    #[test]
    fn tasks_of_arrays_have_their_own_lines() {
        let stdout = include_str!("../fixtures/poll-array.stdout");
        let expected = [
            ("4006_0", Observation::Running),
            ("4006_1", Observation::Failed(FailureCause::ExitCode(1))),
            ("4006_2", Observation::Cancelled),
            ("4006_5", Observation::Queued(Some("JobArrayTaskLimit".to_owned()))),
            ("4006_8", Observation::Unknown),
            ("4006", Observation::Unknown),
        ];
        for (id, expected) in expected {
            assert_eq!(observed(stdout, id), expected, "{id}");
        }
    }

    #[test]
    fn a_job_is_known_by_its_comment() {
        let is_of_another = |id: &str, comment: &str| {
            let line = format!("{id}|RUNNING|0|n1|None|{comment:80.80}|");
            let job = JobRef { index: 12, ..job(id) };
            read(&line)[&Id::read(id).unwrap()].is_of_another(&job, "a")
        };
        for (id, own) in [
            ("7", "xqute:a:12:1"),
            ("7", "a | b xqute:a:12:1"),
            ("7_2", "xqute:a:10+:1"),
        ] {
            assert!(!is_of_another(id, own), "{own}");
        }
        for (id, other) in [
            ("7", "xqute:a:1:1"),
            ("7", "xqute:a:12:2"),
            ("7", "xqute:b:12:1"),
            ("7", "xqute:a:10+:1"),
            ("7_2", "xqute:a:0+:1"),
        ] {
            assert!(is_of_another(id, other), "{other}");
        }
        let cut = format!("{} xqute:a:12:123", "x".repeat(65));
        for unclear in ["", "(null)", "what the site says", &cut] {
            assert!(!is_of_another("7", unclear), "{unclear}");
        }
    }

    #[test]
    fn what_is_no_line_about_a_job_says_nothing() {
        for row in [
            "7|",
            "",
            "CLUSTER: north",
            "8|RUNNING|0|n1|None|",
            "7_[0-3]|PENDING|0|n/a|None|",
        ] {
            assert_eq!(observed(row, "7"), Observation::Unknown, "{row}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_answer_can_be_read(text in ".*") {
            read(&text);
        }
    }
}
