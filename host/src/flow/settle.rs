//! Last step: an attempt has ended. Its job is done, gets another attempt, or stops the run.

use super::{dispatch::Dispatcher, event::Action, table::Phase, watch::LOST};
use crate::model::{
    hook::JobEvent,
    job::{Attempt, JobIndex},
    outcome::{FailureCause, Outcome, StopCause},
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
        let flight = self.table.in_flight(index, attempt);
        let (adopted, killed) = flight.map_or((false, false), |flight| (flight.adopted, flight.kill.is_some()));
        self.end_flight(index, attempt, &outcome);
        // The process that submitted an adopted one may have been killed between its exit code and its state, and so may the
        // script of one that we killed.
        if adopted || killed || reported != Some(outcome.rc()) {
            self.act(Action::Record(index, outcome.clone()));
        }
        match outcome {
            Outcome::Failed(FailureCause::Lost) if adopted && self.stop.is_none() => self.lost_before(index, attempt),
            Outcome::Failed(cause) => self.attempt_failed(index, attempt, cause, usage),
            outcome @ (Outcome::Succeeded | Outcome::Cancelled(_)) => self.end_job(index, outcome, usage),
        }
    }

    /// Nobody has to watch the attempt any more. Observers always hear that a job started before they hear how it ended, even
    /// if nobody saw it run.
    fn end_flight(&mut self, index: JobIndex, attempt: Attempt, outcome: &Outcome) {
        let started = self
            .table
            .in_flight(index, attempt)
            .is_some_and(|flight| flight.started);
        if !started && !matches!(outcome, Outcome::Cancelled(_)) {
            self.tell_job(index, attempt, JobEvent::Started);
        }
        self.watched.remove(&index);
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
        let will_retry = self.may_retry(index, &cause);
        self.tell_failed(index, attempt, &cause, will_retry);
        if will_retry {
            self.journal_end(index, attempt, Outcome::Failed(cause), will_retry, usage);
            self.retry(index);
            return;
        }
        self.end_job(index, Outcome::Failed(cause), usage);
        if self.policy.error_strategy == ErrorStrategy::Halt {
            self.begin_stop(StopCause::Halted);
        } else if self.has_too_many_failures() {
            self.begin_stop(StopCause::TooManyFailures);
        }
    }

    /// An attempt ended before it began, and not because of us.
    pub(crate) fn on_never_began(&mut self, index: JobIndex, attempt: Attempt) {
        self.end_flight(index, attempt, &LOST);
        self.act(Action::Record(index, LOST));
        match self.stopped() {
            None => self.lost_before(index, attempt),
            Some(cause) => self.end_job(index, Outcome::Cancelled(cause.into()), None),
        }
    }

    /// An attempt of an earlier process left nothing behind: the end of that process may be what ended it. Or
    /// one of ours never began. So it is made again whatever the strategy is, and does not count.
    fn lost_before(&mut self, index: JobIndex, attempt: Attempt) {
        let cause = FailureCause::Lost;
        self.tell_failed(index, attempt, &cause, true);
        self.journal_end(index, attempt, Outcome::Failed(cause), true, None);
        self.retry_lost(index);
    }

    fn tell_failed(&mut self, index: JobIndex, attempt: Attempt, cause: &FailureCause, will_retry: bool) {
        let cause = cause.clone();
        self.tell_job(index, attempt, JobEvent::Failed { cause, will_retry });
    }

    fn has_too_many_failures(&self) -> bool {
        let failed = self.counts.failed - self.failed_before;
        self.policy
            .max_failures
            .is_some_and(|most| failed >= u64::from(most.get()))
    }

    /// The job has its outcome; nothing more happens to it. Those that come after it are judged.
    pub(crate) fn end_job(&mut self, index: JobIndex, outcome: Outcome, usage: Option<Usage>) {
        let succeeded = outcome == Outcome::Succeeded;
        let successors = self.end_alone(index, outcome, usage);
        if !successors.is_empty() {
            self.judge_successors(index, succeeded, successors);
        }
    }

    /// The job has its outcome. Returns the jobs that come after it.
    pub(crate) fn end_alone(&mut self, index: JobIndex, outcome: Outcome, usage: Option<Usage>) -> Vec<JobIndex> {
        let Some(job) = self.table.get_mut(index) else {
            return Vec::new();
        };
        self.waiting -= u64::from(job.phase.waits());
        job.phase = Phase::Done {
            succeeded: outcome == Outcome::Succeeded,
        };
        let attempt = job.attempt;
        let successors = job.links.take().map(|links| links.successors);
        self.journal_end(index, attempt, outcome.clone(), false, usage);
        self.count(&outcome);
        match &outcome {
            Outcome::Succeeded => self.tell_job(index, attempt, JobEvent::Succeeded),
            Outcome::Failed(_) => {}
            Outcome::Cancelled(_) => self.tell_job(index, attempt, JobEvent::Killed),
        }
        self.act(Action::Ended {
            job: index,
            attempt,
            outcome,
        });
        successors.unwrap_or_default()
    }

    pub(crate) const fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Succeeded => self.counts.succeeded += 1,
            Outcome::Failed(_) => self.counts.failed += 1,
            Outcome::Cancelled(_) => self.counts.cancelled += 1,
        }
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
