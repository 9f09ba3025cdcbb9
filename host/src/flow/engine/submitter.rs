//! Carries a submission out: gate, snippets and script or just a directory, hand over. One task for each batch of attempts.

use std::{fmt::Display, sync::Arc};

use tokio::sync::watch;

use super::{Mail, Parts};
use crate::{
    adapters::workdir::script,
    flow::event::{Event, Submission},
    model::{
        hook::{Hook, Snippets, Verdict},
        job::{Attempt, JobIndex},
        run::{BackendJobId, JobAttempt, JobRef},
    },
    ports::{
        hooks::{AfterFailure, HookFailure, Question},
        scheduler::{CallError, CallErrorKind, Preparation, Watching, Wrapping},
    },
};

/// What submissions have to wait for, and what ends them.
#[derive(Clone, Debug)]
pub(super) struct Signs {
    /// How many jobs have been recorded.
    pub(super) recorded: watch::Receiver<u32>,
    /// Whether nothing further is to start.
    pub(super) stopping: watch::Receiver<bool>,
}

/// Submits a batch and reports what became of each attempt. Jobs start when they are recorded: what starts before would be
/// new to a process that goes on with the run.
pub(super) async fn submit(parts: Arc<Parts>, batch: Vec<(JobIndex, Attempt)>, mail: Mail, mut signs: Signs) {
    let wanted = batch
        .iter()
        .filter_map(|(job, attempt)| parts.book.begin(*job, *attempt))
        .collect::<Vec<_>>();
    let recorded = signs.recorded(&batch).await;
    let submitter = Submitter {
        parts,
        mail,
        stopping: signs.stopping,
    };
    if let Err(refusal) = recorded {
        return submitter.refuse(&wanted, &refusal);
    }
    let allowed = submitter.gate(wanted).await;
    if submitter.is_stopping() {
        return submitter.refuse(&allowed, &Submission::GivenUp { prepared: false });
    }
    let prepared = submitter.prepare(allowed).await;
    submitter.hand_over(prepared).await;
}

impl Signs {
    /// Waits until all of these jobs are recorded.
    async fn recorded(&mut self, batch: &[(JobIndex, Attempt)]) -> Result<(), Submission> {
        let jobs = batch.iter().map(|(job, _)| job.0.saturating_add(1)).max();
        tokio::select! {
            biased;
            _ = self.stopping.wait_for(|stopping| *stopping) => Err(Submission::GivenUp { prepared: false }),
            // Fails when there is nobody left who records.
            recorded = self.recorded.wait_for(|recorded| Some(*recorded) >= jobs) => match recorded {
                Ok(_) => Ok(()),
                Err(_) => Err(Submission::Unrecorded),
            },
        }
    }
}

struct Submitter {
    parts: Arc<Parts>,
    mail: Mail,
    stopping: watch::Receiver<bool>,
}

impl Submitter {
    fn report(&self, attempt: &JobAttempt, result: Submission) {
        self.mail.send(Event::Submitted {
            job: attempt.job,
            attempt: attempt.attempt,
            result,
        });
    }

    fn refuse(&self, attempts: &[JobAttempt], why: &Submission) {
        attempts.iter().for_each(|attempt| self.report(attempt, why.clone()));
    }

    fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Waits until nothing further is to start. Plugins that are being asked then are asked in vain.
    async fn stopped(&self) {
        if self.stopping.clone().wait_for(|stopping| *stopping).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    fn fail(&self, attempt: &JobAttempt, why: &dyn Display) {
        self.report(attempt, Submission::Failed(why.to_string()));
    }

    /// The scheduler said no. When it is gone there is no point in asking it about others, so that is told first.
    fn scheduler_failed(&self, attempt: &JobAttempt, error: &CallError) {
        if error.kind == CallErrorKind::PluginGone {
            self.mail.send(Event::PluginFailed);
        }
        self.fail(attempt, error);
    }

    fn plugin_failed(&self, attempt: &JobAttempt, failure: &HookFailure) {
        self.fail(attempt, failure);
        if failure.then == AfterFailure::Halt {
            self.mail.send(Event::PluginFailed);
        }
    }

    /// Keeps the attempts that every gatekeeper lets go; all of them when the run stops before that is known.
    async fn gate(&self, attempts: Vec<JobAttempt>) -> Vec<JobAttempt> {
        let hooks = &self.parts.hooks;
        if !hooks.gated().contains(Hook::JobSubmitting) {
            return attempts;
        }
        let questions: Vec<_> = attempts.iter().map(Question::Submitting).collect();
        let verdicts = tokio::select! {
            biased;
            () = self.stopped() => return attempts,
            verdicts = hooks.decide(&questions) => verdicts,
        };
        let mut allowed = Vec::with_capacity(attempts.len());
        for (attempt, verdict) in attempts.into_iter().zip(verdicts) {
            match verdict {
                Ok(Verdict::Proceed) => allowed.push(attempt),
                Ok(Verdict::Veto { plugin, reason }) => self.report(&attempt, Submission::Vetoed { plugin, reason }),
                Err(failure) => self.plugin_failed(&attempt, &failure),
            }
        }
        allowed
    }

    /// Keeps the attempts that are ready for the scheduler.
    async fn prepare(&self, attempts: Vec<JobAttempt>) -> Vec<JobAttempt> {
        match self.parts.scheduler.preparation() {
            Preparation::Script => self.write_scripts(attempts).await,
            Preparation::Directory => self.make_directories(attempts),
            Preparation::Nothing => attempts,
        }
    }

    /// Keeps the attempts that have a job directory.
    fn make_directories(&self, mut attempts: Vec<JobAttempt>) -> Vec<JobAttempt> {
        attempts.retain(|attempt| {
            let made = self.parts.workdir.prepare_without_script(attempt);
            if let Err(error) = &made {
                self.fail(attempt, error);
            }
            made.is_ok()
        });
        attempts
    }

    /// Keeps the attempts whose scripts stand in their job directories.
    async fn write_scripts(&self, attempts: Vec<JobAttempt>) -> Vec<JobAttempt> {
        if attempts.is_empty() {
            return attempts;
        }
        let (wrappings, snippets) = tokio::select! {
            biased;
            () = self.stopped() => {
                self.refuse(&attempts, &Submission::GivenUp { prepared: false });
                return Vec::new();
            }
            asked = async { (self.parts.scheduler.wrap(&attempts).await, self.snippets(&attempts).await) } => asked,
        };
        let mut written = Vec::with_capacity(attempts.len());
        for ((attempt, wrapping), snippets) in attempts.into_iter().zip(wrappings).zip(snippets) {
            let made = match (wrapping, snippets) {
                (_, Err(failure)) => {
                    self.plugin_failed(&attempt, &failure);
                    continue;
                }
                (Err(error), _) => {
                    self.scheduler_failed(&attempt, &error);
                    continue;
                }
                (Ok(wrapping), Ok(snippets)) => self.write(&attempt, &wrapping, &snippets),
            };
            match made {
                Ok(()) => {
                    self.parts.lookout.watch(&self.parts.workdir, &attempt);
                    written.push(attempt);
                }
                Err(why) => self.fail(&attempt, &why),
            }
        }
        written
    }

    async fn snippets(&self, attempts: &[JobAttempt]) -> Vec<Result<Snippets, HookFailure>> {
        let hooks = &self.parts.hooks;
        if hooks.scripted().iter().next().is_none() {
            return attempts.iter().map(|_| Ok(Snippets::default())).collect();
        }
        hooks.snippets(attempts).await
    }

    fn write(&self, attempt: &JobAttempt, wrapping: &Wrapping, snippets: &Snippets) -> Result<(), String> {
        let script = script::render(attempt, &self.parts.run, wrapping, snippets).map_err(|error| error.to_string())?;
        self.parts
            .workdir
            .prepare(attempt, &script)
            .map_err(|error| error.to_string())
    }

    /// Hands attempts to the scheduler; those that it cannot take just now are tried again until it can.
    async fn hand_over(&self, mut waiting: Vec<JobAttempt>) {
        while !waiting.is_empty() {
            let pass = tokio::select! {
                biased;
                () = self.stopped() => return self.refuse(&waiting, &Submission::GivenUp { prepared: true }),
                pass = self.parts.breaker.pass() => pass,
            };
            let results = self.parts.scheduler.submit(&waiting).await;
            waiting = self.sort_out(waiting, results);
            drop(pass);
        }
    }

    /// Reports what was decided; returns what is to be tried again.
    fn sort_out(&self, attempts: Vec<JobAttempt>, results: Vec<Result<BackendJobId, CallError>>) -> Vec<JobAttempt> {
        let (mut later, mut trouble) = (Vec::new(), None);
        for (attempt, result) in attempts.into_iter().zip(results) {
            match result {
                Ok(id) => self.taken(&attempt, id),
                Err(error) if error.kind.may_retry() => {
                    later.push(attempt);
                    trouble = Some(error);
                }
                Err(error) => self.scheduler_failed(&attempt, &error),
            }
        }
        let (breaker, scheduler) = (&self.parts.breaker, self.parts.scheduler.name());
        match trouble {
            Some(error) => breaker.fails(scheduler, &error),
            None => breaker.works(scheduler),
        }
        later
    }

    fn taken(&self, attempt: &JobAttempt, id: BackendJobId) {
        let job_ref = JobRef {
            job: attempt.job,
            attempt: attempt.attempt,
            id,
        };
        if self.parts.keeps_directories()
            && let Err(error) = self.parts.workdir.record_id(&job_ref)
        {
            tracing::warn!(job = attempt.job.0, "the backend job id could not be written: {error}");
        }
        tracing::info!(
            job = attempt.job.0,
            attempt = attempt.attempt.get(),
            id = &*job_ref.id,
            "submitted"
        );
        let result = match self.parts.scheduler.watching() {
            Watching::Wait => Submission::Running(job_ref.id),
            Watching::Poll => Submission::Taken(job_ref.id),
        };
        self.report(attempt, result);
    }
}
