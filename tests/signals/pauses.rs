//! Signals that stop a run for a while, those that it does not mind, and terminals that go away.

use rustix::process::Signal;
use xqute_tests::{Scratch, built};

use crate::row::{To, all, recorded, resumed, run};

/// Waits for a file, then says that it is done.
const WAITS: &str =
    "touch \"ready.$XQUTE_JOB_INDEX\"; until [[ -e go ]]; do sleep 0.05; done; touch \"done.$XQUTE_JOB_INDEX\"\n";

const PAUSES: [(Signal, To); 4] = [
    (Signal::STOP, To::Process),
    (Signal::STOP, To::Group),
    (Signal::TSTP, To::Process),
    (Signal::TSTP, To::Group),
];

#[test]
fn jobs_go_on_while_the_run_is_stopped() {
    all(PAUSES, |(signal, to)| {
        let scratch = Scratch::new();
        scratch.write("jobs.txt", WAITS.repeat(2));
        let running = run(&scratch, &["-j", "1", "--submission-batch", "1", "jobs.txt"]).start();
        scratch.wait_for_file("ready.0");
        to.send(&running, signal);
        running.wait_until_stopped();
        scratch.write("go", "");
        scratch.wait_for_file("done.0");
        assert!(!scratch.has("ready.1"), "a stopped run starts nothing");
        to.send(&running, Signal::CONT);
        running.wait().exits(0);
        scratch.job(0).ended(0);
        scratch.job(1).ended(0);
        scratch.has_no_processes();
    });
}

#[test]
fn a_run_that_is_told_to_end_while_it_is_stopped_does_so_when_it_goes_on() {
    all(PAUSES, |(signal, to)| {
        let scratch = Scratch::new();
        scratch.write("jobs.txt", WAITS);
        let running = run(&scratch, &["jobs.txt"]).start();
        scratch.wait_for_file("ready.0");
        to.send(&running, signal);
        running.wait_until_stopped();
        to.send(&running, Signal::TERM);
        assert_eq!(scratch.job(0).text("job.status"), "4\n");
        to.send(&running, Signal::CONT);
        running.wait().exits(143);
        assert_eq!(recorded(&scratch).cancelled, 1);
        resumed(&scratch, &["jobs.txt"]);
    });
}

#[test]
fn a_job_that_is_stopped_may_tidy_up() {
    let scratch = Scratch::new();
    scratch.write(
        "jobs.txt",
        "trap 'touch tidied; exit 1' TERM; touch ready; kill -STOP $$\n",
    );
    let running = run(&scratch, &["jobs.txt"]).start();
    scratch.wait_for_file("ready");
    running.signal(Signal::TERM);
    running.wait().exits(143);
    assert!(scratch.has("tidied"));
    scratch.has_no_processes();
}

#[test]
fn a_hangup_that_was_ignored_from_the_start_stays_ignored() {
    all([To::Process, To::Group], |to| {
        let scratch = Scratch::new();
        scratch.write("jobs.txt", WAITS);
        let running = scratch
            .program("/usr/bin/env".as_ref())
            .args(["nohup"])
            .args([built::xqute()])
            .args(["run", "jobs.txt"])
            .leading_a_group()
            .start();
        scratch.wait_for_file("ready.0");
        to.send(&running, Signal::HUP);
        scratch.write("go", "");
        running.wait().exits(0).does_not_say("SIGHUP");
        scratch.job(0).ended(0);
        scratch.has_no_processes();
    });
}

/// In a terminal: xqute is not the first program there, and is asked how it ended.
const IN_TERMINAL: &str = "trap : HUP\n\"$XQUTE\" run -j 1 jobs.txt\necho $? > code.tmp\nmv code.tmp code\n";

#[test]
fn a_terminal_that_goes_away_is_a_hangup() {
    let scratch = Scratch::new();
    scratch.write(
        "jobs.txt",
        [
            "[[ -e go ]] || { sleep 600 & touch ready; sleep 600; }\n",
            "touch behind\n",
        ]
        .concat(),
    );
    scratch.write("in_terminal.sh", IN_TERMINAL);
    let terminal = scratch
        .program("/usr/bin/env".as_ref())
        .args([
            "--default-signal=HUP",
            "script",
            "-qc",
            "sh in_terminal.sh; true",
            "/dev/null",
        ])
        .env("XQUTE", built::xqute())
        .env("SHELL", "/bin/sh")
        .env("TERM", "xterm")
        .piped()
        .start();
    scratch.wait_for_file("ready");
    terminal.signal(Signal::KILL);
    terminal.wait();
    scratch.wait_for_file("code");
    assert_eq!(scratch.read("code"), "129\n");
    scratch.has_no_processes();
    assert_eq!(recorded(&scratch).cancelled, 2);
    resumed(&scratch, &["jobs.txt"]);
    assert!(scratch.has("behind"));
}
