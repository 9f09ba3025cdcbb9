//! Last step: an attempt has ended. Its job is done, gets another attempt, or stops the run.

use super::{dispatch::Dispatcher, event::Action, table::Phase};
use crate::model::{
    hook::JobEvent,
    job::{Attempt, JobIndex},
    outcome::{CancelReason, FailureCause, Outcome},
    record::{Change, Usage},
    settings::ErrorStrategy,
};

impl Dispatcher {
    /// An attempt that the scheduler had has ended.
    pub(crate) fn on_ended(
        &mut self,
        index: JobIndex,
        attempt: Attempt,
        outcome: Outcome,
        reported: Option<i32>,
        usage: Option<Usage>,
    ) {
        self.announce_start(index, attempt, &outcome);
        self.watched.remove(&index);
        if reported != Some(outcome.rc()) {
            self.act(Action::Record(index, outcome.clone()));
        }
        match outcome {
            Outcome::Failed(cause) => self.attempt_failed(index, attempt, cause, usage),
            outcome @ (Outcome::Succeeded | Outcome::Cancelled(_)) => self.end_job(index, outcome, usage),
        }
    }

    /// Observers always hear that a job started before they hear how it ended, even if nobody saw it run.
    fn announce_start(&mut self, index: JobIndex, attempt: Attempt, outcome: &Outcome) {
        let started = self
            .table
            .in_flight(index, attempt)
            .is_some_and(|flight| flight.started);
        if !started && !matches!(outcome, Outcome::Cancelled(_)) {
            self.tell_job(index, attempt, JobEvent::Started);
        }
    }

    /// The error strategy decides what a failure means.
    pub(crate) fn attempt_failed(
        &mut self,
        index: JobIndex,
        attempt: Attempt,
        cause: FailureCause,
        usage: Option<Usage>,
    ) {
        if matches!(cause, FailureCause::SubmissionFailed(_)) {
            self.tell_job(index, attempt, JobEvent::Started);
        }
        let will_retry = self.may_retry(index);
        self.tell_job(
            index,
            attempt,
            JobEvent::Failed {
                cause: cause.clone(),
                will_retry,
            },
        );
        if will_retry {
            let outcome = Outcome::Failed(cause);
            self.journal_end(index, attempt, outcome, will_retry, usage);
            self.enqueue_retry(index);
            return;
        }
        self.end_job(index, Outcome::Failed(cause), usage);
        if self.policy.error_strategy == ErrorStrategy::Halt {
            self.begin_stop(CancelReason::Halted);
        }
    }

    fn may_retry(&mut self, index: JobIndex) -> bool {
        let wanted = self.policy.error_strategy == ErrorStrategy::Retry && self.stop.is_none();
        wanted
            && self
                .table
                .get_mut(index)
                .is_some_and(|job| job.attempt.retries() < job.retries_allowed)
    }

    /// The job has its outcome; nothing more happens to it.
    pub(crate) fn end_job(&mut self, index: JobIndex, outcome: Outcome, usage: Option<Usage>) {
        let Some(job) = self.table.get_mut(index) else { return };
        job.phase = Phase::Done;
        let attempt = job.attempt;
        self.journal_end(index, attempt, outcome.clone(), false, usage);
        match &outcome {
            Outcome::Succeeded => {
                self.counts.succeeded += 1;
                self.tell_job(index, attempt, JobEvent::Succeeded);
            }
            Outcome::Failed(_) => self.counts.failed += 1,
            Outcome::Cancelled(_) => {
                self.counts.cancelled += 1;
                self.tell_job(index, attempt, JobEvent::Killed);
            }
        }
        self.act(Action::Ended {
            job: index,
            attempt,
            outcome,
        });
    }

    fn journal_end(
        &mut self,
        index: JobIndex,
        attempt: Attempt,
        outcome: Outcome,
        will_retry: bool,
        usage: Option<Usage>,
    ) {
        let change = Change::Ended {
            attempt,
            outcome,
            will_retry,
            usage,
        };
        self.act(Action::Journal(index, change));
    }
}
