//! After a failed attempt: whether another one follows, and when.

use std::time::Duration;

use super::{
    dispatch::Dispatcher,
    event::Action,
    table::{Job, Phase},
};
use crate::model::{
    job::{Attempt, JobIndex},
    outcome::FailureCause,
    settings::{ErrorStrategy, RetryCause, RetryPolicy},
};

impl Dispatcher {
    pub(crate) fn may_retry(&mut self, index: JobIndex, cause: &FailureCause) -> bool {
        let Self { policy, stop, .. } = self;
        let wanted = policy.error_strategy == ErrorStrategy::Retry && stop.is_none() && mends(&policy.retry, cause);
        wanted
            && self
                .table
                .get_mut(index)
                .is_some_and(|job| job.attempt.retries() < job.retries_allowed)
    }

    /// Another attempt is made, after a pause if the policy has one. A job that pauses holds no slot.
    pub(crate) fn retry(&mut self, index: JobIndex) {
        let Some(attempt) = self.next_attempt(index) else {
            return;
        };
        let pause = pause(&self.policy.retry, index, attempt);
        if pause.is_zero() {
            self.enqueue_retry(index);
        } else {
            self.waits(index, Phase::Pausing);
            self.act(Action::RetryLater {
                job: index,
                attempt,
                pause,
            });
        }
    }

    /// Another attempt is made, at once, beyond those that the job may fail.
    pub(crate) fn retry_lost(&mut self, index: JobIndex) {
        if self.next_attempt(index).is_some() {
            if let Some(job) = self.table.get_mut(index) {
                job.retries_allowed = job.retries_allowed.saturating_add(1);
            }
            self.enqueue_retry(index);
        }
    }

    pub(crate) fn on_retry_due(&mut self, index: JobIndex, attempt: Attempt) {
        if let Some(Job {
            attempt: current,
            phase: Phase::Pausing,
            ..
        }) = self.table.get_mut(index)
            && *current == attempt
        {
            self.enqueue_retry(index);
        }
    }

    fn next_attempt(&mut self, index: JobIndex) -> Option<Attempt> {
        let job = self.table.get_mut(index)?;
        job.attempt = job.attempt.next();
        self.counts.retries += 1;
        Some(job.attempt)
    }
}

/// Whether another attempt may mend this failure.
fn mends(policy: &RetryPolicy, cause: &FailureCause) -> bool {
    policy.only_on.is_empty() || policy.only_on.iter().any(|wanted| is_of_kind(cause, *wanted))
}

/// A shell reports a signal that ended its command as exit code 128 + N, so these two cannot be told apart.
const fn is_of_kind(cause: &FailureCause, kind: RetryCause) -> bool {
    match (kind, cause) {
        (RetryCause::ExitCode(wanted), FailureCause::ExitCode(code)) => *code == wanted,
        (RetryCause::ExitCode(wanted), FailureCause::Signal(signal)) => 128 + *signal == wanted,
        (RetryCause::Signal, FailureCause::Signal(_) | FailureCause::ExitCode(129..=192))
        | (RetryCause::TimedOut, FailureCause::TimedOut)
        | (RetryCause::OutOfMemory, FailureCause::OutOfMemory)
        | (RetryCause::Preempted, FailureCause::Preempted)
        | (RetryCause::NodeFailure, FailureCause::NodeFailure)
        | (RetryCause::NeverStarted, FailureCause::NeverStarted(_))
        | (RetryCause::Lost, FailureCause::Lost)
        | (RetryCause::SubmissionFailed, FailureCause::SubmissionFailed(_))
        | (RetryCause::Other, FailureCause::Other(_)) => true,
        _ => false,
    }
}

/// The pause before an attempt: doubled for each attempt but the second one, a quarter more or less, and never longer than
/// the longest one. What is beyond that is taken off instead, so that jobs stay apart there too.
fn pause(policy: &RetryPolicy, job: JobIndex, attempt: Attempt) -> Duration {
    let doublings = attempt.retries().saturating_sub(1);
    let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
    let usual = policy.delay.saturating_mul(factor).min(policy.longest_delay);
    let quarter = usual / 4;
    let swing = quarter.saturating_mul(2).as_nanos() * u128::from(chance(job, attempt)) / (1 << 32);
    let swing = Duration::from_nanos(u64::try_from(swing).unwrap_or(u64::MAX));
    let pause = (usual - quarter).saturating_add(swing);
    match pause.checked_sub(policy.longest_delay) {
        Some(beyond) => policy.longest_delay.saturating_sub(beyond),
        None => pause,
    }
}

/// A number that looks random and is the same whenever it is asked for: splitmix64's last step.
fn chance(job: JobIndex, attempt: Attempt) -> u32 {
    let mut mixed = (u64::from(job.0) << 32 | u64::from(attempt.get())).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(delay: u64, longest: u64) -> RetryPolicy {
        RetryPolicy {
            delay: Duration::from_secs(delay),
            longest_delay: Duration::from_secs(longest),
            only_on: Vec::new(),
        }
    }

    /// The shortest and the longest pause of a thousand jobs before this attempt, in milliseconds.
    fn range(policy: &RetryPolicy, attempt: u32) -> (u128, u128) {
        let pauses = (0..1000).map(|job| pause(policy, JobIndex(job), Attempt::new(attempt)).as_millis());
        pauses.fold((u128::MAX, 0), |(least, most), pause| {
            (least.min(pause), most.max(pause))
        })
    }

    fn is_about((least, most): (u128, u128), expected: (u128, u128)) -> bool {
        let near = |is: u128, expected: u128| is.abs_diff(expected) <= expected / 100;
        least >= expected.0 && most <= expected.1 && near(least, expected.0) && near(most, expected.1)
    }

    #[test]
    fn pauses_double_and_differ_by_a_quarter() {
        let policy = policy(8, 600);
        for (attempt, usual) in [(2, 8_000), (3, 16_000), (4, 32_000)] {
            let range = range(&policy, attempt);
            assert!(is_about(range, (usual * 3 / 4, usual * 5 / 4)), "{attempt}: {range:?}");
        }
    }

    #[test]
    fn no_pause_is_longer_than_the_longest_and_they_still_differ() {
        for attempt in [5, 40, u32::MAX] {
            let range = range(&policy(8, 60), attempt);
            assert!(is_about(range, (45_000, 60_000)), "{attempt}: {range:?}");
        }
        assert_eq!(range(&policy(0, 600), 9), (0, 0));
        let endless = RetryPolicy {
            delay: Duration::MAX,
            longest_delay: Duration::MAX,
            only_on: Vec::new(),
        };
        assert!(pause(&endless, JobIndex(0), Attempt::new(9)) > Duration::from_secs(1 << 32));
    }

    #[test]
    fn only_the_failures_that_were_named_are_tried_again() {
        let only = |only_on: &[RetryCause]| RetryPolicy {
            only_on: only_on.to_vec(),
            ..RetryPolicy::default()
        };
        assert!(mends(&only(&[]), &FailureCause::Lost));
        let some = only(&[RetryCause::ExitCode(75), RetryCause::TimedOut, RetryCause::NeverStarted]);
        assert!(mends(&some, &FailureCause::ExitCode(75)));
        assert!(mends(&some, &FailureCause::TimedOut));
        assert!(mends(&some, &FailureCause::NeverStarted("x".into())));
        assert!(!mends(&some, &FailureCause::ExitCode(1)));
        assert!(!mends(&some, &FailureCause::Signal(9)));
    }

    #[test]
    fn signals_look_the_same_with_and_without_a_shell() {
        for cause in [FailureCause::Signal(9), FailureCause::ExitCode(137)] {
            assert!(is_of_kind(&cause, RetryCause::Signal), "{cause}");
            assert!(is_of_kind(&cause, RetryCause::ExitCode(137)), "{cause}");
            assert!(!is_of_kind(&cause, RetryCause::ExitCode(138)), "{cause}");
        }
        assert!(!is_of_kind(&FailureCause::ExitCode(128), RetryCause::Signal));
    }
}
