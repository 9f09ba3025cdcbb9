//! The jobs that a summary tells of: the first that did not succeed.

use crate::model::{
    job::{Attempt, JobIndex},
    outcome::{CancelReason, Outcome},
};

/// How many jobs are kept in detail.
const KEPT: usize = 10;

/// A job that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) job: JobIndex,
    /// Its last attempt.
    pub(crate) attempt: Attempt,
    pub(crate) outcome: Outcome,
}

/// The first jobs that did not succeed. Those with a reason of their own go before those that came after one of these.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    own: Vec<Ended>,
    dependent: Vec<Ended>,
}

impl Failures {
    pub(crate) fn add(&mut self, job: JobIndex, attempt: Attempt, outcome: Outcome) {
        let kept = match &outcome {
            Outcome::Failed(_) | Outcome::Cancelled(CancelReason::Vetoed { .. } | CancelReason::InBackend) => {
                &mut self.own
            }
            Outcome::Cancelled(CancelReason::Dependency(_)) => &mut self.dependent,
            Outcome::Succeeded | Outcome::Cancelled(_) => return,
        };
        if kept.len() < KEPT {
            kept.push(Ended { job, attempt, outcome });
        }
    }

    pub(crate) fn into_list(self) -> Vec<Ended> {
        self.own.into_iter().chain(self.dependent).take(KEPT).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outcome::FailureCause;

    #[test]
    fn those_that_failed_themselves_come_first() {
        let mut failures = Failures::default();
        let mut add = |job, outcome| failures.add(JobIndex(job), Attempt::FIRST, outcome);
        add(0, Outcome::Failed(FailureCause::Lost));
        for job in 1..20 {
            add(job, Outcome::Cancelled(CancelReason::Dependency(JobIndex(0))));
        }
        add(20, Outcome::Cancelled(CancelReason::Halted));
        add(21, Outcome::Succeeded);
        add(22, Outcome::Failed(FailureCause::ExitCode(1)));
        let kept: Vec<_> = failures.into_list().into_iter().map(|ended| ended.job.0).collect();
        assert_eq!(kept, [0, 22, 1, 2, 3, 4, 5, 6, 7, 8]);
    }
}
