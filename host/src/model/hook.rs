//! The places where plugins are called, and what is said there.
//!
//! There are 15 hooks in three families: plugins *observe* facts, *gate* what is about to happen, and give *snippets* of
//! bash. `shutdown` is in two families: a signal is asked about, the end is told.

use std::fmt;

use super::{
    job::{Attempt, JobIndex},
    outcome::FailureCause,
};

/// A place where a plugin can be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "each hook is described in wit/about.wit, once")]
pub enum Hook {
    Init,
    Shutdown,
    JobInit,
    JobQueued,
    JobSubmitting,
    JobSubmitted,
    JobStarted,
    JobPolling,
    JobKilling,
    JobKilled,
    JobFailed,
    JobSucceeded,
    JobcmdInit,
    JobcmdPrep,
    JobcmdEnd,
}

impl Hook {
    /// All hooks, in the order of a job's life.
    pub const ALL: [Self; 15] = [
        Self::Init,
        Self::Shutdown,
        Self::JobInit,
        Self::JobQueued,
        Self::JobSubmitting,
        Self::JobSubmitted,
        Self::JobStarted,
        Self::JobPolling,
        Self::JobKilling,
        Self::JobKilled,
        Self::JobFailed,
        Self::JobSucceeded,
        Self::JobcmdInit,
        Self::JobcmdPrep,
        Self::JobcmdEnd,
    ];

    /// The hook's name, as Python xqute and the SDKs spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Init => "on_init",
            Self::Shutdown => "on_shutdown",
            Self::JobInit => "on_job_init",
            Self::JobQueued => "on_job_queued",
            Self::JobSubmitting => "on_job_submitting",
            Self::JobSubmitted => "on_job_submitted",
            Self::JobStarted => "on_job_started",
            Self::JobPolling => "on_job_polling",
            Self::JobKilling => "on_job_killing",
            Self::JobKilled => "on_job_killed",
            Self::JobFailed => "on_job_failed",
            Self::JobSucceeded => "on_job_succeeded",
            Self::JobcmdInit => "on_jobcmd_init",
            Self::JobcmdPrep => "on_jobcmd_prep",
            Self::JobcmdEnd => "on_jobcmd_end",
        }
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of hooks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HookSet(u16);

impl HookSet {
    /// Adds a hook.
    pub const fn insert(&mut self, hook: Hook) {
        self.0 |= 1 << hook as u8;
    }

    /// Whether the hook is in the set.
    pub const fn contains(self, hook: Hook) -> bool {
        self.0 & (1 << hook as u8) != 0
    }

    /// What is in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The hooks of the set, in the order of a job's life.
    pub fn iter(self) -> impl Iterator<Item = Hook> {
        Hook::ALL.into_iter().filter(move |hook| self.contains(*hook))
    }
}

impl FromIterator<Hook> for HookSet {
    fn from_iter<I: IntoIterator<Item = Hook>>(hooks: I) -> Self {
        let mut set = Self::default();
        for hook in hooks {
            set.insert(hook);
        }
        set
    }
}

/// Something that happened, as observers are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The run starts. Comes first.
    Init,
    /// Something happened to a job.
    Job {
        /// Which job.
        job: JobIndex,
        /// Which try of it.
        attempt: Attempt,
        /// What happened.
        event: JobEvent,
    },
    /// The run is over. Comes last, with the signal that stopped it, if one did.
    Shutdown(Option<i32>),
}

/// What can happen to a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobEvent {
    /// It was accepted.
    Init,
    /// It waits for its turn.
    Queued,
    /// The scheduler took it.
    Submitted,
    /// It runs.
    Started,
    /// It still runs.
    Polling,
    /// It was killed, or never allowed to start.
    Killed,
    /// The attempt failed.
    Failed {
        /// Why.
        cause: FailureCause,
        /// Whether another attempt follows.
        will_retry: bool,
    },
    /// It succeeded.
    Succeeded,
}

impl Fact {
    /// The hook by which observers subscribe to this fact.
    pub const fn hook(&self) -> Hook {
        match self {
            Self::Init => Hook::Init,
            Self::Shutdown(_) => Hook::Shutdown,
            Self::Job { event, .. } => match event {
                JobEvent::Init => Hook::JobInit,
                JobEvent::Queued => Hook::JobQueued,
                JobEvent::Submitted => Hook::JobSubmitted,
                JobEvent::Started => Hook::JobStarted,
                JobEvent::Polling => Hook::JobPolling,
                JobEvent::Killed => Hook::JobKilled,
                JobEvent::Failed { .. } => Hook::JobFailed,
                JobEvent::Succeeded => Hook::JobSucceeded,
            },
        }
    }
}

/// What gatekeepers answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody minds.
    Proceed,
    /// Somebody does.
    Veto {
        /// The plugin's name.
        plugin: String,
        /// Its reason.
        reason: String,
    },
}

/// Bash from plugins for one job, in the order in which it is pasted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snippets {
    /// At the start of the script, before the prescript.
    pub init: Vec<Snippet>,
    /// Right before the command.
    pub prep: Vec<Snippet>,
    /// After the command.
    pub end: Vec<Snippet>,
}

/// A piece of bash and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// The plugin's name.
    pub plugin: String,
    /// The bash.
    pub code: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in() {
        let set: HookSet = [Hook::JobcmdEnd, Hook::Init].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [Hook::Init, Hook::JobcmdEnd]);
        assert!(Hook::ALL.into_iter().collect::<HookSet>().iter().eq(Hook::ALL));
    }
}
