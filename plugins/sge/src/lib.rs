//! Runs jobs on Grid Engine, through its clients `qsub`, `qstat`, `qacct` and `qdel`.
//!
//! This file is the plugin. `submit` makes array jobs, `launcher` the script by which a task of an array finds its job, and
//! `name` what Grid Engine calls them; `poll` puts together what `queue`, `details` and `accounting` read; `cancel` and `find`
//! are one step each. `options` checks what users ask for against the `table` of qsub's options, `identity` is the word by
//! which attempts are found again, `task` their ids, `notes` what one call keeps for a later one, `trouble` judges failed
//! calls. `fixtures/` holds what a real Grid Engine answered.

mod accounting;
mod cancel;
mod details;
mod find;
mod identity;
mod launcher;
mod name;
mod notes;
mod options;
mod poll;
mod queue;
mod submit;
mod table;
mod task;
mod trouble;

use std::time::Duration;

use notes::{deleted, submitting, verified};
use submit::Answer;
use task::Task;
use trouble::Trouble;
use xqute_plugin::Limits;
use xqute_plugin::prelude::*;

/// The plugin.
#[derive(Debug)]
pub struct Sge;

#[export]
impl Plugin for Sge {
    fn about(about: About) -> About {
        let limits = Limits {
            memory_mib: None,
            // A client waits for minutes for a qmaster that is there but does not answer.
            call_ms: Some(300_000),
            // One may wait for `qsub` while another asks and a third one cancels. More jobs in one array beat more arrays.
            instances: Some(3),
        };
        let programs = ["qsub", "qstat -xml", "qstat -j *", "qacct -j * -t *", "qdel"];
        options::describe(about.runs(programs).limits(limits))
            .jobs_per_submit(250)
            .carries_jobs()
            .polled_at_most_every(Duration::from_secs(1))
            .zero_is_final()
    }
}

#[export]
impl Scheduler for Sge {
    fn open(options: &[(String, String)], run: &RunInfo) -> Result<(), Error> {
        let Some(argv) = submit::verification(options)? else {
            return Ok(());
        };
        if run::is_dry() || verified::is(&run.tag) {
            return Ok(());
        }
        let output = process::run("qsub", argv)?;
        match trouble::of(&output) {
            None => verified::note(&run.tag),
            // Whoever cannot be asked now is asked when the first job is submitted.
            Some(Trouble::Unreachable(_) | Trouble::InDoubt(_) | Trouble::Busy) => {}
            Some(Trouble::Usage(said)) => {
                return Err(Error::InvalidOptions(format!("qsub refused its options: {said}")));
            }
            Some(Trouble::Refusal(said)) if said.ends_with("no suitable queues") => {
                return Err(Error::InvalidOptions(submit::impossible(Some(&output))));
            }
            Some(Trouble::Refusal(said)) => {
                return Err(Error::InvalidOptions(format!("Grid Engine would take no job: {said}")));
            }
        }
        Ok(())
    }

    fn wrap(jobs: &[Job]) -> Vec<Result<Wrapping, Error>> {
        let run = run::info().tag;
        let wrapping = |job| Ok(Wrapping::with(submit::directives(job, &run)?));
        jobs.iter().map(wrapping).collect()
    }

    fn submit(jobs: &[Job]) -> Vec<Result<String, Error>> {
        let run = run::info().tag;
        let mut patience: Option<Error> = None;
        let mut results: Vec<Result<String, Error>> = jobs.iter().map(|_| Err(Error::RateLimited(None))).collect();
        for places in submit::groups(jobs) {
            let group: Vec<&Job> = places.iter().filter_map(|place| jobs.get(*place)).collect();
            // Once Grid Engine asks for patience the other arrays need not wait for the same answer.
            let answers = match &patience {
                None => submit_array(&group, &run),
                Some(error) => group.iter().map(|_| Err(error.clone())).collect(),
            };
            for (place, answer) in places.into_iter().zip(answers) {
                if let Err(error @ (Error::Unavailable(_) | Error::RateLimited(_))) = &answer {
                    patience = Some(error.clone());
                }
                if let Some(result) = results.get_mut(place) {
                    *result = answer;
                }
            }
        }
        results
    }

    fn poll(jobs: &[JobRef]) -> Result<Vec<Observation>, Error> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        poll::poll(&run::info().tag, jobs)
    }

    fn cancel(jobs: &[JobRef]) -> Vec<Result<(), Error>> {
        let tasks: Vec<Option<Task>> = jobs.iter().map(|job| Task::read(&job.backend_id)).collect();
        let known: Vec<Task> = tasks.iter().flatten().copied().collect();
        if known.is_empty() {
            return jobs.iter().map(|_| Ok(())).collect();
        }
        let mut results = cancel::delete(&known).into_iter();
        let results: Vec<Result<(), Error>> = tasks
            .iter()
            .map(|task| task.and_then(|_| results.next()).unwrap_or(Ok(())))
            .collect();
        let pairs = tasks.iter().zip(&results);
        let gone: Vec<Task> = pairs
            .filter(|(_, result)| result.is_ok())
            .filter_map(|(task, _)| *task)
            .collect();
        deleted::add(&run::info().tag, &gone);
        results
    }

    fn find(run_tag: &str) -> Result<Vec<JobRef>, Error> {
        find::find(run_tag)
    }
}

#[export]
impl Snippets for Sge {
    /// Grid Engine announces limits and deletion by signals (s_rt, s_cpu, notify). A bash that such a signal ends takes the
    /// exit code of whatever it ran before for that of the job; these lines make it say what happened.
    fn on_jobcmd_init(_job: &Job) -> Option<String> {
        let ours = run::info().scheduler == "sge";
        ours.then(|| "trap 'exit 138' USR1\ntrap 'exit 140' USR2\ntrap 'exit 152' XCPU\n".to_owned())
    }
}

/// Submits jobs as one array, once. Grid Engine itself would take the same jobs twice, so a note is kept while the answer of
/// `qsub` is out: when it is still there the next time, the answer was lost, and Grid Engine is searched for the jobs first.
fn submit_array(jobs: &[&Job], run: &str) -> Vec<Result<String, Error>> {
    let Some(attempt) = jobs.first().map(|job| job.attempt) else {
        return Vec::new();
    };
    let indices: Vec<u32> = jobs.iter().map(|job| job.index).collect();
    let mut found: Vec<JobRef> = Vec::new();
    if submitting::were_lost(run, attempt, &indices) {
        match find::find(run) {
            Ok(refs) => found = refs.into_iter().filter(|job| job.attempt == attempt).collect(),
            Err(error) => {
                let note = submitting::begin(run, attempt, &indices);
                let error = note.err().unwrap_or(error);
                return jobs.iter().map(|_| Err(error.clone())).collect();
            }
        }
    }
    let known = |job: &Job| found.iter().find(|found| found.index == job.index);
    let new: Vec<&Job> = jobs.iter().copied().filter(|job| known(job).is_none()).collect();
    let mut answers = submit_new(&new, run).into_iter();
    let answer = |job: &&Job| match known(job) {
        Some(found) => {
            log::info!("job {} was submitted before, as {}", job.index, found.backend_id);
            Ok(found.backend_id.clone())
        }
        None => answers.next().unwrap_or(Err(Error::RateLimited(None))),
    };
    jobs.iter().map(answer).collect()
}

fn submit_new(jobs: &[&Job], run: &str) -> Vec<Result<String, Error>> {
    let all = |error: &Error| jobs.iter().map(|_| Err(error.clone())).collect();
    match try_submit(jobs, run) {
        Ok(Some(id)) => (0..jobs.len()).map(|place| Ok(submit::id(id, place))).collect(),
        Ok(None) => jobs.iter().map(|_| Ok("dry-run".to_owned())).collect(),
        Err(error) => all(&error),
    }
}

/// The id of the array job; none in a dry run.
fn try_submit(jobs: &[&Job], run: &str) -> Result<Option<u32>, Error> {
    let Some(first) = jobs.first() else { return Ok(None) };
    let array = submit::array(jobs, run, run::carrier().as_deref())?;
    let indices: Vec<u32> = jobs.iter().map(|job| job.index).collect();
    if run::is_dry() {
        process::run_with_input("qsub", array.argv, array.script.as_bytes())?;
        return Ok(None);
    }
    let note = submitting::begin(run, first.attempt, &indices)?;
    let answer = process::run_with_input("qsub", array.argv, array.script.as_bytes());
    let answer = answer.map(|output| submit::answer(&output));
    if !matches!(answer, Ok(Answer::InDoubt(_))) {
        submitting::end(&note);
    }
    match answer? {
        Answer::Accepted(id) => Ok(Some(id)),
        Answer::Declined(error) | Answer::InDoubt(error) => Err(error),
        Answer::Impossible => {
            let argv = submit::verification(&first.options)?;
            let why = argv.and_then(|argv| process::run("qsub", argv).ok());
            Err(Error::Rejected(submit::impossible(why.as_ref())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xqute_plugin::testing::{Host, job};

    const TIMED_OUT: &str = "Unable to run job: failed receiving gdi request response for mid=1 (got syncron message \
                             receive timeout error).\nExiting.\n";
    const NOTHING: &str = "<job_info></job_info>\n";

    fn jobs(count: u32) -> Vec<Job> {
        (0..count).map(|index| job(index, "true")).collect()
    }

    fn ids(results: Vec<Result<String, Error>>) -> Vec<String> {
        results.into_iter().map(Result::unwrap).collect()
    }

    #[test]
    fn a_list_is_one_array() {
        let host = Host::new();
        host.on_program("qsub", |_| Host::prints("17.1-3:1\n"));
        assert_eq!(ids(Sge::submit(&jobs(3))), ["17.1", "17.2", "17.3"]);
        let calls = host.calls();
        assert_eq!(calls.len(), 1);
        assert!(String::from_utf8_lossy(&calls[0].stdin).contains("script=(0 1 2)"));
        assert!(kv::keys("").is_empty(), "an answered request leaves no note");
    }

    #[test]
    fn a_lost_answer_does_not_submit_twice() {
        let host = Host::new();
        host.on_program("qsub", |_| Host::fails(1, TIMED_OUT));
        let all = jobs(3);
        let results = Sge::submit(&all);
        assert!(
            results
                .iter()
                .all(|result| matches!(result, Err(Error::Unavailable(_)))),
            "{results:?}"
        );
        host.on_program("qstat", |call| {
            Host::prints(match call.args[0].as_str() {
                "-xml" => {
                    "<job_list state=\"pending\"><JB_job_number>17</JB_job_number><state>qw</state></job_list></job_info>"
                }
                _ => "job_number: 17\ncontext: xqute=0123456789abcdef:1:0-1\n",
            })
        });
        host.on_program("qsub", |_| Host::prints("18.1-1:1\n"));
        assert_eq!(ids(Sge::submit(&all)), ["17.1", "17.2", "18.1"]);
    }

    #[test]
    fn a_lost_request_is_sent_again() {
        let host = Host::new();
        host.on_program("qsub", |_| Host::fails(1, TIMED_OUT));
        host.on_program("qstat", |_| Host::prints(NOTHING));
        let all = jobs(2);
        assert!(Sge::submit(&all).iter().all(Result::is_err));
        host.on_program("qsub", |_| Host::prints("18.1-2:1\n"));
        assert_eq!(ids(Sge::submit(&all)), ["18.1", "18.2"]);
        let programs: Vec<_> = host.calls().into_iter().map(|call| call.program).collect();
        assert_eq!(programs, ["qsub", "qstat", "qsub"]);
    }

    #[test]
    fn patience_is_asked_of_all_arrays() {
        let host = Host::new();
        host.on_program("qsub", |_| {
            Host::fails(1, include_str!("../fixtures/submit-master-down.stderr"))
        });
        let mut all = jobs(2);
        all[1].options = vec![("q".to_owned(), "short.q".to_owned())];
        let results = Sge::submit(&all);
        assert!(
            results
                .iter()
                .all(|result| matches!(result, Err(Error::Unavailable(_))))
        );
        assert_eq!(
            host.calls().len(),
            1,
            "the second array does not wait for the same answer"
        );
    }

    #[test]
    fn no_jobs_need_no_program() {
        let host = Host::new();
        assert_eq!(Sge::poll(&[]).unwrap(), []);
        assert_eq!(Sge::cancel(&[]), []);
        assert_eq!(Sge::submit(&[]), []);
        assert!(host.calls().is_empty());
    }

    #[test]
    fn a_dry_run_starts_nothing_by_itself() {
        let host = Host::new();
        host.on_program("qsub", |_| Host::prints(""));
        let mut info = run::info();
        info.attributes = vec![("dry-run".to_owned(), "true".to_owned())];
        host.set_run(info.clone());
        Sge::open(&[], &info).unwrap();
        assert!(host.calls().is_empty());
        assert_eq!(ids(Sge::submit(&jobs(2))), ["dry-run", "dry-run"]);
    }

    #[test]
    fn bad_options_are_found_before_the_first_job() {
        let host = Host::new();
        let run = run::info();
        let open = |name: &str, value: &str| Sge::open(&[(name.to_owned(), value.to_owned())], &run);
        let error = open("t", "1-4").unwrap_err();
        assert!(error.message().starts_with("`t` cannot be given for sge"));
        assert!(host.calls().is_empty());

        host.on_program("qsub", |_| {
            Host::fails(1, include_str!("../fixtures/submit-unknown-queue.stderr"))
        });
        assert_eq!(
            open("q", "nope").unwrap_err(),
            Error::InvalidOptions(
                "Grid Engine would take no job: Job was rejected because job requests unknown queue \"nope\""
                    .to_owned()
            )
        );
        host.on_program("qsub", |_| {
            Host::fails(1, include_str!("../fixtures/verify-never.stderr"))
        });
        assert!(matches!(open("pe", "smp 1000"), Err(Error::InvalidOptions(said)) if said.contains("0 slots")));
        assert_eq!(open("w", "n"), Ok(()), "whoever wants to wait may wait");

        host.on_program("qsub", |_| {
            Host::fails(1, include_str!("../fixtures/submit-master-down.stderr"))
        });
        assert_eq!(open("q", "short.q"), Ok(()), "a master that is down is waited for");
        host.on_program("qsub", |_| Host::prints("verification: found suitable queue(s)\n"));
        let before = host.calls().len();
        assert_eq!((open("q", "short.q"), open("q", "short.q")), (Ok(()), Ok(())));
        assert_eq!(host.calls().len(), before + 1, "a good answer is remembered");
    }

    #[test]
    fn what_is_cancelled_is_noted() {
        let host = Host::new();
        host.on_program("qdel", |_| Host::prints(""));
        let job_ref = |backend_id: &str| JobRef {
            index: 0,
            attempt: 1,
            backend_id: backend_id.to_owned(),
        };
        assert_eq!(Sge::cancel(&[job_ref("17.2"), job_ref("dry-run")]), [Ok(()), Ok(())]);
        assert_eq!(host.calls()[0].to_string(), "qdel 17.2");
        assert_eq!(deleted::all(&run::info().tag), [Task { job: 17, number: 2 }]);
    }

    #[test]
    fn scripts_say_that_a_signal_ended_them() {
        let host = Host::new();
        let job = job(0, "true");
        assert_eq!(Sge::on_jobcmd_init(&job), None, "another scheduler runs it");
        let mut info = run::info();
        "sge".clone_into(&mut info.scheduler);
        host.set_run(info);
        assert!(Sge::on_jobcmd_init(&job).unwrap().contains("exit 138"));
    }
}
