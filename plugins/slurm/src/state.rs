//! What Slurm says about one attempt → an observation. Pure functions; the words are the same for `squeue` and `sacct`, which
//! are read in `poll` and `accounting`.

use crate::id::Id;
use crate::identity::Identity;
use xqute_plugin::{FailureCause, JobRef, Observation};

/// What Slurm says about one attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) state: &'a str,
    pub(crate) ended: Ended,
    /// Whether a machine was found for the job's script.
    pub(crate) placed: bool,
    pub(crate) reason: Option<&'a str>,
    /// Whose it is, as far as Slurm tells.
    pub(crate) owner: Option<Identity<'a>>,
}

/// How the job's script ended, as far as Slurm knows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ended {
    Code(i32),
    Signal(i32),
}

impl<'a> Seen<'a> {
    /// Takes the columns of a table as they are.
    pub(crate) fn new(state: &'a str, status: &str, machine: &str, reason: &'a str) -> Self {
        Self {
            // Some tools say more about a state: `CANCELLED by 1000`.
            state: state.split(' ').next().unwrap_or_default(),
            ended: Ended::read(status),
            placed: !matches!(machine, "" | "n/a" | "N/A" | "(null)" | "None assigned"),
            reason: Some(reason).filter(|reason| !matches!(*reason, "" | "None" | "(null)")),
            owner: None,
        }
    }

    /// Whether the attempt's id is now that of another one: a controller that was killed forgets what it took last, and gives
    /// those ids again. A comment that is not xqute's says nothing: some sites rewrite them.
    pub(crate) fn is_of_another(&self, job: &JobRef, run: &str) -> bool {
        let owner = self.owner.zip(Id::read(&job.backend_id));
        owner.is_some_and(|(owner, id)| owner.run != run || owner.attempt_called(id).as_ref() != Some(job))
    }

    /// Meanings: "JOB STATE CODES" in squeue(1).
    pub(crate) fn observe(&self) -> Observation {
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

    fn seen(state: &str, status: &str, machine: &str, reason: &str) -> Observation {
        Seen::new(state, status, machine, reason).observe()
    }

    #[test]
    fn states_are_mapped_as_documented() {
        let failed = Observation::Failed;
        assert_eq!(
            seen("OUT_OF_MEMORY", "125", "n1", "OutOfMemory"),
            failed(FailureCause::OutOfMemory)
        );
        assert_eq!(
            seen("NODE_FAIL", "0", "n1", "NodeDown"),
            failed(FailureCause::NodeFailure)
        );
        assert_eq!(seen("PREEMPTED", "0", "n1", "None"), failed(FailureCause::Preempted));
        assert_eq!(seen("DEADLINE", "0", "n1", "DeadLine"), failed(FailureCause::TimedOut));
        let late = FailureCause::NeverStarted("Slurm says DEADLINE (DeadLine)".to_owned());
        assert_eq!(seen("DEADLINE", "0", "n/a", "DeadLine"), failed(late));
        assert_eq!(
            seen("FAILED", "3:0", "n1", "NonZeroExitCode"),
            failed(FailureCause::ExitCode(3))
        );
        assert_eq!(
            seen("CONFIGURING", "0", "n1", "None"),
            Observation::Queued(Some("CONFIGURING".to_owned()))
        );
        assert_eq!(seen("CANCELLED by 1000", "0", "n1", "None"), Observation::Cancelled);
        let odd = FailureCause::Other("Slurm says FAILED with exit code 0 (SystemFailure)".to_owned());
        assert_eq!(seen("FAILED", "0", "n1", "SystemFailure"), failed(odd));
    }

    #[test]
    fn what_is_not_understood_is_unknown() {
        for state in ["REVOKED", "NOVEL_STATE", "", "RUNNING?"] {
            assert_eq!(seen(state, "0", "n1", "None"), Observation::Unknown, "{state}");
        }
    }

    proptest::proptest! {
        #[test]
        fn anything_can_be_observed(state in "[A-Z_]{0,12}", status in ".{0,8}", machine in ".{0,4}", reason in ".{0,8}") {
            seen(&state, &status, &machine, &reason);
        }
    }
}
