//! `xqute kill`.

use rustix::process::Signal;
use xqute_tests::Scratch;

use crate::live::{WAITS, go, listening, running, xqute};

#[test]
fn one_job_ends_and_the_others_go_on() {
    let scratch = Scratch::new();
    let run = running(&scratch, &WAITS.repeat(3), &["-j", "3"]);
    for job in 1..3 {
        scratch.wait_for_file(format!("ready.{job}"));
    }
    let killed = xqute(&scratch, &["kill", "1"]).exits(0);
    assert_eq!(killed.stdout, "job 1 is told to end\n");
    scratch.wait_for_file(".xqute/1/job.rc");
    go(&scratch);
    run.wait().exits(1).says("2 succeeded").says("1 cancelled");
    scratch.job(0).ended(0);
    scratch.job(1).ended(143);
    scratch.job(2).ended(0);
    scratch.has_no_processes();
}

#[test]
fn jobs_are_named_by_index_or_name_and_those_that_wait_never_start() {
    let scratch = Scratch::new();
    let run = listening(&scratch, &["-j", "1", "--submission-batch", "1"]);
    let jobs = ["long", "a", "same", "same", "b"].map(|name| match name {
        "long" => format!("{{\"cmd\": {:?}, \"name\": \"long\"}}\n", WAITS.trim()),
        name => format!("{{\"cmd\": \"touch never\", \"name\": \"{name}\"}}\n"),
    });
    scratch.write("jobs.jsonl", jobs.concat());
    xqute(&scratch, &["feed", "--stop", "jobs.jsonl"]).exits(0);
    scratch.wait_for_file("ready.0");
    let killed = xqute(&scratch, &["kill", "same", "b", "1", "1"]).exits(0);
    insta::assert_snapshot!(killed.stdout, @"
    job 1 (a) is told to end
    job 2 (same) is told to end
    job 3 (same) is told to end
    job 4 (b) is told to end
    ");
    go(&scratch);
    run.wait().exits(1).says("1 succeeded").says("4 cancelled");
    assert!(!scratch.has("never"));
}

#[test]
fn all_end_and_a_run_that_listens_goes_on() {
    let scratch = Scratch::new();
    let run = listening(&scratch, &["-j", "1"]);
    scratch.write("jobs.txt", WAITS.repeat(5));
    xqute(&scratch, &["feed", "jobs.txt"]).exits(0);
    scratch.wait_for_file("ready.0");
    let killed = xqute(&scratch, &["kill", "--all"]).exits(0);
    assert_eq!(killed.stdout, "all jobs that are not over are told to end\n");
    xqute(&scratch, &["feed", "--stop", "--", "touch", "after"]).exits(0);
    run.wait().exits(1).says("1 succeeded").says("5 cancelled");
    assert!(scratch.has("after") && !scratch.has("ready.1"));
    scratch.has_no_processes();
}

#[test]
fn what_is_over_stays_as_it_is_and_is_told() {
    let scratch = Scratch::new();
    let run = running(&scratch, &[WAITS, "exit 3\n", WAITS].concat(), &["-j", "3"]);
    scratch.wait_for_file("ready.2");
    let over = xqute_tests::wait_for("job 1 is recorded as over", || {
        let status = xqute(&scratch, &["status", "--state", "failed"]).exits(0).stdout;
        status.contains("exit code 3").then_some(status)
    });
    assert!(over.contains("exit 3"));
    let killed = xqute(&scratch, &["kill", "1", "2"]).exits(1);
    insta::assert_snapshot!(killed.stdout, @"
    job 1 is over already: exit code 3
    job 2 is told to end
    ");
    scratch.wait_for_file(".xqute/2/job.rc");
    go(&scratch);
    run.wait().exits(1);
    scratch.job(1).ended(3);
    scratch.job(2).ended(143);
}

#[test]
fn an_unknown_job_is_named_and_nothing_is_killed() {
    let scratch = Scratch::new();
    let run = running(&scratch, WAITS, &[]);
    let bad = xqute(&scratch, &["kill", "0", "7"]).exits(2);
    insta::assert_snapshot!(bad.stderr, @"
    error: this run has no job `7`
      help: its only job is 0; see xqute status
    ");
    xqute(&scratch, &["kill", "0", "nobody"]).exits(2).says("`nobody`");
    xqute(&scratch, &["kill", "-1"]).exits(2);
    let bad = xqute(&scratch, &["kill"]).exits(2);
    insta::assert_snapshot!(bad.stderr, @"
    error: it is not said which jobs are to end
      help: name them by index or name, or take all of them with --all
    ");
    go(&scratch);
    run.wait().exits(0);
}

#[test]
fn a_run_that_is_over_or_dead_has_nothing_to_kill() {
    let scratch = Scratch::new();
    xqute(&scratch, &["run", "--", "true"]).exits(0);
    xqute(&scratch, &["kill", "0"])
        .exits(4)
        .says("no run lives in the workdir");
    let scratch = Scratch::new();
    let run = running(&scratch, WAITS, &[]);
    run.signal(Signal::KILL);
    run.wait();
    xqute(&scratch, &["kill", "--all"])
        .exits(4)
        .says("no run lives in the workdir");
    go(&scratch);
}
