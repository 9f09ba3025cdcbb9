//! Jobs that do not end by themselves.

use rustix::process::Signal;
use xqute_tests::{Scratch, machine::wait_until};

use crate::backend::Batch;

#[test]
fn an_interrupt_cancels_the_job_of_batch() {
    let scratch = Scratch::new();
    let Some(batch) = Batch::shared("an_interrupt_cancels_the_job_of_batch", &scratch) else {
        return;
    };
    scratch.write("jobs.txt", "touch ready.$XQUTE_JOB_INDEX; sleep 600\n".repeat(3));
    let run = batch.run(["-j", "3", "jobs.txt"]).start();
    for job in 0..3 {
        scratch.wait_for_file(format!("ready.{job}"));
    }
    run.signal(Signal::INT);
    run.wait().exits(130).says("3 cancelled");
    // The tasks were told as well, and may have ended before Batch came to end them.
    wait_until("it is over", || ["CANCELLED", "FAILED"].contains(&&*batch.state_of(0)));
    scratch.has_no_processes();
}

#[test]
fn one_task_is_killed_and_the_others_go_on() {
    let scratch = Scratch::new();
    let Some(batch) = Batch::shared("one_task_is_killed_and_the_others_go_on", &scratch) else {
        return;
    };
    scratch.write(
        "jobs.txt",
        "touch ready.$XQUTE_JOB_INDEX; until [ -e go ]; do sleep 0.1; done\n".repeat(3),
    );
    let run = batch.run(["-j", "3", "jobs.txt"]).start();
    for job in 0..3 {
        scratch.wait_for_file(format!("ready.{job}"));
    }
    scratch.xqute(["kill", "1"]).run().exits(0);
    scratch.wait_for_file(".xqute/1/job.rc");
    scratch.write("go", "");
    run.wait().exits(1).says("2 succeeded").says("1 cancelled");
    scratch.job(0).ended(0);
    scratch.job(1).ended(143);
    scratch.job(2).ended(0);
    assert_eq!(batch.state_of(0), "FAILED", "it was not cancelled as a whole");
}

#[test]
fn the_time_limit_of_one_job_ends_that_job_only() {
    let scratch = Scratch::new();
    let Some(batch) = Batch::shared("the_time_limit_of_one_job_ends_that_job_only", &scratch) else {
        return;
    };
    let jobs = [
        r#"{"cmd": "until [ -e go ]; do sleep 0.1; done"}"#,
        r#"{"cmd": "sleep 600", "timeout": 1}"#,
    ];
    scratch.write("jobs.jsonl", jobs.join("\n"));
    let run = batch.run(["-j", "2", "jobs.jsonl"]).start();
    run.wait_for_word("timed out");
    scratch.write("go", "");
    run.wait().exits(1).says("1 succeeded").says("1 failed");
    assert_eq!(batch.task_of(0).0, batch.task_of(1).0, "both were tasks of one job");
}

#[test]
fn a_time_limit_of_batch_itself_is_one() {
    let scratch = Scratch::new();
    let Some(batch) = Batch::shared("a_time_limit_of_batch_itself_is_one", &scratch) else {
        return;
    };
    let run = batch
        .run(["--opt", "max-run-duration=1s", "--", "sleep", "600"])
        .run()
        .exits(1);
    run.says("timed out").says("maximum runtime");
}
