//! Fourth step: what a backend says about an attempt, and what to believe of it.

use super::{
    dispatch::Dispatcher,
    event::Action,
    table::{InFlight, Kill, KillReason, KillStage},
};
use crate::model::{
    hook::JobEvent,
    job::{Attempt, JobIndex},
    outcome::{FailureCause, Observation, Outcome},
    record::{Change, Usage},
};

/// How often in a row a backend may know nothing of an attempt, and the attempt have left no exit code, before it is called
/// lost. Backends forget finished jobs and miss new ones for a moment.
pub(crate) const TOLERATED_UNKNOWNS: u8 = 3;

impl Dispatcher {
    pub(crate) fn on_observed(
        &mut self,
        index: JobIndex,
        attempt: Attempt,
        observation: Observation,
        reported: Option<i32>,
        usage: Option<Usage>,
    ) {
        let Some(flight) = self.table.in_flight(index, attempt) else {
            return;
        };
        match judge(flight, observation, reported) {
            Judgement::Waits => {}
            Judgement::Runs => self.on_running(index, attempt),
            Judgement::NeverBegan => self.on_never_began(index, attempt),
            Judgement::Ended(outcome) => self.on_ended(index, attempt, outcome, reported, usage),
        }
    }

    pub(crate) fn on_running(&mut self, index: JobIndex, attempt: Attempt) {
        let Some(flight) = self.table.in_flight(index, attempt) else {
            return;
        };
        let event = if flight.started {
            JobEvent::Polling
        } else {
            JobEvent::Started
        };
        flight.started = true;
        let job_ref = flight.job_ref(index, attempt);
        if event == JobEvent::Started {
            self.act(Action::Journal(index, Change::Started { attempt }));
            self.act(Action::StartTimeout(job_ref));
        }
        self.tell_job(index, attempt, event);
    }

    pub(crate) fn on_deadline(&mut self, index: JobIndex, attempt: Attempt) {
        self.kill(index, attempt, KillReason::TimedOut);
    }
}

/// Nobody knows what became of it.
pub(crate) const LOST: Outcome = Outcome::Failed(FailureCause::Lost);

/// What an observation means.
#[derive(Debug, PartialEq, Eq)]
enum Judgement {
    Waits,
    Runs,
    NeverBegan,
    Ended(Outcome),
}

/// Weighs what the backend says against what the job itself reported and what we did to it.
fn judge(flight: &mut InFlight, observation: Observation, reported: Option<i32>) -> Judgement {
    let seen = match observation {
        Observation::Queued(_) | Observation::Running => {
            flight.unknown = 0;
            return match observation {
                Observation::Running => Judgement::Runs,
                _ => Judgement::Waits,
            };
        }
        Observation::NeverBegan => {
            // If we killed it, it does not matter how far it had come.
            return match explain(LOST, flight.kill.as_ref()) {
                LOST => Judgement::NeverBegan,
                killed => Judgement::Ended(killed),
            };
        }
        Observation::Ended(outcome) => outcome,
        Observation::Unknown => match reported {
            Some(code) => from_exit_code(code),
            None if flight.unknown < TOLERATED_UNKNOWNS => {
                flight.unknown += 1;
                return Judgement::Waits;
            }
            None => LOST,
        },
    };
    Judgement::Ended(explain(believe(seen, reported), flight.kill.as_ref()))
}

/// The job's own exit code is more exact than the backend's, unless the backend knows a better reason than a code. A job
/// that left one is not lost.
fn believe(seen: Outcome, reported: Option<i32>) -> Outcome {
    match (seen, reported) {
        (Outcome::Succeeded | Outcome::Failed(FailureCause::ExitCode(_)), Some(code)) if code != 0 => {
            from_exit_code(code)
        }
        // What nobody knows anything of is lost only if it left no word itself.
        (Outcome::Failed(FailureCause::Lost), Some(code)) => from_exit_code(code),
        (seen, _) => seen,
    }
}

/// An attempt that we killed ended because of that, unless it was quicker and succeeded.
fn explain(outcome: Outcome, kill: Option<&Kill>) -> Outcome {
    match kill {
        Some(Kill {
            stage: KillStage::Killing | KillStage::Again,
            why,
        }) if outcome != Outcome::Succeeded => match why {
            KillReason::TimedOut => Outcome::Failed(FailureCause::TimedOut),
            KillReason::Cancelled(reason) => Outcome::Cancelled(reason.clone()),
        },
        _ => outcome,
    }
}

fn from_exit_code(code: i32) -> Outcome {
    match code {
        0 => Outcome::Succeeded,
        code => Outcome::Failed(FailureCause::ExitCode(code)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::CancelReason;

    fn flight(kill: Option<Kill>) -> InFlight {
        InFlight {
            id: "1".into(),
            started: true,
            adopted: false,
            unknown: 0,
            kill,
        }
    }

    fn killing(why: KillReason) -> Option<Kill> {
        Some(Kill {
            why,
            stage: KillStage::Killing,
        })
    }

    fn ended(observation: Observation, reported: Option<i32>, kill: Option<Kill>) -> Outcome {
        match judge(&mut flight(kill), observation, reported) {
            Judgement::Ended(outcome) => outcome,
            other => panic!("expected an end, got {other:?}"),
        }
    }

    #[test]
    fn no_answer_is_not_gone() {
        let mut flight = flight(None);
        for _ in 0..TOLERATED_UNKNOWNS {
            assert_eq!(judge(&mut flight, Observation::Unknown, None), Judgement::Waits);
        }
        assert_eq!(judge(&mut flight, Observation::Running, None), Judgement::Runs);
        assert_eq!(judge(&mut flight, Observation::Unknown, None), Judgement::Waits);
        assert_eq!(ended(Observation::Unknown, Some(0), None), Outcome::Succeeded);
        assert_eq!(
            ended(Observation::Unknown, Some(3), None),
            Outcome::Failed(FailureCause::ExitCode(3))
        );
    }

    #[test]
    fn a_better_reason_than_a_code_is_kept() {
        let out_of_memory = Observation::Ended(Outcome::Failed(FailureCause::OutOfMemory));
        assert_eq!(
            ended(out_of_memory, Some(0), None),
            Outcome::Failed(FailureCause::OutOfMemory)
        );
        let lost = || Observation::Ended(Outcome::Failed(FailureCause::Lost));
        assert_eq!(ended(lost(), Some(0), None), Outcome::Succeeded);
        assert_eq!(ended(lost(), Some(3), None), Outcome::Failed(FailureCause::ExitCode(3)));
        assert_eq!(ended(lost(), None, None), Outcome::Failed(FailureCause::Lost));
    }

    #[test]
    fn a_killed_job_is_never_called_finished_unless_it_was_quicker() {
        let by_term = || Observation::Ended(Outcome::Failed(FailureCause::ExitCode(143)));
        let cancelled = KillReason::Cancelled(CancelReason::Requested);
        assert_eq!(
            ended(by_term(), Some(143), killing(cancelled.clone())),
            Outcome::Cancelled(CancelReason::Requested)
        );
        assert_eq!(
            ended(by_term(), None, killing(KillReason::TimedOut)),
            Outcome::Failed(FailureCause::TimedOut)
        );
        let success = Observation::Ended(Outcome::Succeeded);
        assert_eq!(ended(success, Some(0), killing(cancelled)), Outcome::Succeeded);
    }
}
