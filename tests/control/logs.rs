//! `xqute logs`.

use std::{fs, os::unix::fs::symlink};

use rustix::process::Signal;
use xqute_tests::{Scratch, wait_for};

use crate::live::{WAITS, go, listening, running, xqute};

#[test]
fn both_outputs_of_a_job_by_index_or_name() {
    let scratch = Scratch::new();
    scratch.write(
        "jobs.jsonl",
        "{\"cmd\": \"true\"}\n{\"cmd\": \"echo out; echo err >&2\", \"name\": \"talks\"}\n",
    );
    scratch.run(["jobs.jsonl"]).exits(0);
    for job in ["1", "talks"] {
        assert_eq!(xqute(&scratch, &["logs", job]).exits(0).stdout, "out\n");
        assert_eq!(xqute(&scratch, &["logs", job, "--stderr"]).exits(0).stdout, "err\n");
        assert_eq!(xqute(&scratch, &["logs", job, "--follow"]).exits(0).stdout, "out\n");
    }
}

#[test]
fn every_byte_is_shown_as_it_is() {
    let scratch = Scratch::new();
    let bytes: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    scratch.write("bytes", &bytes);
    scratch.run(["--", "cat", "bytes"]).exits(0);
    let bash = scratch
        .program("/bin/bash".as_ref())
        .args(["-c", "\"$0\" logs 0 > copy; \"$0\" logs -f 0 > follow"]);
    bash.args([xqute_tests::built::xqute()]).run().exits(0);
    for file in ["copy", "follow"] {
        assert!(fs::read(scratch.path(file)).unwrap() == bytes, "{file}");
    }
}

#[test]
fn each_attempt_has_its_own() {
    let scratch = Scratch::new();
    let job = "echo x >> tries; echo \"try $(wc -l < tries)\"; exit 1\n";
    scratch.run_jobs(job, ["-e", "retry", "-r", "2"]).exits(1);
    for attempt in 1..=3 {
        let said = xqute(&scratch, &["logs", "0", "--attempt", &attempt.to_string()]).exits(0);
        assert_eq!(said.stdout, format!("try {attempt}\n"));
    }
    assert_eq!(xqute(&scratch, &["logs", "0"]).exits(0).stdout, "try 3\n");
    let bad = xqute(&scratch, &["logs", "0", "--attempt", "4"]).exits(2);
    insta::assert_snapshot!(bad.stderr, @"error: job 0 has had 3 attempts, so there is no attempt 4");
    xqute(&scratch, &["logs", "0", "--attempt", "4", "--follow"]).exits(2);
}

#[test]
fn following_ends_with_the_attempt() {
    let scratch = Scratch::new();
    let job = format!("echo one; {} echo two\n", WAITS.trim_end().to_owned() + ";");
    let run = running(&scratch, &job, &["--postscript", "echo post"]);
    let follow = scratch.xqute(["logs", "--follow", "0"]).start();
    let stderr = scratch.xqute(["logs", "--follow", "--stderr", "0"]).start();
    assert_eq!(xqute(&scratch, &["logs", "0"]).exits(0).stdout, "one\n");
    go(&scratch);
    assert_eq!(follow.wait().exits(0).stdout, "one\ntwo\n");
    assert_eq!(stderr.wait().exits(0).stdout, scratch.job(0).stderr());
    run.wait().exits(0);
}

#[test]
fn following_waits_for_a_job_that_has_not_started() {
    let scratch = Scratch::new();
    let run = listening(&scratch, &["-j", "1", "--submission-batch", "1"]);
    scratch.write("jobs.txt", format!("{WAITS}echo late\n"));
    xqute(&scratch, &["feed", "--stop", "jobs.txt"]).exits(0);
    scratch.wait_for_file("ready.0");
    let bad = xqute(&scratch, &["logs", "1"]).exits(2);
    insta::assert_snapshot!(bad.stderr, @"
    error: attempt 1 of job 1 has not started yet
      help: --follow waits for it
    ");
    let follow = scratch.xqute(["logs", "--follow", "1"]).start();
    go(&scratch);
    assert_eq!(follow.wait().exits(0).stdout, "late\n");
    run.wait().exits(0);
}

#[test]
fn following_stops_before_the_next_attempt() {
    let scratch = Scratch::new();
    let job = "echo x >> tries; echo \"try $(wc -l < tries)\"; [[ $(wc -l < tries) = 2 ]] && touch second; \
               touch ready.0; until [[ -e go.$(wc -l < tries) ]]; do sleep 0.01; done; exit 1\n";
    let run = running(&scratch, job, &["-e", "retry", "-r", "1"]);
    let follow = scratch.xqute(["logs", "--follow", "0", "--attempt", "1"]).start();
    scratch.write("go.1", "");
    scratch.wait_for_file("second");
    assert_eq!(follow.wait().exits(0).stdout, "try 1\n");
    let follow = scratch.xqute(["logs", "--follow", "0", "--attempt", "2"]).start();
    scratch.write("go.2", "");
    assert_eq!(follow.wait().exits(0).stdout, "try 2\n");
    run.wait().exits(1);
}

#[test]
fn a_job_that_was_cancelled_before_it_started_wrote_nothing() {
    let scratch = Scratch::new();
    let run = running(
        &scratch,
        &format!("{WAITS}echo never\n"),
        &["-j", "1", "--submission-batch", "1"],
    );
    let follow = scratch.xqute(["logs", "--follow", "1"]).start();
    xqute(&scratch, &["kill", "1"]).exits(0);
    for output in [follow.wait(), xqute(&scratch, &["logs", "1", "--stderr"])] {
        let output = output.exits(1);
        insta::allow_duplicates! {
            insta::assert_snapshot!(output.stderr, @"error: job 1 left no such output: cancelled on request");
        }
    }
    go(&scratch);
    run.wait().exits(1);
}

#[test]
fn a_dead_run_still_has_its_logs() {
    let scratch = Scratch::new();
    let run = running(
        &scratch,
        &format!("{WAITS}true\n"),
        &["-j", "1", "--submission-batch", "1"],
    );
    wait_for("the start is recorded", || {
        let status = xqute(&scratch, &["status", "--state", "running"]).exits(0).stdout;
        status.contains("until").then_some(())
    });
    run.signal(Signal::KILL);
    run.wait();
    let follow = scratch.xqute(["logs", "--follow", "0"]).start();
    xqute(&scratch, &["logs", "--follow", "1"])
        .exits(4)
        .says("nobody is left to start it");
    go(&scratch);
    assert_eq!(follow.wait().exits(0).stdout, "");
}

#[test]
fn links_that_a_job_makes_are_not_followed() {
    let scratch = Scratch::new();
    scratch.run(["--", "true"]).exits(0);
    let stdout = scratch.path(".xqute/0/job.stdout");
    fs::remove_file(&stdout).unwrap();
    symlink(scratch.write("secret", "secret"), &stdout).unwrap();
    let bad = xqute(&scratch, &["logs", "0"]).exits(4);
    assert!(
        bad.stdout.is_empty() && bad.stderr.contains("cannot read what job 0 wrote"),
        "{}",
        bad.stderr
    );
}

#[test]
fn unknown_and_ambiguous_jobs_are_refused() {
    let scratch = Scratch::new();
    scratch.write("jobs.jsonl", "{\"cmd\": \"true\", \"name\": \"same\"}\n".repeat(3));
    scratch.run(["jobs.jsonl"]).exits(0);
    xqute(&scratch, &["logs", "9"]).exits(2).says("this run has no job `9`");
    let bad = xqute(&scratch, &["logs", "same"]).exits(2);
    insta::assert_snapshot!(bad.stderr, @"
    error: the jobs 0 to 2 share the name `same`
      help: name one by its index, such as 0
    ");
}
