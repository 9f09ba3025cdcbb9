//! What one call has to tell a later one, kept by the host: which submissions are out, what was deleted, what left the queue
//! without a record, what the waiting jobs wait for. Every key has the run's tag in it.

use std::collections::HashMap;
use std::time::Duration;

use crate::task::{Task, numbers, ranges};
use xqute_plugin::{Error, clock, kv};

/// How many ids fit into one value.
const IDS_IN_A_NOTE: usize = 2_000;

/// Submissions whose answer is not known: by the attempt and the first job, the jobs.
pub(crate) mod submitting {
    use super::{Error, kv, numbers, ranges};

    fn prefix(run: &str, attempt: u32) -> String {
        format!("submitting/{run}/{attempt}/")
    }

    /// Writes down that these jobs are about to be submitted; gives the name of the note.
    pub(crate) fn begin(run: &str, attempt: u32, indices: &[u32]) -> Result<String, Error> {
        let first = indices.first().copied().unwrap_or_default();
        let note = format!("{}{first}", prefix(run, attempt));
        kv::set(&note, ranges(indices.iter().copied()))?;
        Ok(note)
    }

    /// The answer is known.
    pub(crate) fn end(note: &str) {
        kv::remove(note);
    }

    /// Whether the answer about one of these jobs was lost. If so nothing is kept of that: look for all of them now.
    pub(crate) fn were_lost(run: &str, attempt: u32, indices: &[u32]) -> bool {
        let mut lost = false;
        for note in kv::keys(&prefix(run, attempt)) {
            let noted = kv::text(&note).and_then(|text| numbers(&text)).unwrap_or_default();
            let (mine, others): (Vec<u32>, Vec<u32>) = noted.into_iter().partition(|index| indices.contains(index));
            if mine.is_empty() {
                continue;
            }
            lost = true;
            kv::remove(&note);
            if !others.is_empty() && begin(run, attempt, &others).is_err() {
                log_lost();
            }
        }
        lost
    }

    fn log_lost() {
        xqute_plugin::log::warn!("cannot note which submissions had no answer: some jobs may be submitted twice");
    }
}

/// Tasks that xqute deleted. Grid Engine keeps no record of those that had not started.
pub(crate) mod deleted {
    use super::{IDS_IN_A_NOTE, Task, kv};

    pub(crate) fn add(run: &str, tasks: &[Task]) {
        for tasks in tasks.chunks(IDS_IN_A_NOTE) {
            let ids: Vec<String> = tasks.iter().map(ToString::to_string).collect();
            if let Some(first) = ids.first()
                && let Err(error) = kv::set(&format!("deleted/{run}/{first}"), ids.join(" "))
            {
                xqute_plugin::log::warn!("cannot note which jobs were deleted: {}", error.message());
            }
        }
    }

    pub(crate) fn all(run: &str) -> Vec<Task> {
        let notes = kv::keys(&format!("deleted/{run}/"));
        let texts = notes.iter().filter_map(|note| kv::text(note));
        texts
            .flat_map(|text| text.split(' ').filter_map(Task::read).collect::<Vec<_>>())
            .collect()
    }

    /// Nobody asks about these any more.
    pub(crate) fn forget(run: &str, tasks: &[Task]) {
        for note in kv::keys(&format!("deleted/{run}/")) {
            let noted = kv::text(&note).unwrap_or_default();
            let left: Vec<Task> = noted
                .split(' ')
                .filter_map(Task::read)
                .filter(|task| !tasks.contains(task))
                .collect();
            if left.len() < noted.split(' ').count() {
                kv::remove(&note);
                add(run, &left);
            }
        }
    }
}

/// When a task was first missed in the queue, without a record of its end.
pub(crate) mod missed {
    use super::{Duration, Task, clock, kv};

    fn key(run: &str, task: Task) -> String {
        format!("missed/{run}/{task}")
    }

    /// How long it has been missed; none if this is the first time.
    pub(crate) fn since(run: &str, task: Task) -> Option<Duration> {
        let now = clock::now();
        match kv::text(&key(run, task)).and_then(|text| text.parse().ok()) {
            Some(then) => Some(now.saturating_sub(Duration::from_millis(then))),
            None => {
                // Forgotten notes cost some more questions, nothing else.
                let _kept = kv::set(&key(run, task), now.as_millis().to_string());
                None
            }
        }
    }

    pub(crate) fn forget(run: &str, task: Task) {
        kv::remove(&key(run, task));
    }
}

/// Why jobs wait, as Grid Engine said it last.
pub(crate) mod waiting {
    use super::{Duration, HashMap, clock, kv};

    /// Jobs that wait for a shorter time are not asked about.
    const FIRST: Duration = Duration::from_secs(5);
    const AGAIN: Duration = Duration::from_secs(30);

    pub(crate) struct Reasons {
        /// Whether it is time to ask.
        pub(crate) stale: bool,
        pub(crate) by_job: HashMap<u32, String>,
    }

    fn key(run: &str) -> String {
        format!("waiting/{run}")
    }

    /// What is known; begins to count the time if nothing is.
    pub(crate) fn known(run: &str) -> Reasons {
        let Some(text) = kv::text(&key(run)) else {
            keep(run, FIRST, &HashMap::new());
            return Reasons {
                stale: false,
                by_job: HashMap::new(),
            };
        };
        let mut lines = text.lines();
        let due = lines
            .next()
            .and_then(|line| line.parse().ok())
            .map(Duration::from_millis);
        let by_job = lines.filter_map(|line| {
            let (job, reason) = line.split_once(' ')?;
            Some((job.parse().ok()?, reason.to_owned()))
        });
        Reasons {
            stale: due.is_none_or(|due| due <= clock::now()),
            by_job: by_job.collect(),
        }
    }

    pub(crate) fn learned(run: &str, by_job: &HashMap<u32, String>) {
        keep(run, AGAIN, by_job);
    }

    fn keep(run: &str, pause: Duration, by_job: &HashMap<u32, String>) {
        let due = clock::now().saturating_add(pause).as_millis();
        let lines = by_job.iter().map(|(job, reason)| format!("\n{job} {reason}"));
        // Forgotten notes cost some more questions, nothing else.
        let _kept = kv::set(&key(run), format!("{due}{}", lines.collect::<String>()));
    }

    pub(crate) fn forget(run: &str) {
        kv::remove(&key(run));
    }
}

/// Options that Grid Engine was asked about at the start of this run, and found good.
pub(crate) mod verified {
    use super::kv;

    const KEY: &str = "verified";

    pub(crate) fn is(run: &str) -> bool {
        kv::text(KEY).as_deref() == Some(run)
    }

    pub(crate) fn note(run: &str) {
        // Forgotten notes cost some more questions, nothing else.
        let _kept = kv::set(KEY, run);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xqute_plugin::testing::Host;

    #[test]
    fn what_was_out_is_looked_for_once() {
        let _host = Host::new();
        let note = submitting::begin("t", 1, &[0, 1, 2, 7]).unwrap();
        assert!(!submitting::were_lost("t", 1, &[3, 4]));
        assert!(!submitting::were_lost("t", 2, &[0]) && !submitting::were_lost("u", 1, &[0]));
        assert!(submitting::were_lost("t", 1, &[0, 1]));
        assert!(!submitting::were_lost("t", 1, &[0, 1]));
        assert!(submitting::were_lost("t", 1, &[7]), "the others are still out");
        let note_of_two = submitting::begin("t", 1, &[2]).unwrap();
        submitting::end(&note);
        submitting::end(&note_of_two);
        assert!(kv::keys("").is_empty());
    }

    #[test]
    fn what_was_deleted_is_known_until_it_is_over() {
        let _host = Host::new();
        let tasks: Vec<Task> = (1..=4_500).map(|number| Task { job: 7, number }).collect();
        deleted::add("t", &tasks);
        assert_eq!(deleted::all("t").len(), 4_500);
        assert!(deleted::all("u").is_empty());
        deleted::forget("t", &tasks[..4_499]);
        assert_eq!(deleted::all("t"), tasks[4_499..]);
        deleted::forget("t", &tasks);
        assert!(kv::keys("").is_empty());
    }

    #[test]
    fn reasons_are_asked_for_now_and_then() {
        let host = Host::new();
        assert!(!waiting::known("t").stale, "at first a job may wait for a moment");
        host.advance(Duration::from_secs(5));
        assert!(waiting::known("t").stale);
        waiting::learned("t", &HashMap::from([(7, "queue is full".to_owned())]));
        let known = waiting::known("t");
        assert!(!known.stale && known.by_job[&7] == "queue is full");
        host.advance(Duration::from_secs(30));
        assert!(waiting::known("t").stale);
        waiting::forget("t");
        assert!(kv::keys("").is_empty());
    }

    #[test]
    fn time_is_counted_from_the_first_miss() {
        let host = Host::new();
        let task = Task { job: 7, number: 1 };
        assert_eq!(missed::since("t", task), None);
        host.advance(Duration::from_secs(9));
        assert_eq!(missed::since("t", task), Some(Duration::from_secs(9)));
        missed::forget("t", task);
        assert_eq!(missed::since("t", task), None);
    }
}
