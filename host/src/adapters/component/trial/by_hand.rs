//! One hook, called by hand with one job and the rights that the user granted.

use serde_json::Value;

use super::{InvokeError, Trial, invoke::invoke};
use crate::{
    adapters::component::{
        contract::{Interface, convert},
        error::StartError,
        hooks::gate,
        recording::tape::{Tape, value},
    },
    model::{
        hook::{Fact, Hook, JobEvent},
        outcome::FailureCause,
        run::JobAttempt,
    },
    ports::hooks::Question,
};

/// The signal that asks a run to stop.
const SIGTERM: i32 = 15;

/// Why a hook gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ByHandError {
    /// The plugin would not be called there.
    #[error("it does not list the hook {0}, so it is never called there")]
    NotListed(Hook),
    /// There is no instance to call.
    #[error(transparent)]
    NotStarted(#[from] StartError),
    /// The call failed.
    #[error(transparent)]
    Failed(#[from] InvokeError),
}

impl Trial {
    /// Calls one hook with the first job. `None`: it is told something and answers nothing. A plugin that is both told of
    /// the shutdown and asked about it is asked.
    ///
    /// # Errors
    /// When the plugin is not called there, or the call fails.
    pub async fn call_hook(&self, hook: Hook) -> Result<Option<Value>, ByHandError> {
        let Some(job) = self.jobs.first().filter(|_| self.description.hooks.contains(hook)) else {
            return Err(ByHandError::NotListed(hook));
        };
        let asks = self.program.shape.interfaces.contains(Interface::Gatekeeper);
        let (call, params) = match hook {
            Hook::Shutdown if !asks => (
                "observer.observe",
                value(&([convert::fact(&Fact::Shutdown(Some(SIGTERM)))],)),
            ),
            hook => parameters(hook, job),
        };
        let mut instance = self.instance(Tape::Off).await?;
        let answer = invoke(&mut instance, call, &params).await?;
        // A call has one result, a list with one entry for the one job.
        Ok(answer.pointer("/0/0").cloned())
    }
}

fn parameters(hook: Hook, job: &JobAttempt) -> (&'static str, Value) {
    let told = |event| {
        let fact = Fact::Job {
            job: job.job,
            attempt: job.attempt,
            event,
        };
        ("observer.observe", value(&([convert::fact(&fact)],)))
    };
    let asked = |question| ("gatekeeper.decide", value(&([gate::to_guest(&question)],)));
    match hook {
        Hook::Init => ("observer.observe", value(&([convert::fact(&Fact::Init)],))),
        Hook::Shutdown => asked(Question::Shutdown(SIGTERM)),
        Hook::JobInit => told(JobEvent::Init),
        Hook::JobQueued => told(JobEvent::Queued),
        Hook::JobSubmitting => asked(Question::Submitting(job)),
        Hook::JobSubmitted => told(JobEvent::Submitted),
        Hook::JobStarted => told(JobEvent::Started),
        Hook::JobPolling => told(JobEvent::Polling),
        Hook::JobKilling => asked(Question::Killing(job)),
        Hook::JobKilled => told(JobEvent::Killed),
        Hook::JobFailed => told(JobEvent::Failed {
            cause: FailureCause::ExitCode(1),
            will_retry: false,
        }),
        Hook::JobSucceeded => told(JobEvent::Succeeded),
        Hook::JobcmdInit | Hook::JobcmdPrep | Hook::JobcmdEnd => ("snippets.provide", value(&([convert::job(job)],))),
    }
}
