//! Between the words of the model and those of the contract. What comes from a plugin is checked on the way.

use std::{fmt::Display, time::Duration};

use super::bindings::{observer, types};
use crate::{
    adapters::workdir::in_bash,
    model::{
        access::Access,
        hook::{Fact, JobEvent},
        job::Command,
        options::Options,
        outcome::{CancelReason, FailureCause, Observation, Outcome, signal_name},
        path::{Location, SpecPath},
        run::{JobAttempt, JobRef, Run},
    },
    ports::scheduler::{CallError, CallErrorKind},
};

/// The most bytes of a text that a plugin gives for people to read.
const LONGEST_MESSAGE: usize = 4096;

/// Words of a plugin for a person: one paragraph, cut, nothing that a terminal would obey.
pub(crate) fn words(text: &str) -> String {
    let cut = text.floor_char_boundary(LONGEST_MESSAGE);
    let kept = text.get(..cut).unwrap_or_default().trim();
    kept.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A place where the host has files, and which a job sees as the mounted face of `path`.
fn path(at_home: impl Display, path: &SpecPath) -> types::Path {
    types::Path {
        spec: at_home.to_string(),
        mounted: path.seen_by_job().to_string(),
    }
}

/// A place, as somebody sees it who looks at the place itself.
pub(crate) fn faces(of: &SpecPath) -> types::Path {
    path(of.spec(), of)
}

pub(crate) fn options(options: &Options) -> Vec<(String, String)> {
    options
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

pub(crate) fn run_info(run: &Run, is_dry: bool) -> types::RunInfo {
    types::RunInfo {
        tag: run.tag.clone(),
        workdir: path(&run.home, &run.workdir),
        scheduler: run.scheduler.clone(),
        forks: run.settings.forks.get(),
        attributes: attributes(run, is_dry),
    }
}

fn attributes(run: &Run, is_dry: bool) -> Vec<(String, String)> {
    let dry = is_dry.then(|| ("dry-run", "true".to_owned()));
    let store = match run.workdir.spec() {
        Location::Stored(place) => Some(("store", place.to_string())),
        Location::Local(_) => None,
    };
    let carrier = match &run.access {
        Access::Staged { carrier } => Some(("carrier", in_bash(carrier))),
        Access::Shared | Access::Mounted => None,
    };
    let said = [dry, store, carrier].into_iter().flatten();
    said.map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(crate) fn job(job: &JobAttempt) -> types::Job {
    types::Job {
        index: job.job.0,
        attempt: job.attempt.get(),
        name: job.name.clone(),
        command: match job.command() {
            Command::Argv(args) => types::Command::Argv(args.iter().map(ToString::to_string).collect()),
            Command::Shell(line) => types::Command::Shell(line.to_string()),
        },
        env: job.env.clone(),
        cwd: job.cwd().map(|cwd| path(cwd, &SpecPath::same(cwd))),
        dir: path(&job.home, &job.dir),
        script: path(job.script_at_home(), &job.script),
        timeout_seconds: job.timeout.map(seconds_up),
        options: options(&job.options),
        attributes: Vec::new(),
    }
}

fn seconds_up(time: Duration) -> u32 {
    let up = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
    u32::try_from(up).unwrap_or(u32::MAX)
}

pub(crate) fn job_ref(job: &JobRef) -> types::JobRef {
    types::JobRef {
        index: job.job.0,
        attempt: job.attempt.get(),
        backend_id: job.id.to_string(),
    }
}

pub(crate) fn fact(fact: &Fact) -> observer::Fact {
    let (job, attempt, event) = match fact {
        Fact::Init => return observer::Fact::Init,
        Fact::Shutdown(signal) => return observer::Fact::Shutdown(signal.map(signal_name)),
        Fact::Job { job, attempt, event } => (job, attempt, event),
    };
    let plain = |event| (event, None, false);
    let (event, cause, will_retry) = match event {
        JobEvent::Init => plain(observer::JobEvent::Init),
        JobEvent::Queued => plain(observer::JobEvent::Queued),
        JobEvent::Submitted => plain(observer::JobEvent::Submitted),
        JobEvent::Started => plain(observer::JobEvent::Started),
        JobEvent::Polling => plain(observer::JobEvent::Polling),
        JobEvent::Killed => plain(observer::JobEvent::Killed),
        JobEvent::Succeeded => plain(observer::JobEvent::Succeeded),
        JobEvent::Failed { cause, will_retry } => {
            (observer::JobEvent::Failed, Some(cause_to_guest(cause)), *will_retry)
        }
    };
    observer::Fact::Job(observer::JobFact {
        event,
        job: job.0,
        attempt: attempt.get(),
        cause,
        will_retry,
    })
}

fn cause_to_guest(cause: &FailureCause) -> types::FailureCause {
    use types::FailureCause as Theirs;
    match cause {
        FailureCause::ExitCode(code) => Theirs::ExitCode(*code),
        FailureCause::Signal(signal) => Theirs::Signal(*signal),
        FailureCause::TimedOut => Theirs::TimedOut,
        FailureCause::OutOfMemory => Theirs::OutOfMemory,
        FailureCause::Preempted => Theirs::Preempted,
        FailureCause::NodeFailure => Theirs::NodeFailure,
        FailureCause::NeverStarted(why) => Theirs::NeverStarted(why.clone()),
        FailureCause::Lost => Theirs::Lost,
        FailureCause::SubmissionFailed(why) => Theirs::SubmissionFailed(why.clone()),
        FailureCause::Other(why) => Theirs::Other(why.clone()),
    }
}

fn cause_from_guest(cause: types::FailureCause) -> FailureCause {
    use types::FailureCause as Theirs;
    match cause {
        // An exit code 0 is no failure; a backend that says so anyway is believed about the failure.
        Theirs::ExitCode(0) => FailureCause::Other("the backend calls it failed, with exit code 0".to_owned()),
        Theirs::ExitCode(code) => FailureCause::ExitCode(code),
        Theirs::Signal(signal @ 1..=64) => FailureCause::Signal(signal),
        Theirs::Signal(signal) => FailureCause::Other(format!("ended by signal {signal}, which does not exist")),
        Theirs::TimedOut => FailureCause::TimedOut,
        Theirs::OutOfMemory => FailureCause::OutOfMemory,
        Theirs::Preempted => FailureCause::Preempted,
        Theirs::NodeFailure => FailureCause::NodeFailure,
        Theirs::NeverStarted(why) => FailureCause::NeverStarted(words(&why)),
        Theirs::Lost => FailureCause::Lost,
        Theirs::SubmissionFailed(why) => FailureCause::SubmissionFailed(words(&why)),
        Theirs::Other(why) => FailureCause::Other(words(&why)),
    }
}

pub(crate) fn observation(observation: types::Observation) -> Observation {
    match observation {
        types::Observation::Queued(why) => Observation::Queued(why.map(|why| words(&why))),
        types::Observation::Running => Observation::Running,
        types::Observation::Succeeded => Observation::Ended(Outcome::Succeeded),
        types::Observation::Failed(cause) => Observation::Ended(Outcome::Failed(cause_from_guest(cause))),
        types::Observation::Cancelled => Observation::Ended(Outcome::Cancelled(CancelReason::InBackend)),
        types::Observation::Unknown => Observation::Unknown,
    }
}

pub(crate) fn error(error: types::Error) -> CallError {
    let (kind, message) = match error {
        types::Error::Denied(why) => (CallErrorKind::Denied, why),
        types::Error::RateLimited(wait) => {
            let wait = wait.map(|ms| Duration::from_millis(ms.into()));
            (
                CallErrorKind::RateLimited(wait),
                "the backend asks for patience".to_owned(),
            )
        }
        types::Error::Unavailable(why) => (CallErrorKind::Unavailable, why),
        types::Error::Rejected(why) => (CallErrorKind::Rejected, why),
        types::Error::InvalidOptions(why) => (CallErrorKind::InvalidOptions, why),
        types::Error::Other(why) => (CallErrorKind::Other, why),
    };
    let message = words(&message);
    CallError { kind, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_tame() {
        assert_eq!(words(" a\nb\u{1b}c "), "a b c");
        assert!(words(&"\u{e9}".repeat(9999)).len() <= LONGEST_MESSAGE);
    }

    #[test]
    fn time_limits_are_rounded_up() {
        assert_eq!(seconds_up(Duration::from_millis(1)), 1);
        assert_eq!(seconds_up(Duration::from_secs(60)), 60);
        assert_eq!(seconds_up(Duration::MAX), u32::MAX);
    }

    #[test]
    fn impossible_numbers_are_said_in_words() {
        assert!(matches!(
            cause_from_guest(types::FailureCause::ExitCode(0)),
            FailureCause::Other(_)
        ));
        assert!(matches!(
            cause_from_guest(types::FailureCause::Signal(-7)),
            FailureCause::Other(_)
        ));
        assert_eq!(
            cause_from_guest(types::FailureCause::Signal(9)),
            FailureCause::Signal(9)
        );
    }

    #[test]
    fn causes_survive_the_way_there_and_back() {
        for cause in [
            FailureCause::ExitCode(3),
            FailureCause::TimedOut,
            FailureCause::Lost,
            FailureCause::Preempted,
        ] {
            assert_eq!(cause_from_guest(cause_to_guest(&cause)), cause);
        }
    }
}
