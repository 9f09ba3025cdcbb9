//! Attempts in flight → the arguments of one `squeue`, and what it printed → observations. Pure functions.
//!
//! `squeue` forgets a job MinJobAge seconds after its end (300 by default); later, and for ids that it never knew, the
//! observation is `unknown`, and the files in the job's directory tell how it ended.

use std::collections::HashMap;

use crate::trouble::{self, Trouble};
use xqute_plugin::{Error, FailureCause, JobRef, Observation, Output};

/// One argument may have 128 KiB on Linux. With more ids than fit here all jobs of the user are asked for instead.
const LONGEST_LIST: usize = 120 * 1024;

/// Fixed widths are a must for `--Format`; a value that is too long is cut before the `|`.
const FORMAT: &str = "--Format=JobID:20|,State:24|,exit_code:16|,BatchHost:16|,Reason:120|";

/// The arguments of `squeue`. `--me` lets the controller look through the jobs of one user only, and what else is given
/// overrules `SQUEUE_*` variables in the environment.
pub(crate) fn argv(jobs: &[JobRef]) -> Vec<String> {
    let mut argv: Vec<String> = ["--me", "--all", "--noheader", "--states=all", FORMAT]
        .iter()
        .map(|text| (*text).to_owned())
        .collect();
    let ids: Vec<&str> = jobs
        .iter()
        .map(|job| job.backend_id.as_str())
        .filter(|id| is_id(id))
        .collect();
    let list = format!("--jobs={}", ids.join(","));
    if !ids.is_empty() && list.len() <= LONGEST_LIST {
        argv.push(list);
    }
    argv
}

/// Reads what `squeue` printed: one observation for each attempt.
pub(crate) fn answer(jobs: &[JobRef], output: &Output) -> Result<Vec<Observation>, Error> {
    check(output)?;
    let stdout = output.stdout_text();
    let rows: HashMap<&str, Row<'_>> = stdout.lines().filter_map(Row::read).map(|row| (row.id, row)).collect();
    Ok(jobs
        .iter()
        .map(|job| {
            rows.get(job.backend_id.as_str())
                .map_or(Observation::Unknown, Row::observe)
        })
        .collect())
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

/// Whether this can be the id of a Slurm job. Nothing else is ever handed to a Slurm client as an id.
pub(crate) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// One line of the answer.
struct Row<'a> {
    id: &'a str,
    state: &'a str,
    ended: Ended,
    /// Whether a machine was found for the job's script.
    placed: bool,
    reason: Option<&'a str>,
}

/// How the job's script ended, as far as Slurm knows.
#[derive(Clone, Copy)]
enum Ended {
    Code(i32),
    Signal(i32),
}

impl<'a> Row<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let mut fields = line.split('|').map(str::trim);
        let (id, state, status, host, reason) = (
            fields.next()?,
            fields.next()?,
            fields.next()?,
            fields.next()?,
            fields.next()?,
        );
        let reason = Some(reason).filter(|reason| !matches!(*reason, "" | "None" | "(null)"));
        let placed = !matches!(host, "" | "n/a" | "N/A" | "(null)");
        // A state may carry more words in some versions: `CANCELLED by 1000`.
        let state = state.split(' ').next()?;
        is_id(id).then_some(Self {
            id,
            state,
            ended: Ended::read(status),
            placed,
            reason,
        })
    }

    /// Meanings: "JOB STATE CODES" in squeue(1).
    fn observe(&self) -> Observation {
        let reason = || self.reason.map(str::to_owned);
        match self.state {
            "PENDING" => Observation::Queued(reason()),
            "CONFIGURING" | "REQUEUED" | "REQUEUE_FED" | "REQUEUE_HOLD" | "RESV_DEL_HOLD" | "SPECIAL_EXIT"
            | "POWER_UP_NODE" | "EXPEDITING" => Observation::Queued(reason().or_else(|| Some(self.state.to_owned()))),
            // The script of a COMPLETING job is over, but how it ended is shown only when Slurm has cleaned up.
            "RUNNING" | "COMPLETING" | "SUSPENDED" | "STOPPED" | "SIGNALING" | "RESIZING" | "STAGE_OUT" => {
                Observation::Running
            }
            "COMPLETED" => Observation::Succeeded,
            "CANCELLED" if !self.placed && self.reason == Some("DependencyNeverSatisfied") => self.never_started(),
            "CANCELLED" => Observation::Cancelled,
            "FAILED" => self.failed(),
            "TIMEOUT" => Observation::Failed(FailureCause::TimedOut),
            "DEADLINE" if self.placed => Observation::Failed(FailureCause::TimedOut),
            "DEADLINE" | "LAUNCH_FAILED" | "RECONFIG_FAIL" => self.never_started(),
            "OUT_OF_MEMORY" => Observation::Failed(FailureCause::OutOfMemory),
            "PREEMPTED" => Observation::Failed(FailureCause::Preempted),
            "NODE_FAIL" | "BOOT_FAIL" => Observation::Failed(FailureCause::NodeFailure),
            // REVOKED (another cluster runs it), UPDATE_DB, and whatever later versions bring.
            _ => Observation::Unknown,
        }
    }

    fn failed(&self) -> Observation {
        // Where a script could not be started Slurm reports a made-up signal, such as 53 for a bad output file.
        const LAST_SIGNAL_WITH_A_NAME: i32 = 31;
        let launched = self.reason != Some("JobLaunchFailure")
            || !matches!(self.ended, Ended::Signal(signal) if signal > LAST_SIGNAL_WITH_A_NAME);
        if !self.placed || !launched {
            return self.never_started();
        }
        Observation::Failed(match self.ended {
            _ if self.reason == Some("OutOfMemory") => FailureCause::OutOfMemory,
            Ended::Signal(signal) => FailureCause::Signal(signal),
            Ended::Code(0) => FailureCause::Other(format!(
                "Slurm says FAILED with exit code 0 ({})",
                self.reason.unwrap_or("no reason")
            )),
            Ended::Code(code) => FailureCause::ExitCode(code),
        })
    }

    fn never_started(&self) -> Observation {
        let why = self.reason.unwrap_or("no reason given");
        Observation::Failed(FailureCause::NeverStarted(format!("Slurm says {} ({why})", self.state)))
    }
}

impl Ended {
    /// Reads a wait status (`768` is exit code 3), or `CODE:SIGNAL` as other Slurm tools write it.
    fn read(status: &str) -> Self {
        let (code, signal) = match status.split_once(':') {
            Some((code, signal)) => (code.parse().unwrap_or(0), signal.parse().unwrap_or(0)),
            None => {
                let status: i32 = status.parse().unwrap_or(0);
                ((status >> 8) & 0xff, status & 0x7f)
            }
        };
        if signal == 0 {
            Self::Code(code)
        } else {
            Self::Signal(signal)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xqute_plugin::Exit;

    fn job(id: &str) -> JobRef {
        JobRef {
            index: 0,
            attempt: 1,
            backend_id: id.to_owned(),
        }
    }

    fn printed(stdout: &str) -> Output {
        Output {
            exit: Exit::Code(0),
            stdout: stdout.into(),
            stderr: Vec::new(),
        }
    }

    fn seen(row: &str) -> Observation {
        answer(&[job("7")], &printed(row)).unwrap().remove(0)
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
        let jobs: Vec<_> = expected.iter().map(|(id, _)| job(id)).collect();
        let answered = answer(&jobs, &printed(include_str!("../fixtures/poll-states.stdout"))).unwrap();
        let answered: Vec<_> = jobs.iter().map(|job| job.backend_id.as_str()).zip(answered).collect();
        assert_eq!(answered, expected);
    }

    #[test]
    fn one_process_asks_about_any_number_of_jobs() {
        let few = argv(&[job("4"), job("not an id"), job("5")]);
        assert_eq!(few.last().unwrap(), "--jobs=4,5");
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
        assert_eq!(answer(&[job("999999")], &output).unwrap(), [Observation::Unknown]);
    }

    #[test]
    fn an_unreachable_controller_says_nothing_about_jobs() {
        let stderr = include_str!("../fixtures/poll-controller-down.stderr");
        let output = Output {
            exit: Exit::Code(1),
            stdout: Vec::new(),
            stderr: stderr.into(),
        };
        assert!(matches!(answer(&[job("7")], &output), Err(Error::Unavailable(_))));
    }

    #[test]
    fn states_that_need_a_larger_cluster_are_mapped_as_documented() {
        let failed = Observation::Failed;
        assert_eq!(
            seen("7|OUT_OF_MEMORY|125|n1|OutOfMemory|"),
            failed(FailureCause::OutOfMemory)
        );
        assert_eq!(seen("7|NODE_FAIL|0|n1|NodeDown|"), failed(FailureCause::NodeFailure));
        assert_eq!(seen("7|PREEMPTED|0|n1|None|"), failed(FailureCause::Preempted));
        assert_eq!(seen("7|DEADLINE|0|n1|DeadLine|"), failed(FailureCause::TimedOut));
        let late = FailureCause::NeverStarted("Slurm says DEADLINE (DeadLine)".to_owned());
        assert_eq!(seen("7|DEADLINE|0|n/a|DeadLine|"), failed(late));
        assert_eq!(
            seen("7|FAILED|3:0|n1|NonZeroExitCode|"),
            failed(FailureCause::ExitCode(3))
        );
        assert_eq!(
            seen("7|CONFIGURING|0|n1|None|"),
            Observation::Queued(Some("CONFIGURING".to_owned()))
        );
        assert_eq!(seen("7|CANCELLED by 1000|0|n1|None|"), Observation::Cancelled);
        let odd = FailureCause::Other("Slurm says FAILED with exit code 0 (SystemFailure)".to_owned());
        assert_eq!(seen("7|FAILED|0|n1|SystemFailure|"), failed(odd));
    }

    #[test]
    fn what_is_not_understood_is_unknown() {
        for row in [
            "7|REVOKED|0|n1|None|",
            "7|NOVEL_STATE|0|n1|None|",
            "7|",
            "",
            "CLUSTER: north",
            "8|RUNNING|0|n1|None|",
        ] {
            assert_eq!(seen(row), Observation::Unknown, "{row}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_answer_gives_one_observation_for_each_job(text in ".*", ids in proptest::collection::vec("[0-9a-z]{0,6}", 0..5)) {
            let jobs: Vec<_> = ids.iter().map(|id| job(id)).collect();
            let answered = answer(&jobs, &printed(&text)).unwrap();
            proptest::prop_assert_eq!(answered.len(), jobs.len());
        }
    }
}
