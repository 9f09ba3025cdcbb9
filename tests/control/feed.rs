//! `xqute run --listen` and `xqute feed`.

use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};

use rustix::process::Signal;
use xqute_tests::Scratch;

use crate::live::{WAITS, go, listening, running, xqute};

#[test]
fn a_run_may_start_empty_and_is_fed_until_it_is_told_that_no_more_comes() {
    let scratch = Scratch::new();
    let run = listening(&scratch, &[]);
    scratch.write("jobs.txt", "echo 0\n# no\necho 1\n");
    scratch.write(
        "jobs.jsonl",
        "{\"cmd\": [\"echo\", \"2\"], \"env\": {\"A\": \"1\"}, \"name\": \"two\"}\n",
    );
    let fed = xqute(&scratch, &["feed", "jobs.txt", "jobs.jsonl"]).exits(0);
    assert_eq!(fed.stdout, "accepted 3 jobs, 0 to 2\n");
    let fed = scratch.xqute(["feed", "-"]).stdin("echo 3\n").run().exits(0);
    assert_eq!(fed.stdout, "accepted 1 job, 3\n");
    let fed = xqute(&scratch, &["feed", "--stop", "--", "echo", "4"]).exits(0);
    assert_eq!(
        fed.stdout,
        "accepted 1 job, 4\nfeeding is stopped: the run ends when its last job is done\n"
    );
    run.wait().exits(0).says("5 jobs in").says("5 succeeded");
    for job in 0..5 {
        assert_eq!(scratch.job(job).ended(0).stdout(), format!("{job}\n"));
    }
    assert!(!scratch.has(".xqute/run.sock"), "the socket goes with the run");
}

#[test]
fn jobs_that_are_given_first_run_first() {
    let scratch = Scratch::new();
    let run = listening(&scratch, &["--", "echo", "first"]);
    xqute(&scratch, &["feed", "--", "echo", "second"]).exits(0);
    xqute(&scratch, &["feed", "--stop"]).exits(0);
    run.wait().exits(0);
    assert_eq!(scratch.job(0).stdout(), "first\n");
    assert_eq!(scratch.job(1).stdout(), "second\n");
}

#[test]
fn a_pipe_is_read_to_its_end_though_others_feed_no_more() {
    let scratch = Scratch::new();
    let mut run = scratch.xqute(["-v", "run", "--listen", "-"]).piped().start();
    run.wait_for_word("jobs can be fed");
    run.write("touch first\n");
    scratch.wait_for_file("first");
    xqute(&scratch, &["feed", "--stop", "--", "touch", "fed"]).exits(0);
    xqute(&scratch, &["feed", "--", "true"]).exits(4);
    run.write("touch last\n");
    scratch.wait_for_file("last");
    run.end_input();
    run.wait().exits(0).says("3 succeeded");
}

#[test]
fn what_is_wrong_with_a_pipe_is_said_at_once() {
    let scratch = Scratch::new();
    let mut run = scratch.xqute(["-v", "run", "--listen", "-"]).piped().start();
    run.wait_for_word("jobs can be fed");
    run.write("{\"cmd\": \"true\"}\nnonsense\n");
    run.wait_for_word("standard input:2: ");
    xqute(&scratch, &["feed", "--stop", "--", "true"]).exits(0);
    run.wait().exits(2).says("2 succeeded");
}

#[test]
fn every_byte_of_an_argument_arrives() {
    let scratch = Scratch::new();
    let run = listening(&scratch, &[]);
    let odd: Vec<u8> = (1..=255).collect();
    let printed = scratch
        .xqute(["feed", "--", "printf", "%s"])
        .args([OsString::from_vec(odd.clone())]);
    printed.run().exits(0);
    scratch.write("jobs.txt", b"printf %s '\xff\xfe'\n");
    scratch.write("jobs.jsonl", "{\"cmd\": [\"printf\", [37, 115], [255, 10, 1]]}\n");
    xqute(&scratch, &["feed", "--stop", "jobs.txt", "jobs.jsonl"]).exits(0);
    run.wait().exits(0);
    assert_eq!(scratch.job(0).bytes("job.stdout"), odd);
    assert_eq!(scratch.job(1).bytes("job.stdout"), b"\xff\xfe");
    assert_eq!(scratch.job(2).bytes("job.stdout"), b"\xff\n\x01");
}

#[test]
fn relative_folders_are_those_of_whoever_feeds() {
    let scratch = Scratch::new();
    let run = listening(&scratch, &[]);
    scratch.write("else/where/x", "");
    scratch.write("else/jobs.jsonl", "{\"cmd\": \"ls\", \"cwd\": \"where\"}\n");
    let feed = scratch.xqute(["feed", "--stop", "-w", "../.xqute", "jobs.jsonl"]);
    feed.current_dir(scratch.path("else")).run().exits(0);
    run.wait().exits(0);
    assert_eq!(scratch.job(0).stdout(), "x\n");
}

#[test]
fn what_cannot_be_run_is_refused_with_all_that_came_with_it() {
    let scratch = Scratch::new();
    let run = listening(&scratch, &[]);
    scratch.write("good.txt", "touch ran\n");
    scratch.write("bad.jsonl", "{\"cmd\": \"true\"}\n\n{\"comand\": \"true\"}\n");
    let bad = xqute(&scratch, &["feed", "good.txt", "bad.jsonl"]).exits(2);
    insta::assert_snapshot!(bad.stderr, @"
    error: bad.jsonl:3: unknown key `comand`
      help: known are cmd, name, env, cwd, timeout, num_retries, opts, after, priority
    ");
    scratch.write(
        "bad.jsonl",
        "{\"cmd\": \"true\"}\n\n{\"cmd\": \"true\", \"cwd\": \"/no/such\"}\n",
    );
    let bad = xqute(&scratch, &["feed", "good.txt", "bad.jsonl"]).exits(2);
    insta::assert_snapshot!(bad.stderr, @"
    error: bad.jsonl:3: the working directory `/no/such` does not exist or is not a folder
      help: none of the jobs was taken
    ");
    scratch.write("bad.jsonl", "{\"cmd\": \"true\", \"opts\": {\"partition\": \"x\"}}\n");
    xqute(&scratch, &["feed", "bad.jsonl"]).exits(2).says("bad.jsonl:1: ");
    xqute(&scratch, &["feed", "--stop"]).exits(0);
    run.wait().exits(0).says("0 jobs in");
    assert!(!scratch.has("ran"));
}

#[test]
fn fed_jobs_have_priorities_and_come_after_others() {
    let scratch = Scratch::new();
    let run = listening(&scratch, &["-j", "1", "--", "echo", "first"]);
    let jobs = "{\"cmd\": \"cat one\", \"after\": [\"one\", 0], \"priority\": 9}\n{\"cmd\": \"echo 1 > one\", \"name\": \"one\"}\n";
    scratch.write("jobs.jsonl", jobs);
    scratch.write(
        "bad.jsonl",
        "{\"cmd\": \"true\"}\n{\"cmd\": \"true\", \"after\": \"nobody\"}\n",
    );
    let bad = xqute(&scratch, &["feed", "jobs.jsonl", "bad.jsonl"]).exits(2);
    bad.says("bad.jsonl:2: ").says("none of the jobs was taken");
    let fed = xqute(&scratch, &["feed", "--stop", "jobs.jsonl"]).exits(0);
    assert!(fed.stdout.starts_with("accepted 2 jobs, 1 to 2\n"), "{}", fed.stdout);
    run.wait().exits(0).says("3 succeeded");
    assert_eq!(scratch.job(1).stdout(), "1\n");
}

#[test]
fn a_feed_without_jobs_is_no_feed() {
    let scratch = Scratch::new();
    let bad = xqute(&scratch, &["feed"]).exits(2);
    insta::assert_snapshot!(bad.stderr, @"
    error: there is nothing to feed
      help: name a job file, give jobs on standard input with -, or a command behind --; --stop says that no more come
    ");
    let run = listening(&scratch, &[]);
    let empty = scratch.xqute(["feed", "-"]).stdin("# nothing\n").run().exits(0);
    assert_eq!(empty.stdout, "there were no jobs to feed\n");
    xqute(&scratch, &["feed", "--stop"]).exits(0);
    run.wait().exits(0);
}

#[test]
fn a_run_that_does_not_listen_is_not_fed() {
    let scratch = Scratch::new();
    let run = running(&scratch, WAITS, &[]);
    for args in [&["feed", "--", "touch", "ran"][..], &["feed", "--stop"]] {
        let bad = xqute(&scratch, args).exits(4);
        insta::allow_duplicates! {
            insta::assert_snapshot!(bad.stderr, @"error: this run takes no jobs while it goes; a run that does is started with `xqute run --listen`");
        }
    }
    go(&scratch);
    run.wait().exits(0).says("1 job in");
    assert!(!scratch.has("ran"));
}

#[test]
fn nor_is_one_whose_feeding_was_stopped() {
    let scratch = Scratch::new();
    let run = listening(&scratch, &["--", "bash", "-c", WAITS]);
    xqute(&scratch, &["feed", "--stop"]).exits(0);
    let bad = xqute(&scratch, &["feed", "--", "touch", "ran"]).exits(4);
    insta::assert_snapshot!(bad.stderr, @"error: feeding this run was stopped, so it takes no more jobs; wait for its end, then start another one");
    xqute(&scratch, &["feed", "--stop"]).exits(4);
    go(&scratch);
    run.wait().exits(0);
}

#[test]
fn nor_is_one_that_is_over_or_dead_or_never_was() {
    let scratch = Scratch::new();
    let refused = |dir: &str| xqute(&scratch, &["feed", "-w", dir, "--", "true"]).exits(4).stderr;
    let never = refused("nowhere");
    insta::assert_snapshot!(never, @"
    error: no run lives in the workdir `[scratch]/here/nowhere`
      help: start one that can be fed with: xqute run --listen -w [scratch]/here/nowhere
            or name the folder of another one with -w DIR
    ");
    xqute(&scratch, &["run", "-w", "over", "--", "true"]).exits(0);
    assert_eq!(refused("over"), never.replace("nowhere", "over"));
    let dead = listening(&scratch, &[]);
    dead.signal(Signal::KILL);
    dead.wait();
    assert!(scratch.has(".xqute/run.sock"), "nobody was there to remove it");
    assert_eq!(refused(".xqute"), never.replace("nowhere", ".xqute"));
    let again = scratch.xqute(["run", "--overwrite", "--", "true"]).run();
    again.exits(0);
}

#[test]
fn a_signal_ends_a_run_that_waits_for_jobs() {
    let scratch = Scratch::new();
    let run = listening(&scratch, &[]);
    xqute(&scratch, &["feed", "--", "true"]).exits(0);
    run.signal(Signal::TERM);
    run.wait().exits(143);
}

#[test]
fn workdirs_may_have_long_paths() {
    let scratch = Scratch::new();
    let long = format!("{}/{}", "x".repeat(200), "y".repeat(200));
    let run = scratch.xqute(["run", "--listen", "-w", &long]).start();
    scratch.wait_for_file(format!("{long}/run.sock"));
    xqute(&scratch, &["feed", "--stop", "-w", &long, "--", "true"]).exits(0);
    run.wait().exits(0).says("1 job in");
}

#[test]
fn a_run_that_cannot_listen_says_so() {
    let scratch = Scratch::new();
    scratch.write(".xqute/run.sock", "mine");
    let refused = xqute(&scratch, &["run", "--listen"]).exits(4);
    insta::assert_snapshot!(refused.stderr, @"error: no socket can be made in the workdir `[scratch]/here/.xqute`: `run.sock` is there already, and it is no socket");
    // Who need not be spoken to does without.
    xqute(&scratch, &["run", "--", "true"]).exits(0);
    assert_eq!(scratch.read(".xqute/run.sock"), "mine");
}

#[test]
fn many_are_fed_at_once() {
    let scratch = Scratch::new();
    let run = listening(&scratch, &[]);
    scratch.write("jobs.txt", "true\n".repeat(30));
    let feeds: Vec<_> = (0..10).map(|_| scratch.xqute(["feed", "jobs.txt"]).start()).collect();
    let mut firsts: Vec<String> = feeds.into_iter().map(|feed| feed.wait().exits(0).stdout).collect();
    firsts.sort_unstable();
    firsts.dedup();
    assert_eq!(firsts.len(), 10, "each has indices of its own");
    xqute(&scratch, &["feed", "--stop"]).exits(0);
    run.wait().exits(0).says("300 jobs in").says("300 succeeded");
}
