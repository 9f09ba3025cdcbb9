//! Learns of attempts from what their scripts do in their job directories, earlier than from asking the backend.

use super::Engine;
use crate::{
    adapters::workdir::lookout::{Lookout, Notice, Sign},
    flow::event::Event,
    model::{
        job::{Attempt, JobIndex},
        outcome::{Observation, Outcome},
    },
    ports::scheduler::{Preparation, Scheduler, Watching},
};

impl Engine {
    pub(super) fn on_notice(&mut self, notice: Notice) {
        let Notice::Script(job, attempt, sign) = notice else {
            return self.rhythm.hurry();
        };
        match (sign, self.dispatcher.has_started(job, attempt)) {
            (Sign::Over, Some(_)) => self.on_script_over(job, attempt),
            (Sign::Over, None) => _ = self.early.insert(job, attempt),
            (Sign::Wrote, Some(false)) if self.parts.workdir.shows_running(job) => {
                self.observe(job, attempt, Observation::Running, None);
            }
            (Sign::Wrote, _) => {}
        }
    }

    /// A script is over: asks why, unless that makes no difference.
    pub(super) fn on_script_over(&mut self, job: JobIndex, attempt: Attempt) {
        let scheduler = &self.parts.scheduler;
        match self.parts.workdir.reported_rc(job) {
            Some(0) if scheduler.preferences().zero_is_final => {
                self.observe(job, attempt, Observation::Ended(Outcome::Succeeded), Some(0));
            }
            _ => self.rhythm.hurry(),
        }
    }

    fn observe(&mut self, job: JobIndex, attempt: Attempt, observation: Observation, reported: Option<i32>) {
        self.dispatcher.handle(Event::Observed {
            job,
            attempt,
            observation,
            reported,
            usage: None,
        });
    }
}

/// Where ends are no events, job directories tell of them.
pub(crate) fn lookout(scheduler: &dyn Scheduler) -> Lookout {
    match (scheduler.watching(), scheduler.preparation()) {
        (Watching::Poll, Preparation::Script) => Lookout::open(),
        _ => Lookout::default(),
    }
}
