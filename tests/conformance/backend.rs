//! What the suite has to know about a backend. The backends themselves are in `backends/`.

use std::ffi::OsString;

use xqute_tests::Scratch;

use crate::{bench::Bench, service::Service};

/// Options of a scheduler, as one job has them under `opts`.
pub(crate) type Options = &'static [(&'static str, &'static str)];

/// One scheduler and what is behind it.
pub(crate) struct Backend {
    /// What `-s` takes; also the name of the plugin, if it is one.
    pub(crate) name: &'static str,
    /// What has to be running. Nothing, if the machine itself is the backend.
    pub(crate) service: Option<Service>,
    /// The store that has the workdirs, if they are not on this machine.
    pub(crate) store: Option<&'static str>,
    /// How jobs come to it.
    pub(crate) access: Access,
    /// What `xqute run` needs to run anything.
    pub(crate) flags: fn(&Scratch) -> Vec<OsString>,
    /// What `xqute run` needs besides to be able to end one job and leave the others alone.
    pub(crate) singly: &'static [&'static str],
    /// How many jobs it can have in flight at once on a small machine.
    pub(crate) forks: u32,
    /// How many jobs are many for it: 1,000, unless that takes minutes.
    pub(crate) many: u32,
    pub(crate) pace: Pace,
    /// Which of these ids it still holds for jobs that are not over.
    pub(crate) live: fn(&Bench, &[String]) -> Vec<String>,
    /// Takes a job away, as somebody who is not xqute would.
    pub(crate) remove: fn(&Bench, &str),
    /// What it can do besides. Filled in by the suite.
    pub(crate) can: &'static [Capability],
}

/// How jobs come to their workdir.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// They see it as it is on this machine, from where it is copied if it is in a store.
    Shared,
    /// It is mounted at another place.
    Mounted,
    /// They are brought to another folder.
    Staged,
}

/// How much can be asked of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// To start a job, or to call its client, takes some hundredths of a second.
    Quick,
    /// It takes a good part of a second of a processor's time, or more.
    Slow,
}

/// What not every backend can do. Each has its tests; a backend that lacks it has none of those.
pub(crate) enum Capability {
    /// It takes jobs by any name.
    AnyName,
    /// It tells by which signal a job's script was killed.
    TellsSignals,
    /// It does not take a job with these options.
    Refuses(Options),
    /// It ends a job that runs too long.
    TimeLimit(Happening),
    /// It ends a job that uses too much memory, and says so.
    MemoryLimit(Happening),
    /// It starts a job that runs again from the beginning, under the same id.
    Requeues(Happening),
    /// It takes the machine from a job that runs, for good, and says so.
    Preempts(Happening),
    /// It can be taken down and brought up again.
    Outage(Outage),
}

/// Something that can happen to a job.
pub(crate) struct Happening {
    /// The options that the job needs for it.
    pub(crate) options: Options,
    /// Lets it happen, or happen sooner, to the job with this id.
    pub(crate) happens: fn(&Bench, &str),
}

/// How a backend goes away and comes back. Jobs that run go on meanwhile.
pub(crate) struct Outage {
    pub(crate) down: fn(&Bench),
    pub(crate) up: fn(&Bench),
}

impl Capability {
    /// All titles, in the order of the table for people.
    pub(crate) const TITLES: [&'static str; 8] = [
        "any name",
        "tells signals",
        "refuses",
        "time limit",
        "memory limit",
        "requeues",
        "preempts",
        "outage",
    ];

    /// What it is called in that table.
    pub(crate) const fn title(&self) -> &'static str {
        let [any_name, signals, refuses, time, memory, requeues, preempts, outage] = Self::TITLES;
        match self {
            Self::AnyName => any_name,
            Self::TellsSignals => signals,
            Self::Refuses(_) => refuses,
            Self::TimeLimit(_) => time,
            Self::MemoryLimit(_) => memory,
            Self::Requeues(_) => requeues,
            Self::Preempts(_) => preempts,
            Self::Outage(_) => outage,
        }
    }
}

impl Backend {
    /// Whether its service is there; if not it is said aloud.
    pub(crate) fn is_there(&self, test: &str) -> bool {
        let test = format!("{}::{test}", self.title());
        self.service.as_ref().is_none_or(|service| service.is_there(&test))
    }

    /// What its tests are called by.
    pub(crate) fn title(&self) -> String {
        let store = self.store.map(|store| format!("_{store}")).unwrap_or_default();
        let access = match self.access {
            Access::Shared => "",
            Access::Mounted => "_mounted",
            Access::Staged => "_staged",
        };
        format!("{}{store}{access}", self.name)
    }

    /// The variables by which its service is found, with their values.
    pub(crate) fn address(&self) -> impl Iterator<Item = (&'static str, OsString)> {
        self.service.iter().flat_map(Service::address)
    }

    /// What this reads in one of its capabilities, if it has such a one.
    pub(crate) fn find<T>(&self, read: impl Fn(&'static Capability) -> Option<T>) -> Option<T> {
        self.can.iter().find_map(read)
    }

    /// The same, where the suite has made sure that there is one.
    #[track_caller]
    pub(crate) fn has<T>(&self, read: impl Fn(&'static Capability) -> Option<T>) -> T {
        self.find(read)
            .expect("only backends that have this capability have this test")
    }
}

impl Pace {
    /// The exit codes that are tried: all, or those that mean something to somebody.
    pub(crate) fn exit_codes(self) -> Vec<i32> {
        match self {
            Self::Quick => (0..=255).collect(),
            Self::Slow => vec![0, 1, 2, 126, 127, 128, 137, 255],
        }
    }
}
