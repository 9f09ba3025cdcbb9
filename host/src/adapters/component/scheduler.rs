//! A scheduler that a plugin brings, as the flow sees it. All answers are checked before they are believed.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{
    contract::{
        bindings::{Guests, scheduler as wit, types},
        convert, schema,
    },
    error::StartError,
    instance::{
        call::{CallFailure, CallFailureKind},
        health::{Health, PluginReport},
        limits::Pace,
        pool::{Borrowed, Pool},
        state::{RunContext, Stage},
    },
    load::describe::OptionInfo,
};
use crate::{
    adapters::process::bereft,
    model::{
        job::{Attempt, JobIndex},
        options::Options,
        outcome::Observation,
        record::Usage,
        run::{BackendJobId, JobAttempt, JobRef},
    },
    ports::scheduler::{CallError, CallErrorKind, Cancel, Preferences, Scheduler, Watching, Wrapping},
};

/// The most bytes of a backend's job id.
const LONGEST_ID: usize = 256;
/// The most lines, and the most bytes of one, that a plugin may put at the top of a script.
const MOST_DIRECTIVES: usize = 1000;
const LONGEST_DIRECTIVE: usize = 16 * 1024;

/// A scheduler plugin in a run.
pub struct ComponentScheduler {
    pub(super) pool: Pool,
    /// What it was given when it was opened, and what each job's own options override.
    pub(super) options: Options,
    pub(super) known: Vec<OptionInfo>,
    /// Whether it asks for the right to change scripts; otherwise `wrap` is never called.
    pub(super) wraps: bool,
    pub(super) preferences: Preferences,
    pub(super) health: Health,
}

/// How long programs that a killed process left behind are waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// After this many failed calls in a row, a scheduler is not called any more, and the run stops.
pub(super) const MOST_FAILURES: u32 = 5;

impl ComponentScheduler {
    /// Starts one instance and lets it look at its options.
    pub(super) async fn open(&self) -> Result<(), StartError> {
        self.opened().await?.give_back();
        Ok(())
    }

    /// An instance that was opened.
    async fn opened(&self) -> Result<Borrowed<'_>, StartError> {
        let mut borrowed = self.pool.borrow().await?;
        if !borrowed.fresh {
            return Ok(borrowed);
        }
        let context = self.context("scheduler.open")?;
        let run = context.info();
        let options = convert::options(&self.options);
        let guests = borrowed.instance().guests();
        let function = self.exported(&guests)?.func_open();
        let call = borrowed.call("scheduler.open", Pace::Scheduler, function, (&options[..], &run));
        let (answer,) = call.await?;
        let plugin = self.name().to_owned();
        match answer.map_err(convert::error) {
            Ok(()) => Ok(borrowed),
            Err(error) if error.kind == CallErrorKind::InvalidOptions => {
                let message = error.message;
                Err(StartError::InvalidOptions { plugin, message })
            }
            Err(error) => Err(StartError::NotOpened {
                plugin,
                message: error.to_string(),
            }),
        }
    }

    fn context(&self, call: &'static str) -> Result<&RunContext, CallFailure> {
        match &self.pool.identity.stage {
            Stage::Running(context) => Ok(context),
            Stage::Describing => Err(self.failure(call, "no run")),
        }
    }

    fn exported<'a>(&self, guests: &'a Guests) -> Result<&'a wit::Guest, CallFailure> {
        guests
            .scheduler
            .as_ref()
            .ok_or_else(|| self.failure("scheduler", "without exporting it"))
    }

    fn failure(&self, call: &'static str, answer: impl Into<String>) -> CallFailure {
        CallFailure {
            plugin: Arc::clone(&self.pool.identity.name),
            call: call.into(),
            kind: CallFailureKind::BadAnswer(answer.into()),
        }
    }

    /// One answer for each question, or nothing is believed.
    fn counted<T>(&self, call: &'static str, answers: Vec<T>, asked: usize) -> Result<Vec<T>, StartError> {
        if answers.len() != asked {
            let answer = format!("{} entries where {asked} were asked for", answers.len());
            return Err(self.failure(call, answer).into());
        }
        Ok(answers)
    }

    /// The jobs as the plugin sees them: its own options come before those of the job.
    fn jobs(&self, jobs: &[JobAttempt]) -> Vec<types::Job> {
        let with_options = |attempt: &JobAttempt| {
            let mut job = convert::job(attempt);
            job.options = convert::options(&self.options.overridden_by(&attempt.options));
            job
        };
        jobs.iter().map(with_options).collect()
    }

    /// An earlier process of the run may have been killed while programs were on their way to the backend: what they are about
    /// to hand over would not be found yet, and would be submitted twice.
    async fn await_the_bereft(&self) {
        let Stage::Running(context) = &self.pool.identity.stage else {
            return;
        };
        match bereft::ended(&context.run.tag, PATIENCE).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(
                "programs that an earlier process of this run started still run after {PATIENCE:?}; what they submit may run twice"
            ),
            Err(error) => tracing::warn!("it is not known whether programs of an earlier process still run: {error}"),
        }
    }

    /// How the plugin fared so far.
    pub fn report(&self) -> PluginReport {
        self.health.report(&self.pool.identity)
    }

    /// Makes a call, unless the plugin failed too often.
    async fn supervised<T>(
        &self,
        call: &'static str,
        trying: impl Future<Output = Result<T, StartError>>,
    ) -> Result<T, CallError> {
        if let Some(message) = self.health.unavailable(self.name()) {
            let kind = CallErrorKind::PluginGone;
            return Err(CallError { kind, message });
        }
        let answer = self.health.record(&self.pool.identity, call, trying.await);
        answer.map_err(|error| nonsense(error.to_string()))
    }

    async fn try_wrap(&self, jobs: &[JobAttempt]) -> Result<Vec<Result<wit::Wrapping, types::Error>>, StartError> {
        let mut borrowed = self.opened().await?;
        let (guests, params) = (borrowed.instance().guests(), self.jobs(jobs));
        let function = self.exported(&guests)?.func_wrap();
        let call = borrowed.call("scheduler.wrap", Pace::Scheduler, function, (&params[..],));
        let (answers,) = call.await?;
        borrowed.give_back();
        self.counted("scheduler.wrap", answers, jobs.len())
    }

    async fn try_submit(&self, jobs: &[JobAttempt]) -> Result<Vec<Result<String, types::Error>>, StartError> {
        let mut borrowed = self.opened().await?;
        let (guests, params) = (borrowed.instance().guests(), self.jobs(jobs));
        let function = self.exported(&guests)?.func_submit();
        let call = borrowed.call("scheduler.submit", Pace::Scheduler, function, (&params[..],));
        let (answers,) = call.await?;
        borrowed.give_back();
        self.counted("scheduler.submit", answers, jobs.len())
    }

    async fn try_poll(&self, jobs: &[JobRef]) -> Result<Result<Vec<types::Observation>, types::Error>, StartError> {
        let mut borrowed = self.opened().await?;
        let (guests, params) = (borrowed.instance().guests(), refs(jobs));
        let function = self.exported(&guests)?.func_poll();
        let call = borrowed.call("scheduler.poll", Pace::Scheduler, function, (&params[..],));
        let (answer,) = call.await?;
        borrowed.give_back();
        match answer {
            Ok(answers) => self.counted("scheduler.poll", answers, jobs.len()).map(Ok),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn try_find(&self) -> Result<Result<Vec<types::JobRef>, types::Error>, StartError> {
        let mut borrowed = self.opened().await?;
        let tag = self.context("scheduler.find")?.run.tag.as_str();
        let guests = borrowed.instance().guests();
        let function = self.exported(&guests)?.func_find();
        let call = borrowed.call("scheduler.find", Pace::Scheduler, function, (tag,));
        let (answer,) = call.await?;
        borrowed.give_back();
        Ok(answer)
    }

    async fn try_cancel(&self, jobs: &[JobRef]) -> Result<Vec<Result<(), types::Error>>, StartError> {
        let mut borrowed = self.opened().await?;
        let (guests, params) = (borrowed.instance().guests(), refs(jobs));
        let function = self.exported(&guests)?.func_cancel();
        let call = borrowed.call("scheduler.cancel", Pace::Scheduler, function, (&params[..],));
        let (answers,) = call.await?;
        borrowed.give_back();
        self.counted("scheduler.cancel", answers, jobs.len())
    }
}

fn refs(jobs: &[JobRef]) -> Vec<types::JobRef> {
    jobs.iter().map(convert::job_ref).collect()
}

#[async_trait]
impl Scheduler for ComponentScheduler {
    fn name(&self) -> &str {
        &self.pool.identity.name
    }

    fn watching(&self) -> Watching {
        Watching::Poll
    }

    fn preferences(&self) -> Preferences {
        self.preferences
    }

    fn check_options(&self, options: &Options) -> Result<(), CallError> {
        schema::check(self.name(), &self.known, options).map_err(|error| CallError {
            kind: CallErrorKind::InvalidOptions,
            message: error.to_string(),
        })
    }

    async fn wrap(&self, jobs: &[JobAttempt]) -> Vec<Result<Wrapping, CallError>> {
        if !self.wraps {
            return jobs.iter().map(|_| Ok(Wrapping::default())).collect();
        }
        if !self.pool.identity.rights.script {
            let name = self.name();
            let denied = CallError {
                kind: CallErrorKind::Denied,
                message: format!("plugin {name} may not change scripts; `--allow {name}:script` would allow it"),
            };
            return jobs.iter().map(|_| Err(denied.clone())).collect();
        }
        let answers = self.supervised("scheduler.wrap", self.try_wrap(jobs)).await;
        each(answers, jobs.len(), |answer| {
            checked_wrapping(answer.map_err(convert::error)?)
        })
    }

    async fn submit(&self, jobs: &[JobAttempt]) -> Vec<Result<BackendJobId, CallError>> {
        let answers = self.supervised("scheduler.submit", self.try_submit(jobs)).await;
        each(answers, jobs.len(), |answer| {
            checked_id(answer.map_err(convert::error)?)
        })
    }

    async fn poll(&self, jobs: &[JobRef]) -> Result<Vec<Observation>, CallError> {
        let answers = self.supervised("scheduler.poll", self.try_poll(jobs)).await?;
        Ok(answers
            .map_err(convert::error)?
            .into_iter()
            .map(convert::observation)
            .collect())
    }

    /// Not called: the end of a job is no event here. It answers as somebody who does not know.
    async fn wait(&self, _: &JobRef) -> (Observation, Option<Usage>) {
        (Observation::Unknown, None)
    }

    async fn find(&self) -> Result<Vec<JobRef>, CallError> {
        self.await_the_bereft().await;
        let answer = self.supervised("scheduler.find", self.try_find()).await?;
        answer.map_err(convert::error)?.into_iter().map(checked_ref).collect()
    }

    async fn cancel(&self, jobs: &[JobRef], _: Cancel) -> Vec<Result<(), CallError>> {
        let answers = self.supervised("scheduler.cancel", self.try_cancel(jobs)).await;
        each(answers, jobs.len(), |answer| answer.map_err(convert::error))
    }
}

/// Checks each answer; when the call itself failed, that is everybody's answer.
fn each<T, U>(
    answers: Result<Vec<T>, CallError>,
    asked: usize,
    check: impl FnMut(T) -> Result<U, CallError>,
) -> Vec<Result<U, CallError>> {
    match answers {
        Ok(answers) => answers.into_iter().map(check).collect(),
        Err(error) => (0..asked).map(|_| Err(error.clone())).collect(),
    }
}

fn nonsense(message: String) -> CallError {
    CallError {
        kind: CallErrorKind::PluginFailed,
        message,
    }
}

pub(super) fn checked_id(id: String) -> Result<BackendJobId, CallError> {
    if id.is_empty() || id.len() > LONGEST_ID || id.chars().any(char::is_control) {
        let shown: String = id.escape_debug().take(60).collect();
        let rule = format!("a backend id has 1 to {LONGEST_ID} bytes without control characters");
        return Err(nonsense(format!(
            "the plugin gave the backend id `{shown}`, but {rule}"
        )));
    }
    Ok(id.into())
}

fn checked_ref(found: types::JobRef) -> Result<JobRef, CallError> {
    Ok(JobRef {
        job: JobIndex(found.index),
        attempt: Attempt::new(found.attempt),
        id: checked_id(found.backend_id)?,
    })
}

pub(super) fn checked_wrapping(wrapping: wit::Wrapping) -> Result<Wrapping, CallError> {
    if let Some(shebang) = &wrapping.shebang {
        let is_bash = shebang
            .split_whitespace()
            .any(|word| word.rsplit('/').next() == Some("bash"));
        if !is_bash || !shebang.starts_with('/') || shebang.chars().any(char::is_control) || shebang.len() > LONGEST_ID
        {
            let shown: String = shebang.escape_debug().take(60).collect();
            return Err(nonsense(format!(
                "the plugin gave the first line `#!{shown}`, which names no bash"
            )));
        }
    }
    if wrapping.directives.len() > MOST_DIRECTIVES {
        return Err(nonsense(format!(
            "the plugin gave more than {MOST_DIRECTIVES} directives"
        )));
    }
    let bad =
        |line: &&String| !line.starts_with('#') || line.len() > LONGEST_DIRECTIVE || line.contains(['\n', '\r', '\0']);
    if let Some(line) = wrapping.directives.iter().find(bad) {
        let shown: String = line.escape_debug().take(60).collect();
        return Err(nonsense(format!(
            "the plugin gave the directive `{shown}`, which is not one line that starts with #"
        )));
    }
    Ok(Wrapping {
        shebang: wrapping.shebang,
        directives: wrapping.directives,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_checked() {
        assert_eq!(&*checked_id("123_4".into()).unwrap(), "123_4");
        for bad in ["", "a\nb", "\u{7f}", &"x".repeat(257)] {
            assert_eq!(checked_id(bad.into()).unwrap_err().kind, CallErrorKind::PluginFailed);
        }
    }

    #[test]
    fn directives_are_comments_of_one_line() {
        let wrapping = |shebang: Option<&str>, line: &str| {
            checked_wrapping(wit::Wrapping {
                shebang: shebang.map(str::to_owned),
                directives: vec![line.to_owned()],
            })
        };
        assert!(wrapping(Some("/usr/bin/env bash"), "#SBATCH --time=5").is_ok());
        assert!(wrapping(None, "#SBATCH\nrm -rf /").is_err());
        assert!(wrapping(None, "rm -rf /").is_err());
        assert!(wrapping(Some("/bin/zsh"), "#").is_err());
        assert!(wrapping(Some("/bin/bash\nrm"), "#").is_err());
    }
}
