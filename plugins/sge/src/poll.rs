//! Asks about attempts: the queue once for all of them, and for more only about those whose place in the queue does not tell
//! all. The answers are read in `queue`, `details` and `accounting`.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::accounting;
use crate::cancel;
use crate::details;
use crate::notes::{deleted, missed, waiting};
use crate::queue::{Queue, State};
use crate::task::Task;
use crate::trouble;
use xqute_plugin::{Error, FailureCause, JobRef, Observation, log, process};

/// How many jobs one call asks `qstat -j` or `qacct` about; the others have their turn in the next one.
const MOST_DETAILS: usize = 50;
const MOST_RECORDS: usize = 16;

/// How long a record may be late. Grid Engine writes them every 15 seconds by default.
const LATEST_RECORD: Duration = Duration::from_secs(25);

/// One observation for each attempt.
pub(crate) fn poll(run: &str, jobs: &[JobRef]) -> Result<Vec<Observation>, Error> {
    let output = process::run("qstat", ["-xml"])?;
    trouble::check("qstat", &output)?;
    let stdout = output.stdout_text();
    let queue = Queue::read(&stdout)?;
    let tasks: Vec<Option<Task>> = jobs.iter().map(|job| Task::read(&job.backend_id)).collect();
    let places: Vec<Place> = tasks
        .iter()
        .map(|task| task.map_or(Place::Nowhere, |task| place(&queue, task)))
        .collect();
    let at = |wanted: fn(&Place) -> bool| -> Vec<Task> {
        let pairs = tasks.iter().zip(&places);
        pairs
            .filter(|(_, place)| wanted(place))
            .filter_map(|(task, _)| *task)
            .collect()
    };
    let broken = broken(&at(|place| matches!(place, Place::Broken)))?;
    let gone = gone(run, &at(|place| matches!(place, Place::Gone)));
    let reasons = reasons(run, &at(|place| matches!(place, Place::Waits)));
    let observe = |(task, place): (&Option<Task>, &Place)| match (place, task) {
        (Place::Runs, _) => Observation::Running,
        (Place::Held, _) => Observation::Queued(Some("it is held; qrls releases it".to_owned())),
        (Place::WaitsAgain, _) => Observation::Queued(Some("Grid Engine is going to start it once more".to_owned())),
        (Place::Waits, Some(task)) => Observation::Queued(reasons.get(&task.job).cloned()),
        (Place::Broken, Some(task)) => broken.get(task).cloned().unwrap_or(Observation::Queued(None)),
        (Place::Gone, Some(task)) => gone.get(task).cloned().unwrap_or(Observation::Queued(None)),
        (Place::Waits | Place::Broken | Place::Gone | Place::Nowhere, _) => Observation::Unknown,
    };
    Ok(tasks.iter().zip(&places).map(observe).collect())
}

/// Where a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Waits,
    Held,
    /// It ran, and Grid Engine is going to start it again.
    WaitsAgain,
    Runs,
    /// In the error state.
    Broken,
    /// No longer in the queue.
    Gone,
    /// It has no id that Grid Engine could know.
    Nowhere,
}

fn place(queue: &Queue<'_>, task: Task) -> Place {
    match queue.state(task) {
        None => Place::Gone,
        Some(state) if State::is_over(state) => Place::Gone,
        Some(state) if state.is_error() => Place::Broken,
        Some(state) if state.is_held() && state.waits() => Place::Held,
        Some(state) if state.waits_again() => Place::WaitsAgain,
        Some(state) if state.waits() => Place::Waits,
        Some(_) => Place::Runs,
    }
}

/// Asks why tasks could not be started, and deletes them: they would stay where they are for ever.
fn broken(tasks: &[Task]) -> Result<HashMap<Task, Observation>, Error> {
    let mut jobs: Vec<u32> = tasks.iter().map(|task| task.job).collect();
    jobs.dedup();
    jobs.truncate(MOST_DETAILS);
    if jobs.is_empty() {
        return Ok(HashMap::new());
    }
    let output = process::run("qstat", details::argv(&jobs))?;
    // To know none of them any more is an answer too.
    let stdout = output.stdout_text();
    let described: HashMap<u32, _> = details::read(&stdout)
        .into_iter()
        .map(|details| (details.job, details))
        .collect();
    let why = |task: &Task| Some((*task, described.get(&task.job)?.error(*task)));
    let reasons: HashMap<Task, String> = tasks.iter().filter_map(why).collect();
    let explained: Vec<Task> = tasks
        .iter()
        .copied()
        .filter(|task| reasons.contains_key(task))
        .collect();
    if !explained.is_empty() {
        for result in cancel::delete(&explained) {
            if let Err(error) = result {
                log::warn!("a job in the error state could not be deleted: {}", error.message());
            }
        }
    }
    let never = |(task, why)| (task, Observation::Failed(FailureCause::NeverStarted(why)));
    Ok(reasons.into_iter().map(never).collect())
}

/// Asks how tasks ended that left the queue.
fn gone(run: &str, tasks: &[Task]) -> HashMap<Task, Observation> {
    let mut by_job: BTreeMap<u32, Vec<Task>> = BTreeMap::new();
    for task in tasks {
        by_job.entry(task.job).or_default().push(*task);
    }
    let mut observations = HashMap::new();
    let mut over = Vec::new();
    let mut deleted_by_us = None;
    for (job, tasks) in by_job.into_iter().take(MOST_RECORDS) {
        let records = records(job, &tasks);
        for task in tasks {
            let seen = match &records {
                // Accounting cannot be read here, so nothing will come of waiting.
                None => Observation::Unknown,
                Some(records) => match records.get(&task) {
                    Some(ended) => ended.clone(),
                    None if deleted_by_us.get_or_insert_with(|| deleted::all(run)).contains(&task) => {
                        Observation::Cancelled
                    }
                    None => without_record(run, task),
                },
            };
            if !matches!(seen, Observation::Unknown | Observation::Queued(_)) {
                missed::forget(run, task);
                over.push(task);
            }
            observations.insert(task, seen);
        }
    }
    if !over.is_empty() {
        deleted::forget(run, &over);
    }
    observations
}

/// The records of some tasks of one job; none if there are no records to look at.
fn records(job: u32, tasks: &[Task]) -> Option<HashMap<Task, Observation>> {
    let numbers = || tasks.iter().map(|task| task.number);
    let (first, last) = (numbers().min()?, numbers().max()?);
    match process::run("qacct", accounting::argv(job, first, last)) {
        Ok(output) if output.succeeded() => Some(accounting::read(&output.stdout_text())),
        Ok(output) if output.stderr_text().contains(" not found") => Some(HashMap::new()),
        Ok(output) => {
            log::warn!("qacct cannot be asked: {}", output.stderr_text().trim());
            None
        }
        Err(error) => {
            log::warn!("qacct cannot be asked: {}", error.message());
            None
        }
    }
}

/// A task that left the queue and has no record: it comes late, or never, for who is deleted while waiting has none.
fn without_record(run: &str, task: Task) -> Observation {
    match missed::since(run, task) {
        // Whoever left an exit code need not wait.
        None => Observation::Unknown,
        Some(time) if time < LATEST_RECORD => Observation::Queued(Some(
            "it left the queue of Grid Engine, whose record of it is awaited".to_owned(),
        )),
        Some(_) => {
            log::info!("{task} left the queue without a record: somebody deleted it before it started");
            Observation::Cancelled
        }
    }
}

/// Why jobs wait, for those that have waited for some time.
fn reasons(run: &str, tasks: &[Task]) -> HashMap<u32, String> {
    if tasks.is_empty() {
        waiting::forget(run);
        return HashMap::new();
    }
    let known = waiting::known(run);
    if !known.stale {
        return known.by_job;
    }
    let mut jobs: Vec<u32> = tasks.iter().map(|task| task.job).collect();
    jobs.dedup();
    jobs.truncate(MOST_DETAILS);
    let by_job = match process::run("qstat", details::argv(&jobs)) {
        Ok(output) => {
            let stdout = output.stdout_text();
            let described = details::read(&stdout);
            let asked = described.iter().filter(|details| jobs.contains(&details.job));
            asked
                .filter_map(|details| Some((details.job, details.reason()?)))
                .collect()
        }
        Err(_) => known.by_job.clone(),
    };
    tell(&known.by_job, &by_job);
    waiting::learned(run, &by_job);
    by_job
}

/// Says each reason once, however many jobs it holds back.
fn tell(before: &HashMap<u32, String>, now: &HashMap<u32, String>) {
    let mut jobs: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (job, reason) in now {
        jobs.entry(reason).or_default().push(*job);
    }
    for (reason, jobs) in jobs {
        if !before.values().any(|known| known == reason)
            && let Some(first) = jobs.iter().min()
        {
            log::info!("Grid Engine lets jobs wait, {first} among them: {reason}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xqute_plugin::testing::Host;

    fn refs(ids: &[&str]) -> Vec<JobRef> {
        let with_index = |(index, id): (u32, &&str)| JobRef {
            index,
            attempt: 1,
            backend_id: (*id).to_owned(),
        };
        (0..).zip(ids).map(with_index).collect()
    }

    fn list(entries: &str) -> String {
        format!("<?xml version='1.0'?>\n<job_info><queue_info>{entries}</queue_info></job_info>\n")
    }

    fn never(why: &str) -> Observation {
        Observation::Failed(FailureCause::NeverStarted(why.to_owned()))
    }

    /// A Grid Engine that answers as the real one did.
    fn real() -> Host {
        let host = Host::new();
        host.on_program("qstat", |call| {
            Host::prints(match call.args[0].as_str() {
                "-xml" => include_str!("../fixtures/poll-states.xml"),
                _ => include_str!("../fixtures/details.txt"),
            })
        });
        host.on_program("qdel", |_| Host::prints(""));
        host.on_program("qacct", |call| {
            if call.args[1] == "128" {
                return Host::prints(include_str!("../fixtures/records.txt"));
            }
            Host::fails(1, &format!("error: job id {} not found\n", call.args[1]))
        });
        host
    }

    #[test]
    fn every_place_has_its_observation() {
        let host = real();
        let ids = [
            "138.1", "138.2", "139.2", "140.1", "141.3", "142.1", "144.1", "128.2", "128.9", "999.1", "dry-run",
        ];
        let seen = poll("t", &refs(&ids)).unwrap();
        let held = Observation::Queued(Some("it is held; qrls releases it".to_owned()));
        assert_eq!(seen[0..2], [Observation::Running, Observation::Running]);
        assert_eq!(
            seen[2],
            never("Grid Engine could not start it: can't chdir to /nonexistent: No such file or directory")
        );
        assert!(matches!(&seen[3], Observation::Failed(FailureCause::NeverStarted(_))));
        assert_eq!(seen[4..7], [held, Observation::Queued(None), Observation::Running]);
        assert_eq!(seen[7], Observation::Failed(FailureCause::ExitCode(3)));
        assert_eq!(
            seen[8..],
            [Observation::Cancelled, Observation::Unknown, Observation::Unknown]
        );
        let calls: Vec<String> = host.calls().iter().map(ToString::to_string).collect();
        assert_eq!(
            calls,
            [
                "qstat -xml",
                "qstat -j 139,140",
                "qdel 139.2 140.1",
                "qacct -j 128 -t 2-9",
                "qacct -j 999 -t 1-1"
            ]
        );
    }

    #[test]
    fn one_question_is_enough_where_nothing_is_wrong() {
        let host = real();
        poll("t", &refs(&["138.1", "138.3", "144.1"])).unwrap();
        assert_eq!(host.calls().len(), 1);
    }

    #[test]
    fn why_jobs_wait_is_asked_when_it_takes_long() {
        let host = real();
        let jobs = refs(&["142.1"]);
        assert_eq!(poll("t", &jobs).unwrap(), [Observation::Queued(None)]);
        host.advance(Duration::from_secs(6));
        let why = "cannot run in PE \"smp\" because it only offers 0 slots";
        for _ in 0..3 {
            assert_eq!(poll("t", &jobs).unwrap(), [Observation::Queued(Some(why.to_owned()))]);
        }
        assert_eq!(host.calls().len(), 5, "four lists and one question");
        assert_eq!(
            host.log_text(),
            format!("Grid Engine lets jobs wait, 142 among them: {why}\n")
        );
    }

    #[test]
    fn a_late_record_is_waited_for() {
        let host = real();
        let jobs = refs(&["7.1"]);
        assert_eq!(poll("t", &jobs).unwrap(), [Observation::Unknown], "files may tell");
        host.advance(Duration::from_secs(5));
        assert!(matches!(&poll("t", &jobs).unwrap()[..], [Observation::Queued(Some(_))]));
        host.advance(Duration::from_secs(30));
        assert_eq!(poll("t", &jobs).unwrap(), [Observation::Cancelled]);
    }

    #[test]
    fn what_we_deleted_ourselves_needs_no_record() {
        let _host = real();
        let task = Task { job: 7, number: 1 };
        deleted::add("t", &[task, Task { job: 8, number: 1 }]);
        assert_eq!(poll("t", &refs(&["7.1"])).unwrap(), [Observation::Cancelled]);
        assert_eq!(deleted::all("t"), [Task { job: 8, number: 1 }]);
    }

    #[test]
    fn without_accounting_the_files_have_to_tell() {
        let host = real();
        host.on_program("qacct", |_| Host::fails(1, "accounting: No such file or directory\n"));
        for _ in 0..3 {
            assert_eq!(poll("t", &refs(&["7.1"])).unwrap(), [Observation::Unknown]);
            host.advance(Duration::from_secs(60));
        }
    }

    #[test]
    fn a_master_that_is_down_says_nothing_about_jobs() {
        let host = Host::new();
        let down = include_str!("../fixtures/poll-master-down.stderr");
        host.on_program("qstat", move |_| Host::fails(1, down));
        assert!(matches!(poll("t", &refs(&["7.1"])), Err(Error::Unavailable(_))));
        host.on_program("qstat", |_| Host::prints("<?xml version='1.0'?>\n<job_info>"));
        assert!(matches!(poll("t", &refs(&["7.1"])), Err(Error::Unavailable(_))));
    }

    #[test]
    fn a_list_of_gone_jobs_is_worked_off_in_portions() {
        let host = Host::new();
        host.on_program("qstat", |_| Host::prints(&list("")));
        host.on_program("qacct", |call| {
            Host::fails(1, &format!("error: job id {} not found\n", call.args[1]))
        });
        let ids: Vec<String> = (1..=40).map(|job| format!("{job}.1")).collect();
        let seen = poll("t", &refs(&ids.iter().map(String::as_str).collect::<Vec<_>>())).unwrap();
        let unknown = seen.iter().filter(|seen| **seen == Observation::Unknown).count();
        assert_eq!((unknown, host.calls().len()), (MOST_RECORDS, 1 + MOST_RECORDS));
    }
}
