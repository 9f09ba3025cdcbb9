//! The plugin's steps against a made-up `gcloud`: what is asked when, and what is not.

use std::time::Duration;

use super::*;
use xqute_plugin::testing::{Call, Host, job};

const EXISTS: &str = include_str!("../fixtures/submit-exists.stderr");
const DOWN: &str = include_str!("../fixtures/list-down.stderr");

fn host() -> Host {
    let host = Host::new();
    host.option("location", "us-central1");
    host.option("shared-workdir", "true");
    host.on_program("touch", |_| Host::prints(""));
    host
}

fn jobs(count: u32) -> Vec<Job> {
    let gbatch = |index| {
        let mut job = job(index, "true");
        job.name = format!("gbatch-{index}");
        job.options = vec![("location".to_owned(), "us-central1".to_owned())];
        job
    };
    (0..count).map(gbatch).collect()
}

fn refs(jobs: &[Job], ids: &[Result<String, Error>]) -> Vec<JobRef> {
    let with_id = |(job, id): (&Job, &Result<String, Error>)| JobRef {
        index: job.index,
        attempt: job.attempt,
        backend_id: id.clone().unwrap(),
    };
    jobs.iter().zip(ids).map(with_id).collect()
}

/// What was asked of `gcloud`, in short: `jobs list`.
fn asked(host: &Host) -> Vec<String> {
    let short = |call: Call| call.args.get(1..3).map_or(call.program, |words| words.join(" "));
    host.calls().into_iter().map(short).collect()
}

fn is(call: &Call, command: &str) -> bool {
    call.args.join(" ").contains(command)
}

/// A list of jobs, or of tasks.
fn listed(entries: &[(&str, &str)]) -> String {
    let entries: Vec<_> = entries
        .iter()
        .map(|(name, status)| format!(r#"{{"name": "a/{name}", "status": {status}}}"#))
        .collect();
    format!("[{}]", entries.join(","))
}

#[test]
fn a_hundred_jobs_are_one_call_each_way() {
    let host = host();
    host.on_program("gcloud", |_| Host::prints(""));
    let jobs = jobs(100);
    let ids = Gbatch::submit(&jobs);
    assert_eq!(asked(&host), ["jobs submit"]);
    assert_eq!(ids[99].as_ref().unwrap(), "gbatch-0-0123456789abcdef-da6476eb-100/99");
    let name = "gbatch-0-0123456789abcdef-da6476eb-100";
    let status = r#"{"state": "RUNNING", "taskGroups": {"group0": {"counts": {"RUNNING": "100"}}}}"#;
    let answer = listed(&[(name, status)]);
    host.on_program("gcloud", move |_| Host::prints(&answer));
    let refs = refs(&jobs, &ids);
    assert_eq!(Gbatch::poll(&refs).unwrap(), vec![Observation::Running; 100]);
    assert_eq!(Gbatch::cancel(&refs), vec![Ok(()); 100]);
    let gcloud: Vec<_> = asked(&host).into_iter().filter(|call| call != "touch").collect();
    assert_eq!(gcloud, ["jobs submit", "jobs describe", "jobs cancel"]);
}

#[test]
fn tasks_are_asked_for_only_where_they_differ() {
    let host = host();
    let counts = r#"{"state": "RUNNING", "taskGroups": {"group0": {"counts": {"RUNNING": "1", "FAILED": "1"}}}}"#;
    let tasks = listed(&[
        ("0", r#"{"state": "RUNNING"}"#),
        (
            "1",
            r#"{"state": "FAILED", "statusEvents": [{"description": "gone", "taskExecution": {"exitCode": 50001}}]}"#,
        ),
    ]);
    let job = listed(&[("j-2", counts)]);
    host.on_program("gcloud", move |call| {
        Host::prints(if is(call, "tasks list") { &tasks } else { &job })
    });
    let both = [("j-2/0", 0), ("j-2/1", 1), ("nonsense", 2)].map(|(id, index)| JobRef {
        index,
        attempt: 1,
        backend_id: id.to_owned(),
    });
    let preempted = Observation::Failed(FailureCause::Preempted);
    assert_eq!(
        Gbatch::poll(&both).unwrap(),
        [Observation::Running, preempted, Observation::Unknown]
    );
    assert!(host.log_text().contains("job 1: Batch says: gone"));
    assert_eq!(Gbatch::poll(&both[..1]).unwrap(), [Observation::Running]);
    assert_eq!(asked(&host), ["jobs describe", "tasks list", "jobs describe"]);
}

#[test]
fn many_jobs_of_batch_are_asked_about_in_one_call() {
    let host = host();
    host.on_program("gcloud", |_| Host::prints("[]"));
    let many: Vec<_> = (0..20)
        .map(|index| JobRef {
            index,
            attempt: 1,
            backend_id: format!("j{index}-1/0"),
        })
        .collect();
    assert_eq!(Gbatch::poll(&many).unwrap(), vec![Observation::Unknown; 20]);
    assert_eq!(asked(&host), ["jobs list"]);
}

#[test]
fn a_lost_answer_does_not_submit_twice() {
    let host = host();
    host.on_program("gcloud", |_| Host::fails(1, DOWN));
    let all = jobs(2);
    assert!(matches!(
        Gbatch::submit(&all)[..],
        [Err(Error::Unavailable(_)), Err(Error::Unavailable(_))]
    ));
    // It did arrive.
    host.on_program("gcloud", |call| match is(call, "jobs list") {
        true => Host::prints(r#"[{"name": "a/j-2", "taskGroups": [{"taskSpec": {"runnables": [{"script": {"text": "tasks=(0.1 1.1)\n"}}]}}]}]"#),
        false => Host::prints(""),
    });
    assert_eq!(Gbatch::submit(&all), [Ok("j-2/0".to_owned()), Ok("j-2/1".to_owned())]);
    assert_eq!(asked(&host), ["jobs submit", "jobs list"]);
    // An answered submission leaves no note.
    assert!(Gbatch::submit(&all).iter().all(Result::is_ok));
    assert_eq!(asked(&host).last().unwrap(), "jobs submit");
}

#[test]
fn a_lost_request_is_sent_again() {
    let host = host();
    host.on_program("gcloud", |_| Host::fails(1, DOWN));
    let all = jobs(2);
    Gbatch::submit(&all);
    host.on_program("gcloud", |_| Host::prints("[]"));
    assert!(Gbatch::submit(&all).iter().all(Result::is_ok));
    assert_eq!(asked(&host), ["jobs submit", "jobs list", "jobs submit"]);
}

#[test]
fn what_a_killed_host_was_submitting_is_waited_for() {
    let host = host();
    let all = jobs(2);
    let place = place().unwrap();
    let (requests, _) = submit::requests(&all.iter().collect::<Vec<_>>(), &place, "0123456789abcdef");
    notes::Note::write("0123456789abcdef", &requests[0]).unwrap();
    host.on_program("gcloud", |_| Host::prints("[]"));
    // It may show up yet, and the same attempts may come in another job.
    assert_eq!(Gbatch::submit(&all[1..]), [Err(Error::RateLimited(Some(30_000)))]);
    host.advance(Duration::from_secs(31));
    assert!(Gbatch::submit(&all[1..])[0].is_ok());
    assert_eq!(asked(&host), ["jobs list", "jobs list", "jobs submit"]);
}

#[test]
fn a_job_that_exists_is_ours_unless_it_was_cancelled() {
    let host = host();
    let with = |state: &str| {
        let answer = listed(&[(
            "gbatch-0-0123456789abcdef-5080ae86-1",
            &format!(r#"{{"state": "{state}"}}"#),
        )]);
        host.on_program("gcloud", move |call| match is(call, "jobs submit") {
            true => Host::fails(1, EXISTS),
            false => Host::prints(&answer),
        });
        Gbatch::submit(&jobs(1)).remove(0)
    };
    assert!(with("SUCCEEDED").unwrap().ends_with("-1/0"));
    assert_eq!(with("CANCELLED"), Err(Error::RateLimited(Some(2000))));
    assert_eq!(with("DELETION_IN_PROGRESS"), Err(Error::RateLimited(Some(2000))));
    let submit_and_look = ["jobs submit", "jobs describe"];
    assert_eq!(
        asked(&host),
        [
            &submit_and_look[..],
            &submit_and_look,
            &["jobs delete"],
            &submit_and_look
        ]
        .concat()
    );
}

#[test]
fn one_task_of_many_ends_by_itself_and_the_others_go_on() {
    let host = host();
    host.add_job(jobs(1).remove(0));
    let live = listed(&[("0", r#"{"state": "RUNNING"}"#), ("1", r#"{"state": "PENDING"}"#)]);
    host.on_program("gcloud", move |_| Host::prints(&live));
    let one = [JobRef {
        index: 0,
        attempt: 2,
        backend_id: "j-2/0".to_owned(),
    }];
    assert_eq!(Gbatch::cancel(&one), [Ok(())]);
    assert_eq!(host.calls()[0].to_string(), "touch /data/.xqute/0/job.cancel.2");
    assert_eq!(asked(&host), ["touch", "tasks list"]);
    let over = listed(&[("0", r#"{"state": "RUNNING"}"#), ("1", r#"{"state": "SUCCEEDED"}"#)]);
    host.on_program("gcloud", move |_| Host::prints(&over));
    assert_eq!(Gbatch::cancel(&one), [Ok(())]);
    assert_eq!(asked(&host).last().unwrap(), "jobs cancel", "nobody else needs the job");
}

#[test]
fn without_the_right_to_touch_one_task_of_many_cannot_be_cancelled() {
    let host = host();
    host.add_job(jobs(1).remove(0));
    host.on_program("touch", |_| Err(Error::Denied("no".to_owned())));
    let live = listed(&[("0", r#"{"state": "RUNNING"}"#), ("1", r#"{"state": "PENDING"}"#)]);
    host.on_program("gcloud", move |_| Host::prints(&live));
    let one = [JobRef {
        index: 0,
        attempt: 1,
        backend_id: "j-2/0".to_owned(),
    }];
    let error = Gbatch::cancel(&one).remove(0).unwrap_err();
    assert!(error.message().contains("tasks-per-job=1"), "{error:?}");
}

#[test]
fn what_is_over_or_unknown_is_cancelled() {
    let host = host();
    let one = [JobRef {
        index: 0,
        attempt: 1,
        backend_id: "j-1/0".to_owned(),
    }];
    for stderr in [
        include_str!("../fixtures/cancel-over.stderr"),
        include_str!("../fixtures/cancel-unknown.stderr"),
    ] {
        host.on_program("gcloud", move |_| Host::fails(1, stderr));
        assert_eq!(Gbatch::cancel(&one), [Ok(())]);
    }
    host.on_program("gcloud", |_| {
        Host::fails(1, include_str!("../fixtures/cancel-429.stderr"))
    });
    assert_eq!(Gbatch::cancel(&one), [Err(Error::RateLimited(None))]);
    host.on_program("gcloud", |_| Host::fails(1, DOWN));
    assert!(matches!(Gbatch::cancel(&one)[..], [Err(Error::Unavailable(_))]));
}

#[test]
fn what_makes_every_job_fail_is_found_before_the_first() {
    let host = host();
    let opened = |stderr: &'static str| {
        host.on_program("gcloud", move |_| Host::fails(1, stderr));
        let error = Gbatch::open(&run::options(), &run::info()).unwrap_err();
        assert!(matches!(error, Error::InvalidOptions(_)), "{error:?}");
        error.message().into_owned()
    };
    assert!(opened(include_str!("../fixtures/list-no-location.stderr")).contains("is `location` one that Batch has"));
    assert!(opened(include_str!("../fixtures/list-no-project.stderr")).contains("is `project` right"));
    assert!(opened(include_str!("../fixtures/list-no-account.stderr")).contains("gcloud auth login"));
    host.on_program("gcloud", |_| Host::fails(1, DOWN));
    assert!(matches!(
        Gbatch::open(&run::options(), &run::info()),
        Err(Error::Unavailable(_))
    ));
    host.on_program("gcloud", |_| Host::prints(""));
    let before = host.calls().len();
    for _ in 0..3 {
        assert_eq!(Gbatch::open(&run::options(), &run::info()), Ok(()));
    }
    assert_eq!(host.calls().len(), before + 1, "a good answer is remembered");
}

#[test]
fn a_dry_run_asks_nothing_before_it_submits() {
    let host = host();
    host.on_program("gcloud", |_| Host::prints(""));
    let mut info = run::info();
    info.attributes.push(("dry-run".to_owned(), "true".to_owned()));
    host.set_run(info.clone());
    assert_eq!(Gbatch::open(&run::options(), &info), Ok(()));
    assert!(Gbatch::submit(&jobs(3)).iter().all(Result::is_ok));
    assert_eq!(asked(&host), ["jobs submit"]);
}

#[test]
fn the_attempts_of_a_run_are_found() {
    let host = host();
    host.on_program("gcloud", |_| Host::prints(include_str!("../fixtures/find.json")));
    let found = Gbatch::find("5f0c2a9be1d40713").unwrap();
    assert_eq!(found.len(), 24);
    assert_eq!(
        found[2],
        JobRef {
            index: 2,
            attempt: 1,
            backend_id: "fx-succeeded/2".to_owned()
        }
    );
    host.on_program("gcloud", |_| Host::fails(1, DOWN));
    assert!(matches!(Gbatch::find("5f0c2a9be1d40713"), Err(Error::Unavailable(_))));
}

#[test]
fn a_host_that_goes_on_waits_for_what_its_predecessor_was_submitting() {
    let host = host();
    let all = jobs(2);
    let (requests, _) = submit::requests(&all.iter().collect::<Vec<_>>(), &place().unwrap(), "0123456789abcdef");
    let note = || notes::Note::write("0123456789abcdef", &requests[0]).unwrap();
    note();
    let calls = std::cell::Cell::new(0);
    host.on_program("gcloud", move |_| {
        calls.set(calls.get() + 1);
        Host::prints(match calls.get() {
            1 | 2 => "[]",
            _ => r#"[{"name": "a/j-2", "taskGroups": [{"taskSpec": {"runnables": [{"script": {"text": "tasks=(0.1 1.1)\n"}}]}}]}]"#,
        })
    });
    assert_eq!(Gbatch::find("0123456789abcdef").unwrap().len(), 2);
    assert_eq!(host.calls().len(), 3);
    host.on_program("gcloud", |_| Host::prints("[]"));
    assert_eq!(
        Gbatch::find("0123456789abcdef").unwrap(),
        [],
        "what has come is not waited for again"
    );
    assert_eq!(host.calls().len(), 4);
    note();
    host.advance(Duration::from_secs(31));
    assert_eq!(
        Gbatch::find("0123456789abcdef").unwrap(),
        [],
        "it does not come any more"
    );
    assert_eq!(host.calls().len(), 5);
}
