//! What the plugin remembers of a run between its calls, in the host's key-value store. What is known, and not what follows
//! from it: that is in `handover`, `watch` and `check`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use xqute_plugin::prelude::*;

use crate::id::{self, Id};

/// Keys are kept apart by what they are about, and then by the run's tag.
fn key(about: &str, run: &str) -> String {
    format!("{about}/{run}")
}

/// Stores a note. Runs that were not brought to their end leave notes behind; when these have used up all the room, those of
/// other runs are thrown away.
fn set(key: &str, run: &str, value: &str) -> Result<(), Error> {
    kv::set(key, value).or_else(|_| {
        for other in kv::keys("").iter().filter(|other| !other.contains(run)) {
            kv::remove(other);
        }
        kv::set(key, value)
    })
}

/// A submission whose answer is out, or was lost.
pub(crate) struct Pending {
    key: String,
    run: String,
    attempt: u32,
    indices: String,
}

impl Pending {
    /// Notes that these jobs, in ascending order, are about to be submitted.
    pub(crate) fn begin(run: &str, jobs: &[&Job]) -> Result<Self, Error> {
        let (first, attempt) = jobs.first().map_or((0, 0), |job| (job.index, job.attempt));
        let pending = Self {
            key: format!("{}/{attempt}/{first}", key("submitting", run)),
            run: run.to_owned(),
            attempt,
            indices: id::list(jobs.iter().map(|job| job.index)),
        };
        set(&pending.key, run, &pending.indices)?;
        Ok(pending)
    }

    /// The answer came: there is nothing left to be in doubt about.
    pub(crate) fn end(self) {
        kv::remove(&self.key);
    }

    /// All that are noted for a run.
    pub(crate) fn all(run: &str) -> Vec<Self> {
        let prefix = format!("{}/", key("submitting", run));
        let read = |key: String| {
            let (attempt, _) = key.strip_prefix(&prefix)?.split_once('/')?;
            Some(Self {
                attempt: attempt.parse().ok()?,
                indices: kv::text(&key)?,
                run: run.to_owned(),
                key,
            })
        };
        kv::keys(&prefix).into_iter().filter_map(read).collect()
    }

    /// Whether a job is part of it.
    pub(crate) fn has(&self, job: &Job) -> bool {
        job.attempt == self.attempt && id::is_in(&self.indices, job.index)
    }

    /// What became of these jobs is known now.
    pub(crate) fn settle(self, known: &[Job]) -> Result<(), Error> {
        let doubtful = |index: &u32| {
            !known
                .iter()
                .any(|job| job.attempt == self.attempt && job.index == *index)
        };
        let rest = id::list(id::numbers(&self.indices).filter(doubtful));
        if rest.is_empty() {
            self.end();
            return Ok(());
        }
        set(&self.key, &self.run, &rest)
    }
}

/// How many jobs an array may span, if Slurm has refused more.
pub(crate) fn span(run: &str) -> Option<u32> {
    kv::text(&key("span", run))?.parse().ok()
}

pub(crate) fn set_span(run: &str, span: u32) {
    let _told_again = set(&key("span", run), run, &span.to_string());
}

/// What Slurm knew when this process took over the attempts of an earlier one.
pub(crate) struct Adopted {
    /// The highest id among them: ids above it are those of this process's own submissions.
    highest: u64,
    /// The tasks of each array.
    tasks: HashMap<u64, String>,
}

impl Adopted {
    fn key(run: &str) -> String {
        key("adopted", run)
    }

    /// Notes what was found.
    pub(crate) fn note(run: &str, found: &[JobRef]) -> Result<(), Error> {
        let mut arrays: BTreeMap<u64, BTreeSet<u32>> = BTreeMap::new();
        for id in found.iter().filter_map(|found| Id::read(&found.backend_id)) {
            arrays.entry(id.job).or_default().extend(id.task);
        }
        let lines = arrays
            .into_iter()
            .map(|(job, tasks)| format!("{job} {}\n", id::list(tasks)));
        set(&Self::key(run), run, &lines.collect::<String>())
    }

    /// What was found, if anything was adopted.
    pub(crate) fn read(run: &str) -> Self {
        let text = kv::text(&Self::key(run)).unwrap_or_default();
        let line = |line: &str| {
            let (job, tasks) = line.split_once(' ')?;
            Some((job.parse().ok()?, tasks.to_owned()))
        };
        let tasks: HashMap<u64, String> = text.lines().filter_map(line).collect();
        let highest = tasks.keys().copied().max().unwrap_or(0);
        Self { highest, tasks }
    }

    /// Whether an attempt may have ended so long before that Slurm had forgotten it already.
    pub(crate) fn may_lack(&self, id: Id) -> bool {
        let tasks = self.tasks.get(&id.job);
        let was_found = tasks.is_some_and(|tasks| id.task.is_some_and(|task| id::is_in(tasks, task)));
        id.job <= self.highest && !was_found
    }
}

/// The ids that were missing in the last answer of Slurm.
pub(crate) fn missing(run: &str) -> Vec<String> {
    let text = kv::text(&key("missing", run)).unwrap_or_default();
    text.split_ascii_whitespace().map(str::to_owned).collect()
}

pub(crate) fn set_missing(run: &str, ids: &[String]) {
    let key = key("missing", run);
    if ids.is_empty() {
        kv::remove(&key);
    } else {
        let _asked_again = set(&key, run, &ids.join(" "));
    }
}

/// Whether the user was told of this reason before. From now on it is so.
pub(crate) fn told(run: &str, reason: &str) -> bool {
    let key = key("told", run);
    let told = kv::text(&key).unwrap_or_default();
    if told.lines().any(|line| line == reason) {
        return true;
    }
    let _told_again = set(&key, run, &format!("{told}{reason}\n"));
    false
}

/// Something that holds as long as this process of the host lives.
#[derive(Clone, Copy)]
pub(crate) enum Fact {
    /// Slurm has seen the run's options and said nothing against them.
    Checked,
    /// Slurm keeps no accounts.
    NoAccounts,
}

impl Fact {
    const fn name(self) -> &'static str {
        match self {
            Self::Checked => "checked",
            Self::NoAccounts => "no-accounts",
        }
    }

    /// Whether this process noted it. What an earlier one noted may not hold any more.
    pub(crate) fn holds(self, run: &str) -> bool {
        let noted = u128::try_from(kv::number(&key(self.name(), run))).unwrap_or(0);
        let started = clock::now().saturating_sub(clock::elapsed());
        noted >= started.as_millis()
    }

    pub(crate) fn note(self, run: &str) {
        let now = clock::now().as_millis().to_string();
        let _noted_again = set(&key(self.name(), run), run, &now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use xqute_plugin::testing::{Host, job};

    const RUN: &str = "0123456789abcdef";

    #[test]
    fn a_submission_is_in_doubt_until_its_jobs_are_known() {
        let _host = Host::new();
        let jobs: Vec<Job> = (3..8).map(|index| job(index, "true")).collect();
        let pending = Pending::begin(RUN, &jobs.iter().collect::<Vec<_>>()).unwrap();
        assert!(jobs.iter().all(|job| pending.has(job)));
        let again = Job {
            attempt: 2,
            ..job(3, "true")
        };
        assert!(!pending.has(&again) && !pending.has(&job(8, "true")));
        pending.settle(&jobs[..3]).unwrap();
        let pending = Pending::all(RUN).remove(0);
        assert!(!pending.has(&jobs[2]) && pending.has(&jobs[3]));
        pending.settle(&jobs[3..]).unwrap();
        assert!(Pending::all(RUN).is_empty());
        assert!(kv::keys("").is_empty(), "nothing is left");
    }

    #[test]
    fn a_fact_holds_in_one_process() {
        let host = Host::new();
        host.advance(Duration::from_secs(5));
        assert!(!Fact::Checked.holds(RUN));
        Fact::Checked.note(RUN);
        assert!(Fact::Checked.holds(RUN) && !Fact::NoAccounts.holds(RUN) && !Fact::Checked.holds("another"));
        host.advance(Duration::from_secs(3600));
        assert!(Fact::Checked.holds(RUN));
    }

    #[test]
    fn a_reason_is_told_once() {
        let _host = Host::new();
        assert!(!told(RUN, "PartitionDown"));
        assert!(told(RUN, "PartitionDown"));
        assert!(!told(RUN, "Partition"));
        assert!(!told("another", "PartitionDown"));
    }
}
