//! Learns what became of attempts: waits where the end is an event, asks for all of them at once where it is not.

use std::{future::pending, sync::Arc, time::Duration};

use tokio::{
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use super::{Mail, Parts};
use crate::{
    flow::{event::Event, watch::LOST},
    model::{
        hook::Hook,
        outcome::{FailureCause, Observation, Outcome},
        record::Usage,
        run::JobRef,
    },
    ports::scheduler::{CallErrorKind, Preparation, Watching},
};

/// Why a command never ran although all went well.
const BEFORE_COMMAND: &str = "its script ended before its command and left no exit code; bash of a plugin, or the prescript, \
                              ended or replaced the shell";

/// An attempt that is asked about, and whether "it runs" would be news.
pub(crate) type Asked = (JobRef, bool);

/// Waits for the end of one attempt.
pub(super) async fn wait(parts: Arc<Parts>, job: JobRef, mail: Mail) {
    let (observation, usage) = parts.scheduler.wait(&job).await;
    mail.send(observed(&parts, &job, observation, usage));
}

/// Puts what the backend says and what the job itself left together.
fn observed(parts: &Parts, job: &JobRef, observation: Observation, usage: Option<Usage>) -> Event {
    let reported = match (&observation, parts.scheduler.preparation()) {
        (Observation::Queued(_) | Observation::Running | Observation::NeverBegan, _) | (_, Preparation::Nothing) => {
            None
        }
        // Whoever started it without a script knows how it ended, unless it was started by another.
        (Observation::Ended(outcome), Preparation::Directory) if *outcome != LOST => None,
        (Observation::Ended(_) | Observation::Unknown, _) => parts.workdir.reported_rc(job.job),
    };
    let observation = match observation {
        // Nobody but the script knows that it was another program, or nothing at all, that ended so well.
        Observation::Ended(Outcome::Succeeded)
            if reported.is_none()
                && parts.scheduler.preparation() == Preparation::Script
                && parts.workdir.stopped_before_command(job.job) =>
        {
            Observation::Ended(Outcome::Failed(FailureCause::NeverStarted(BEFORE_COMMAND.to_owned())))
        }
        observation => observation,
    };
    Event::Observed {
        job: job.job,
        attempt: job.attempt,
        observation,
        reported,
        usage,
    }
}

/// When to ask next: soon while something changes, less and less often while nothing does, and never while nothing is in
/// flight.
#[derive(Debug)]
pub(super) struct Rhythm {
    watching: Watching,
    shortest: Duration,
    longest: Duration,
    pause: Duration,
    /// When the last answer came.
    answered: Option<Instant>,
    /// Whether something was noticed since the question was asked that is under way.
    hurried: bool,
    /// Whether anybody wants to be asked at all: where ends are events, only an observer of `polling` does.
    wanted: bool,
    beating: Beating,
}

#[derive(Debug)]
enum Beating {
    Idle,
    Resting { until: Instant },
    Asking(JoinHandle<bool>),
}

/// What a beat means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// It is time to ask.
    Ask,
    /// The answer has come.
    Answered,
}

impl Rhythm {
    pub(super) fn new(parts: &Parts) -> Self {
        let watching = parts.scheduler.watching();
        let shortest = parts.scheduler.preferences().poll_pause;
        let longest = parts.run.settings.recheck_interval.max(shortest);
        let pause = match watching {
            Watching::Wait => longest,
            Watching::Poll => shortest,
        };
        let wanted = watching == Watching::Poll || parts.hooks.observed().contains(Hook::JobPolling);
        Self {
            watching,
            shortest,
            longest,
            pause,
            answered: None,
            hurried: false,
            wanted,
            beating: Beating::Idle,
        }
    }

    /// Something is in flight: asks after a pause, unless that is under way already.
    pub(super) fn arm(&mut self) {
        if self.wanted && matches!(self.beating, Beating::Idle) {
            self.beating = Beating::Resting {
                until: Instant::now() + self.pause,
            };
        }
    }

    /// Something happened of which the backend may know more: asks as soon as it may be asked again.
    pub(super) fn hurry(&mut self) {
        let soon = self.answered.map_or_else(Instant::now, |at| at + self.shortest);
        match &mut self.beating {
            Beating::Idle => {}
            Beating::Resting { until } => *until = soon.min(*until),
            Beating::Asking(_) => self.hurried = true,
        }
        self.pause = self.shortest;
    }

    /// The question is on its way.
    pub(super) fn asking(&mut self, answer: JoinHandle<bool>) {
        self.beating = Beating::Asking(answer);
    }

    /// Waits for the next beat; for ever, while idle. Safe to drop and call again.
    pub(super) async fn beat(&mut self) -> Beat {
        let beat = match &mut self.beating {
            Beating::Idle => pending().await,
            Beating::Resting { until } => {
                sleep_until(*until).await;
                Beat::Ask
            }
            Beating::Asking(answer) => {
                let news = answer.await.unwrap_or(false);
                self.answered = Some(Instant::now());
                let hurried = std::mem::take(&mut self.hurried);
                self.adapt(news || hurried);
                Beat::Answered
            }
        };
        self.beating = Beating::Idle;
        beat
    }

    fn adapt(&mut self, news: bool) {
        self.pause = match self.watching {
            Watching::Wait => self.longest,
            Watching::Poll if news => self.shortest,
            Watching::Poll => (self.pause * 3 / 2).min(self.longest),
        };
    }
}

/// Asks about all attempts in flight, once. Whether the answer held any news.
pub(super) async fn ask(parts: Arc<Parts>, asked: Vec<Asked>, mail: Mail) -> bool {
    let (refs, running): (Vec<JobRef>, Vec<bool>) = asked.into_iter().unzip();
    let answers = match parts.scheduler.watching() {
        Watching::Wait => Ok(vec![Observation::Running; refs.len()]),
        Watching::Poll => parts.scheduler.poll(&refs).await,
    };
    let answers = answers.or_else(|error| match error.kind {
        // Nobody can be asked any more. The run ends with what the jobs themselves leave.
        CallErrorKind::PluginGone => {
            mail.send(Event::PluginFailed);
            Ok(vec![Observation::Unknown; refs.len()])
        }
        _ => Err(error),
    });
    let all = parts.hooks.observed().contains(Hook::JobPolling);
    let mut news = false;
    let (breaker, scheduler) = (&parts.breaker, parts.scheduler.name());
    match answers {
        Ok(answers) => {
            breaker.answers(scheduler);
            parts.reasons.tell(scheduler, &answers);
            for ((job, runs_already), answer) in refs.iter().zip(running).zip(answers) {
                let changed = !(runs_already && answer == Observation::Running);
                news |= changed && !matches!(answer, Observation::Queued(_));
                if changed || all {
                    mail.send(observed(&parts, job, answer, None));
                }
            }
        }
        Err(error) if error.kind.may_retry() => breaker.fails(scheduler, &error),
        Err(error) => tracing::warn!(scheduler, "the status of jobs is not known just now: {error}"),
    }
    news
}
