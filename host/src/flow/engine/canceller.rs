//! Carries kills out, asks gatekeepers about kills and about the end of the run, and says that it ends.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{Mail, Parts};
use crate::{
    flow::{dispatch::Haste, event::Event},
    model::{
        hook::Verdict,
        outcome::{StopCause, signal_name},
        run::JobRef,
    },
    ports::{
        hooks::{AfterFailure, HookFailure, Question},
        jobs::Jobs,
        scheduler::Cancel,
    },
};

/// How often a backend that cannot be reached is asked to cancel before the dispatcher is told that it is in vain.
const TRIES: u32 = 6;

/// The first pause between two tries; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Kills attempts, all in one call.
pub(super) async fn kill(parts: Arc<Parts>, mut jobs: Vec<JobRef>, how: Cancel, mail: Mail) {
    let failed = |job: &JobRef| {
        mail.send(Event::KillFailed {
            job: job.job,
            attempt: job.attempt,
            how,
        });
    };
    let mut pause = FIRST_PAUSE;
    for tries in 1..=TRIES {
        let results = parts.scheduler.cancel(&jobs, how).await;
        let mut again = Vec::new();
        for (job, result) in jobs.into_iter().zip(results) {
            match result {
                Ok(()) => {}
                Err(error) if error.kind.may_retry() => again.push(job),
                Err(error) => {
                    tracing::error!(job = job.job.0, id = &*job.id, "the job could not be killed: {error}");
                    failed(&job);
                }
            }
        }
        if again.is_empty() {
            return;
        }
        jobs = again;
        if tries < TRIES {
            sleep(pause).await;
            pause *= 2;
        }
    }
    tracing::error!(
        "{} jobs could not be killed: the backend did not answer {TRIES} times",
        jobs.len()
    );
    jobs.iter().for_each(failed);
}

/// Tells the user what the signal does. Other causes are told when the run is over.
pub(super) fn announce(cause: StopCause, haste: Haste) {
    let Some(name) = cause.signal().map(signal_name) else {
        return;
    };
    match haste {
        Haste::Gentle => tracing::warn!(
            "{name}: no further job starts, and those that run are told to end; once more kills them at once"
        ),
        Haste::AtOnce => {
            tracing::warn!("{name} again: all jobs are killed; once more leaves those that still run to `--resume`");
        }
        Haste::Leaving => tracing::warn!("{name} again: jobs that still run are left alone"),
    }
}

/// Asks gatekeepers whether an attempt may be killed.
pub(super) async fn ask_kill(parts: Arc<Parts>, job: JobRef, mail: Mail) {
    let Some(attempt) = parts.book.job(job.job) else { return };
    let verdict = decide(&parts, Question::Killing(&attempt), &mail).await;
    if let Verdict::Veto { plugin, reason } = &verdict {
        tracing::warn!(
            job = job.job.0,
            "plugin {plugin} keeps the job from being killed: {reason}"
        );
    }
    mail.send(Event::KillDecided {
        job: job.job,
        attempt: job.attempt,
        verdict,
    });
}

/// Asks gatekeepers whether a signal may stop the run.
pub(super) async fn ask_shutdown(parts: Arc<Parts>, signal: i32, mail: Mail) {
    let verdict = decide(&parts, Question::Shutdown(signal), &mail).await;
    if let Verdict::Veto { plugin, reason } = &verdict {
        let name = signal_name(signal);
        tracing::warn!(
            "plugin {plugin} keeps the run from stopping on {name}: {reason}; once more kills all jobs at once"
        );
    }
    mail.send(Event::ShutdownDecided { signal, verdict });
}

/// A gatekeeper that fails cannot keep anything alive.
async fn decide(parts: &Parts, question: Question<'_>, mail: &Mail) -> Verdict {
    match parts.hooks.decide(&[question]).await.into_iter().next() {
        Some(Ok(verdict)) => verdict,
        Some(Err(HookFailure { message, then })) => {
            tracing::error!("{message}");
            if then == AfterFailure::Halt {
                mail.send(Event::PluginFailed);
            }
            Verdict::Proceed
        }
        None => Verdict::Proceed,
    }
}
