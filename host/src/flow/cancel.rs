//! From anywhere: jobs are killed, and runs are stopped.
//!
//! Cancelling one job, a time limit, a halt and a signal all end here. Gatekeepers may veto a kill, except one for a time
//! limit, which is the job's own property; nobody is asked any more after a second signal, whatever became of the first, and
//! nothing is waited for after a third.

use std::time::Duration;

use super::{
    dispatch::{Dispatcher, Haste, Stop},
    event::Action,
    table::{Job, Kill, KillReason, KillStage, Phase},
};
use crate::{
    model::{
        hook::{Hook, Verdict},
        job::{Attempt, JobIndex},
        outcome::{CancelReason, Outcome, StopCause},
        state::State,
    },
    ports::scheduler::Cancel,
};

/// The pause after a kill that failed. The canceller has tried for half a minute by then.
const KILL_AGAIN: Duration = Duration::from_secs(30);

impl Dispatcher {
    /// Cancels a job wherever it is on its way.
    pub(crate) fn cancel(&mut self, index: JobIndex, reason: &CancelReason) {
        let Some(Job { attempt, phase, .. }) = self.table.get_mut(index) else {
            return;
        };
        match phase {
            Phase::Held | Phase::Queued | Phase::Pausing => {
                self.end_job(index, Outcome::Cancelled(reason.clone()), None);
            }
            Phase::Submitting { unwanted } => *unwanted = Some(Box::new(reason.clone())),
            Phase::InFlight(_) => {
                let attempt = *attempt;
                self.kill(index, attempt, KillReason::Cancelled(reason.clone()));
            }
            Phase::Done { .. } => {}
        }
    }

    /// Ends an attempt that the scheduler has, after asking gatekeepers where they have a say.
    pub(crate) fn kill(&mut self, index: JobIndex, attempt: Attempt, why: KillReason) {
        let at_once = self.stops_with(Haste::AtOnce);
        let ask = self.is_gated(Hook::JobKilling) && why != KillReason::TimedOut && !at_once;
        let Some(flight) = self.table.in_flight(index, attempt) else {
            return;
        };
        let job_ref = flight.job_ref(index, attempt);
        let stage = flight.kill.as_ref().map(|kill| kill.stage);
        let action = match stage {
            Some(KillStage::Killing) if at_once => Action::Kill(job_ref, Cancel::AtOnce),
            Some(KillStage::Killing) => return,
            Some(KillStage::Again) if !at_once => return,
            Some(KillStage::Asking) if ask => return,
            None if ask => {
                flight.kill = Some(Kill {
                    why,
                    stage: KillStage::Asking,
                });
                Action::AskKill(job_ref)
            }
            Some(KillStage::Asking | KillStage::Again) | None => {
                flight.kill = Some(Kill {
                    why,
                    stage: KillStage::Killing,
                });
                self.act(Action::ShowState(index, State::Killing));
                Action::Kill(job_ref, self.how_to_kill())
            }
        };
        self.act(action);
    }

    pub(crate) fn on_kill_decided(&mut self, index: JobIndex, attempt: Attempt, verdict: &Verdict) {
        let Some(flight) = self.table.in_flight(index, attempt) else {
            return;
        };
        let Some(kill) = flight.kill.take_if(|kill| kill.stage == KillStage::Asking) else {
            return;
        };
        if *verdict == Verdict::Proceed {
            flight.kill = Some(Kill {
                stage: KillStage::Killing,
                ..kill
            });
            let job_ref = flight.job_ref(index, attempt);
            self.act(Action::ShowState(index, State::Killing));
            self.act(Action::Kill(job_ref, Cancel::Gracefully));
        }
    }

    /// Who asked for the end of a single job may ask again. A time limit, or the end of the run, is not given up.
    pub(crate) fn on_kill_failed(&mut self, index: JobIndex, attempt: Attempt, how: Cancel) {
        if self.stops_with(Haste::AtOnce) && how == Cancel::Gracefully {
            return;
        }
        let stopping = self.stop.is_some();
        let Some(flight) = self.table.in_flight(index, attempt) else {
            return;
        };
        let Some(kill) = flight.kill.as_mut().filter(|kill| kill.stage == KillStage::Killing) else {
            return;
        };
        if stopping || kill.why == KillReason::TimedOut {
            kill.stage = KillStage::Again;
            let pause = KILL_AGAIN;
            self.act(Action::KillLater {
                job: index,
                attempt,
                pause,
            });
            return;
        }
        flight.kill = None;
        let state = match flight.started {
            true => State::Running,
            false => State::Submitted,
        };
        self.act(Action::ShowState(index, state));
    }

    pub(crate) fn on_kill_due(&mut self, index: JobIndex, attempt: Attempt) {
        let how = self.how_to_kill();
        let Some(flight) = self.table.in_flight(index, attempt) else {
            return;
        };
        if let Some(kill) = flight.kill.as_mut().filter(|kill| kill.stage == KillStage::Again) {
            kill.stage = KillStage::Killing;
            let job_ref = flight.job_ref(index, attempt);
            self.act(Action::Kill(job_ref, how));
        }
    }

    /// Whether the run stops with at least this haste.
    pub(crate) fn stops_with(&self, haste: Haste) -> bool {
        self.stop.as_ref().is_some_and(|stop| stop.haste >= haste)
    }

    fn how_to_kill(&self) -> Cancel {
        match self.stops_with(Haste::AtOnce) {
            true => Cancel::AtOnce,
            false => Cancel::Gracefully,
        }
    }

    /// The first signal stops gently, if nobody minds; a second one at once; a third one leaves what still runs.
    pub(crate) fn on_signal(&mut self, signal: i32) {
        self.signals = self.signals.saturating_add(1);
        let cause = StopCause::Signal(signal);
        match self.signals {
            0 | 1 if self.is_gated(Hook::Shutdown) => self.act(Action::AskShutdown(signal)),
            0 | 1 => self.begin_stop(cause),
            2 => self.stop_everything(cause, Haste::AtOnce),
            _ => self.stop_everything(cause, Haste::Leaving),
        }
    }

    pub(crate) fn on_shutdown_decided(&mut self, signal: i32, verdict: &Verdict) {
        if *verdict == Verdict::Proceed {
            self.begin_stop(StopCause::Signal(signal));
        }
    }

    /// Nothing further is started, what waits is cancelled, what runs is killed. A signal outranks every other cause.
    pub(crate) fn begin_stop(&mut self, cause: StopCause) {
        match &self.stop {
            Some(stop) if stop.haste > Haste::Gentle => return,
            Some(stop) if stop.cause == cause || cause.signal().is_none() => return,
            _ => {}
        }
        self.stop_everything(cause, Haste::Gentle);
    }

    fn stop_everything(&mut self, cause: StopCause, haste: Haste) {
        self.stop = Some(Stop { cause, haste });
        self.feed_open = false;
        self.act(Action::Stop { cause, haste });
        self.cancel_all(&cause.into());
    }

    /// Cancels every job that was fed so far and is not over. First those that run: they must not have to wait for a million
    /// that do nothing.
    pub(crate) fn cancel_all(&mut self, reason: &CancelReason) {
        let in_flight: Vec<_> = self.submitting.iter().chain(&self.watched).copied().collect();
        for index in in_flight {
            self.cancel(index, reason);
        }
        self.queue.clear();
        self.expected.clear();
        if self.waiting > 0 {
            // Those that come after others are among them, so nobody has to judge them.
            for index in self.table.waiting() {
                self.end_alone(index, Outcome::Cancelled(reason.clone()), None);
            }
        }
    }
}
