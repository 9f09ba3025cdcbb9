//! Jobs and facts that a plugin is tried with: one of each kind, and those that are easily got wrong. And a program for
//! those that start one.

use camino::Utf8PathBuf;

use serde_json::json;

use crate::{
    adapters::component::recording::tape::Tape,
    model::{
        hook::{Fact, JobEvent},
        job::{Attempt, Command, JobExtras, JobIndex, JobSpec},
        outcome::FailureCause,
    },
};

/// Jobs of all kinds.
pub(super) fn jobs() -> Vec<JobSpec> {
    vec![
        JobSpec::new(Command::shell("echo plain")),
        JobSpec::new(Command::shell("echo \"it's\" '$HOME' `date` # \\ \u{e9}\u{1f980}")),
        JobSpec::new(Command::shell("cat <<'EOF'\n$a\nEOF")),
        JobSpec::new(Command::argv(["printf", "%s\\n", "", "two words", "-x", "*", "'\"\\$"])),
        JobSpec::new(Command::argv([&b"cat"[..], b"not-utf8-\xff\xfe"])),
        JobSpec::new(Command::shell("true")).with(JobExtras {
            name: Some("a name with 'quotes' and \u{e9}".to_owned()),
            cwd: Some(Utf8PathBuf::from("/tmp/a folder")),
            env: vec![("WITH_NEWLINE".to_owned(), "a\nb".to_owned())],
            ..JobExtras::default()
        }),
    ]
}

/// Everything that can happen, to two jobs.
pub(super) fn facts() -> Vec<Fact> {
    let causes = [
        FailureCause::ExitCode(1),
        FailureCause::Signal(9),
        FailureCause::TimedOut,
        FailureCause::OutOfMemory,
        FailureCause::Preempted,
        FailureCause::NodeFailure,
        FailureCause::NeverStarted("no such partition".to_owned()),
        FailureCause::Lost,
        FailureCause::SubmissionFailed("no".to_owned()),
        FailureCause::Other("\u{e9}".to_owned()),
    ];
    let mut facts = vec![Fact::Init, job(0, 1, JobEvent::Init), job(1, 1, JobEvent::Init)];
    let retried = causes.into_iter().map(|cause| JobEvent::Failed {
        cause,
        will_retry: true,
    });
    for (attempt, end) in (1..).zip(retried.chain([JobEvent::Succeeded])) {
        for event in [
            JobEvent::Queued,
            JobEvent::Submitted,
            JobEvent::Started,
            JobEvent::Polling,
            end,
        ] {
            facts.push(job(0, attempt, event));
        }
    }
    let last = JobEvent::Failed {
        cause: FailureCause::ExitCode(255),
        will_retry: false,
    };
    facts.extend([
        job(1, 1, JobEvent::Queued),
        job(1, 1, last),
        job(1, 2, JobEvent::Killed),
    ]);
    facts.extend([Fact::Shutdown(Some(15)), Fact::Shutdown(None)]);
    facts
}

/// Every program says nothing, successfully.
pub(super) fn silent() -> Tape {
    Tape::Pretending(json!({"output": {"exit": {"Code": 0}, "stdout": "", "stderr": ""}}))
}

fn job(job: u32, attempt: u32, event: JobEvent) -> Fact {
    Fact::Job {
        job: JobIndex(job),
        attempt: Attempt::new(attempt),
        event,
    }
}
