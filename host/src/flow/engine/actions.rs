//! Carries out single actions. When, and what becomes of what is to be recorded, is the loop's business.

use std::sync::Arc;

use super::{
    Engine, Mail, Parts, canceller,
    deadlines::Due,
    submitter::{self, Signs},
    watcher,
};
use crate::{
    flow::event::{Action, Event},
    model::{
        job::{Attempt, JobIndex},
        outcome::Outcome,
        record::Entry,
        run::JobRef,
    },
    ports::scheduler::{Cancel, Watching},
};

impl Engine {
    /// Does what the dispatcher wants done, and puts down what is for the journal.
    pub(super) fn act(&mut self, actions: Vec<Action>) {
        let mut kills = Kills::default();
        let at = self.parts.clock.timestamp();
        for action in actions {
            match action {
                Action::Submit(batch) => self.submit(batch),
                Action::Watch(job) => self.watch(job),
                Action::StartTimeout(job) => self.start_timeout(&job),
                Action::RetryLater { job, attempt, pause } => {
                    tracing::info!(job = job.0, "tried again in {pause:.1?}");
                    self.deadlines.start(job, attempt, Due::Retry, pause);
                }
                Action::AskKill(job) => {
                    tokio::spawn(canceller::ask_kill(self.parts.clone(), job, self.mail.clone()));
                }
                Action::Kill(job, how) => kills.add(job, how),
                Action::AskShutdown(signal) => {
                    tokio::spawn(canceller::ask_shutdown(self.parts.clone(), signal, self.mail.clone()));
                }
                Action::KillLater { job, attempt, pause } => self.deadlines.start(job, attempt, Due::Kill, pause),
                Action::Stop { cause, haste } => {
                    canceller::announce(cause, haste);
                    self.stopping.send_replace(true);
                }
                Action::ShowState(..) | Action::Record(..) if !self.parts.keeps_directories() => {}
                Action::ShowState(job, state) => {
                    if let Err(error) = self.parts.workdir.record_state(job, state) {
                        tracing::warn!(job = job.0, "the state could not be written: {error}");
                    }
                }
                Action::Record(job, outcome) => self.record(job, &outcome),
                Action::Journal(job, change) => self.pending.entries.push(Entry { at, job, change }),
                Action::Tell(fact) => self.pending.facts.push(fact),
                Action::Ended { job, attempt, outcome } => {
                    // A stop names the jobs to kill before the many that never started.
                    kills.carry_out(&self.parts, &self.mail);
                    self.ended(job, attempt, outcome);
                }
                Action::Finish => self.finished = true,
            }
        }
        kills.carry_out(&self.parts, &self.mail);
    }

    fn submit(&self, batch: Vec<(JobIndex, Attempt)>) {
        let signs = Signs {
            recorded: self.recorded.clone(),
            stopping: self.stopping.subscribe(),
        };
        let submission = submitter::submit(self.parts.clone(), batch, self.mail.clone(), signs);
        tokio::spawn(submission);
    }

    fn watch(&mut self, job: JobRef) {
        if self.parts.scheduler.watching() == Watching::Wait {
            tokio::spawn(watcher::wait(self.parts.clone(), job, self.mail.clone()));
            return self.rhythm.arm();
        }
        self.rhythm.arm();
        if self.early.remove(&job.job) == Some(job.attempt) {
            self.on_script_over(job.job, job.attempt);
        }
    }

    fn start_timeout(&mut self, job: &JobRef) {
        if let Some(limit) = self.parts.book.timeout(job.job) {
            self.deadlines.start(job.job, job.attempt, Due::TimeLimit, limit);
        }
    }

    fn record(&mut self, job: JobIndex, outcome: &Outcome) {
        if self.homeless {
            return;
        }
        if let Err(error) = self.parts.workdir.record_outcome(job, outcome) {
            if self.parts.workdir.is_gone() {
                self.homeless = true;
                tracing::error!("{}; the run stops", self.parts.gone());
                self.mail.send(Event::WorkdirGone);
                return;
            }
            tracing::error!(
                job = job.0,
                "the outcome could not be written to the job directory: {error}"
            );
        }
    }

    fn ended(&mut self, job: JobIndex, attempt: Attempt, outcome: Outcome) {
        self.parts.workdir.job_ended(job);
        self.parts.lookout.forget(job);
        match &outcome {
            Outcome::Succeeded => tracing::info!(job = job.0, "succeeded"),
            Outcome::Failed(cause) => tracing::info!(job = job.0, attempt = attempt.get(), "failed: {cause}"),
            Outcome::Cancelled(reason) => tracing::info!(job = job.0, "cancelled: {reason}"),
        }
        self.failures.add(job, attempt, outcome);
    }
}

/// The kills of one decision, so that a backend is told of as many as possible at once.
#[derive(Debug, Default)]
struct Kills {
    gracefully: Vec<JobRef>,
    at_once: Vec<JobRef>,
}

impl Kills {
    fn add(&mut self, job: JobRef, how: Cancel) {
        match how {
            Cancel::Gracefully => self.gracefully.push(job),
            Cancel::AtOnce => self.at_once.push(job),
        }
    }

    fn carry_out(&mut self, parts: &Arc<Parts>, mail: &Mail) {
        for (jobs, how) in [
            (&mut self.gracefully, Cancel::Gracefully),
            (&mut self.at_once, Cancel::AtOnce),
        ] {
            if !jobs.is_empty() {
                tokio::spawn(canceller::kill(parts.clone(), std::mem::take(jobs), how, mail.clone()));
            }
        }
    }
}
