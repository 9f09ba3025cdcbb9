//! Machines, servers and hosts that fail in the middle of a run.

use std::fs;

use rustix::process::Signal;
use xqute_tests::{Scratch, machine::wait_until};

use crate::backend::Batch;

/// Each job notes that it ran, so that one that ran twice shows.
const NOTES: &str = "echo $XQUTE_JOB_INDEX >> ran; sleep 2\n";

fn each_ran_once(scratch: &Scratch, count: u32) {
    let ran = scratch.read("ran");
    let mut ran: Vec<u32> = ran.lines().map(|line| line.parse().unwrap()).collect();
    ran.sort_unstable();
    assert_eq!(ran, (0..count).collect::<Vec<_>>());
}

#[test]
fn a_machine_that_is_taken_away_is_no_fault_of_the_job() {
    let scratch = Scratch::new();
    let Some(batch) = Batch::own("a_machine_that_is_taken_away_is_no_fault_of_the_job", &scratch) else {
        return;
    };
    let job = "[ $XQUTE_JOB_ATTEMPT = 2 ] || { touch ready; sleep 600; }\n";
    scratch.write("jobs.txt", job);
    let run = batch.run(["-e", "retry", "--num-retries", "1", "jobs.txt"]).start();
    scratch.wait_for_file("ready");
    let (job, task) = batch.task_of(0);
    batch.service(&["ask", "end", &job, &task, "50001"]);
    run.wait().exits(0).says("due to Spot VM preemption").says("1 retry");
    scratch.job(0).ended(0);
}

#[test]
fn a_machine_that_fails_is_told_from_a_job_that_does() {
    let scratch = Scratch::new();
    let Some(batch) = Batch::own("a_machine_that_fails_is_told_from_a_job_that_does", &scratch) else {
        return;
    };
    scratch.write("jobs.txt", "touch ready.$XQUTE_JOB_INDEX; sleep 600\n".repeat(2));
    let run = batch.run(["-j", "2", "jobs.txt"]).start();
    for (job, code) in [(0, "50001"), (1, "50003")] {
        scratch.wait_for_file(format!("ready.{job}"));
        let (job, task) = batch.task_of(job);
        batch.service(&["ask", "end", &job, &task, code]);
    }
    run.wait()
        .exits(1)
        .says("job 0 (gbatch-0): preempted")
        .says("job 1 (gbatch-1): the machine");
}

#[test]
fn a_job_that_waits_for_machines_is_cancelled_like_any_other() {
    let scratch = Scratch::new();
    let Some(batch) = Batch::own("a_job_that_waits_for_machines_is_cancelled_like_any_other", &scratch) else {
        return;
    };
    batch.service(&["ask", "hold", "yes"]);
    let run = batch.run(["--", "touch", "never"]).start();
    run.wait_for_word("submitted");
    run.signal(Signal::INT);
    run.wait().exits(130).says("1 cancelled");
    wait_until("Batch has cancelled it", || batch.state_of(0) == "CANCELLED");
    batch.service(&["ask", "hold", "no"]);
    assert!(!scratch.has("never"));
}

#[test]
fn a_batch_that_wants_fewer_requests_gets_them() {
    let scratch = Scratch::new();
    let Some(batch) = Batch::own("a_batch_that_wants_fewer_requests_gets_them", &scratch) else {
        return;
    };
    // The first is the question whether Batch can be used at all, which may go unanswered.
    batch.service(&["ask", "fail", "429", "3"]);
    scratch.write("jobs.txt", NOTES.repeat(5));
    batch.run(["-j", "5", "jobs.txt"]).run().exits(0).says("rate limited");
    each_ran_once(&scratch, 5);
}

#[test]
fn a_batch_that_is_down_for_a_while_loses_nothing() {
    let scratch = Scratch::new();
    let Some(batch) = Batch::own("a_batch_that_is_down_for_a_while_loses_nothing", &scratch) else {
        return;
    };
    scratch.write("jobs.txt", NOTES.repeat(40));
    let run = batch.run(["-j", "20", "jobs.txt"]).start();
    wait_until("some jobs run", || scratch.has("ran"));
    batch.service(&["down"]);
    // What runs goes on without it, and ends.
    let running = scratch.read("ran").lines().count();
    wait_until("those that ran have ended", || {
        (0..40).filter(|job| has_ended(&scratch, *job)).count() >= running
    });
    batch.service(&["up"]);
    run.wait().exits(0).says("40 succeeded");
    each_ran_once(&scratch, 40);
}

fn has_ended(scratch: &Scratch, job: u32) -> bool {
    fs::read(scratch.job(job).path("job.rc")).is_ok_and(|rc| !rc.is_empty())
}

#[test]
fn a_host_that_is_killed_goes_on_where_it_was() {
    let scratch = Scratch::new();
    let Some(batch) = Batch::own("a_host_that_is_killed_goes_on_where_it_was", &scratch) else {
        return;
    };
    scratch.write("jobs.txt", NOTES.repeat(30));
    let args = ["-j", "10", "jobs.txt"];
    let run = batch.run(args).start();
    wait_until("some jobs run", || scratch.has("ran"));
    run.signal(Signal::KILL);
    run.wait();
    batch.run(args.into_iter().chain(["--resume"])).run().exits(0);
    each_ran_once(&scratch, 30);
}

#[test]
fn a_host_that_is_killed_while_it_submits_submits_nothing_twice() {
    let scratch = Scratch::new();
    let Some(batch) = Batch::own("a_host_that_is_killed_while_it_submits_submits_nothing_twice", &scratch) else {
        return;
    };
    scratch.write("jobs.txt", NOTES.repeat(4));
    let run = batch.run(["-j", "4", "jobs.txt"]).start();
    // The script is written, and gcloud is on its way.
    scratch.wait_for_file(".xqute/3/job.wrapped.gbatch");
    run.signal(Signal::KILL);
    run.wait();
    // Now in twos, so that the same jobs would make others of Batch.
    let args = ["-j", "2", "--submission-batch", "2", "--resume", "jobs.txt"];
    batch.run(args).run().exits(0);
    each_ran_once(&scratch, 4);
}
