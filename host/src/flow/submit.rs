//! Third step: what became of handing an attempt to the scheduler.

use super::{
    dispatch::Dispatcher,
    event::{Action, Submission},
    table::{InFlight, Job, KillReason, Phase},
};
use crate::model::{
    hook::JobEvent,
    job::{Attempt, JobIndex},
    outcome::{CancelReason, FailureCause, Outcome},
    record::Change,
    run::BackendJobId,
};

impl Dispatcher {
    pub(crate) fn on_submitted(&mut self, index: JobIndex, attempt: Attempt, result: Submission) {
        let Some(Job {
            attempt: current,
            phase: Phase::Submitting { unwanted },
            ..
        }) = self.table.get_mut(index)
        else {
            return;
        };
        if *current != attempt {
            return;
        }
        let unwanted = unwanted.take();
        self.submitting.remove(&index);
        match result {
            Submission::Taken(id) => self.on_taken(index, attempt, id, unwanted),
            Submission::Running(id) => {
                self.on_taken(index, attempt, id, unwanted);
                self.on_running(index, attempt);
            }
            Submission::Vetoed { plugin, reason } => {
                let outcome = Outcome::Cancelled(CancelReason::Vetoed { plugin, reason });
                self.act(Action::Record(index, outcome.clone()));
                self.end_job(index, outcome, None);
            }
            Submission::Failed(why) => {
                let cause = FailureCause::SubmissionFailed(why);
                self.act(Action::Record(index, Outcome::Failed(cause.clone())));
                self.attempt_failed(index, attempt, cause, None);
            }
            Submission::GivenUp { prepared } => {
                let reason = unwanted.map_or(CancelReason::Requested, |unwanted| *unwanted);
                let outcome = Outcome::Cancelled(reason);
                if prepared {
                    // Without an exit code: whoever goes on with the run must not take it for one that ran.
                    self.act(Action::ShowState(index, outcome.state()));
                }
                self.end_job(index, outcome, None);
            }
            Submission::Unrecorded => match unwanted {
                Some(reason) => self.end_job(index, Outcome::Cancelled(*reason), None),
                None => self.put_back(index),
            },
        }
    }

    fn on_taken(&mut self, index: JobIndex, attempt: Attempt, id: BackendJobId, unwanted: Option<Box<CancelReason>>) {
        let flight = InFlight {
            id,
            started: false,
            adopted: false,
            unknown: 0,
            kill: None,
        };
        let job_ref = flight.job_ref(index, attempt);
        if let Some(job) = self.table.get_mut(index) {
            job.phase = Phase::InFlight(Box::new(flight));
        }
        self.watched.insert(index);
        let id = job_ref.id.clone();
        self.act(Action::Journal(index, Change::Submitted { attempt, id }));
        self.tell_job(index, attempt, JobEvent::Submitted);
        self.act(Action::Watch(job_ref));
        if let Some(reason) = unwanted {
            self.kill(index, attempt, KillReason::Cancelled(*reason));
        }
    }
}
