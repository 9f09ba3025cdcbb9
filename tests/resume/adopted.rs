//! Jobs that still run when their xqute is killed, and jobs that end before another one comes.

use std::fs;

use rusqlite::Connection;
use rustix::process::{Pid, Signal};
use xqute_tests::{Running, Scratch, machine, wait_until};

use crate::host::{WAITS, kill, once, resume, starts, status};

const SCRIPT: &[&str] = &["--wrapper", "always"];

/// Starts two jobs that wait for a file, of which the second one then fails, and kills the xqute that has recorded them.
fn left_alone(args: &[&str]) -> Scratch {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", format!("{WAITS}; echo done\n{WAITS}; exit 9\n"));
    let running = scratch.xqute(["run", "-j", "2", "jobs.txt"]).args(args).start();
    started(&scratch);
    kill(running);
    scratch
}

fn started(scratch: &Scratch) {
    scratch.wait_for_file("ready.0");
    scratch.wait_for_file("ready.1");
    once(scratch, "running", 2);
}

fn resuming(scratch: &Scratch, args: &[&str]) -> Running {
    let running = scratch
        .xqute(["run", "--resume", "-j", "2", "jobs.txt"])
        .args(args)
        .start();
    running.wait_for_word("resuming: 0 jobs are done, 0 wait, 2 may still run");
    running
}

fn are_followed_to_their_ends(args: &[&str]) {
    let scratch = left_alone(args);
    let running = resuming(&scratch, args);
    scratch.write("go", "");
    running
        .wait()
        .exits(1)
        .says("1 succeeded, 1 failed")
        .says("exit code 9");
    assert_eq!((starts(&scratch, 0), starts(&scratch, 1)), (1, 1));
    assert_eq!(scratch.job(0).ended(0).stdout(), "done\n");
    scratch.job(1).ended(9);
    assert_eq!(status(&scratch)["jobs"][1]["outcome"]["failed"]["exit-code"], 9);
}

#[test]
fn direct_jobs_that_run_are_followed_to_their_ends() {
    are_followed_to_their_ends(&[]);
}

#[test]
fn jobs_with_scripts_that_run_are_followed_to_their_ends() {
    are_followed_to_their_ends(SCRIPT);
}

#[test]
fn adopted_jobs_are_ended_with_their_run() {
    for args in [&[], SCRIPT] {
        let scratch = left_alone(args);
        let running = resuming(&scratch, args);
        running.signal(Signal::INT);
        running.wait().exits(130).says("2 cancelled");
        scratch.has_no_processes();
    }
}

#[test]
fn a_script_tells_how_it_ended_while_nobody_watched() {
    let scratch = left_alone(SCRIPT);
    scratch.write("go", "");
    scratch.has_no_processes();
    let output = resume(&scratch, SCRIPT).exits(1);
    output
        .says("2 ended while nobody watched")
        .says("1 succeeded, 1 failed");
    assert_eq!((starts(&scratch, 0), starts(&scratch, 1)), (1, 1));
    scratch.job(0).ended(0);
    scratch.job(1).ended(9);
}

#[test]
fn a_direct_job_that_ended_while_nobody_watched_runs_again() {
    let scratch = left_alone(&[]);
    scratch.write("go", "");
    scratch.has_no_processes();
    resume(&scratch, &[]).exits(1).says("1 succeeded, 1 failed");
    assert_eq!((starts(&scratch, 0), starts(&scratch, 1)), (2, 2));
    assert_eq!(scratch.job(0).ended(0).attempt(1).stdout(), "done\n");
}

#[test]
fn a_stranger_that_bears_the_number_of_a_job_is_left_alone() {
    for args in [&[], SCRIPT] {
        let scratch = left_alone(args);
        for job in [0, 1] {
            let pid: i32 = scratch.job(job).id().parse().unwrap();
            machine::signal(Pid::from_raw(pid).unwrap(), Signal::KILL);
        }
        wait_until("the jobs are gone", || {
            scratch.processes().iter().all(|pid| is_sleep(*pid))
        });
        let mut stranger = scratch.program("/bin/sleep".as_ref()).args(["600"]).start();
        let number = stranger.pid().as_raw_nonzero().get();
        for job in [0, 1] {
            fs::write(scratch.job(job).path("job.jid"), format!("{number}\n")).unwrap();
        }
        let running = scratch
            .xqute(["run", "--resume", "-j", "2", "jobs.txt"])
            .args(args)
            .start();
        running.wait_for_word("2 ended while nobody watched");
        wait_until("both run again", || starts(&scratch, 0) + starts(&scratch, 1) == 4);
        running.signal(Signal::INT);
        running.wait().exits(130);
        assert!(!stranger.has_ended());
    }
}

fn is_sleep(pid: Pid) -> bool {
    let name = fs::read_to_string(format!("/proc/{}/comm", pid.as_raw_nonzero()));
    name.map_or(true, |name| name == "sleep\n")
}

#[test]
fn one_xqute_at_a_time() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", format!("{WAITS}\n{WAITS}\n"));
    let running = scratch.xqute(["run", "-j", "2", "jobs.txt"]).start();
    started(&scratch);
    let first = running.pid().as_raw_nonzero();
    for how in ["--resume", "--overwrite"] {
        let words = format!("is in use by another xqute (process {first})");
        scratch.run([how, "jobs.txt"]).exits(4).says(&words);
    }
    scratch.run(["jobs.txt"]).exits(4);
    kill(running);
    let running = resuming(&scratch, &[]);
    scratch.write("go", "");
    running.wait().exits(0).says("2 succeeded");
    assert_eq!((starts(&scratch, 0), starts(&scratch, 1)), (1, 1));
}

#[test]
fn one_xqute_at_a_time_has_a_state() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", format!("{WAITS}\n{WAITS}\n"));
    let args = ["run", "-j", "1", "--state", "state.db", "jobs.txt"];
    let running = scratch.xqute(args).start();
    scratch.wait_for_file("ready.0");
    let words = format!(
        "is in use by another xqute (process {})",
        running.pid().as_raw_nonzero()
    );
    for how in ["--resume", "--overwrite"] {
        let args = ["-w", "other", "--state", "state.db", how, "jobs.txt"];
        scratch.run(args).exits(4).says("the state in").says(&words);
    }
    scratch.write("go", "");
    running.wait().exits(0).says("2 succeeded");
    assert_eq!((starts(&scratch, 0), starts(&scratch, 1)), (1, 1));
}

#[test]
fn a_job_that_was_given_up_as_lost_but_runs_is_not_started_again() {
    for args in [&[], SCRIPT] {
        let scratch = left_alone(args);
        let lost = "UPDATE attempt SET state = 7, ended = 1, outcome = '{\"failed\":\"lost\"}'";
        let state = Connection::open(scratch.path(".xqute/run.db")).unwrap();
        assert_eq!(state.execute(lost, []).unwrap(), 2);
        drop(state);
        let resumed = scratch.xqute(["run", "--resume-failed", "-j", "2", "jobs.txt"]);
        let running = resumed.args(args).start();
        running.wait_for_word("resuming: 0 jobs are done, 0 wait, 2 may still run");
        scratch.write("go", "");
        running.wait().exits(1).says("1 succeeded, 1 failed");
        assert_eq!((starts(&scratch, 0), starts(&scratch, 1)), (1, 1));
    }
}

#[test]
fn a_signal_ends_an_adopted_job_as_it_ends_any() {
    let scratch = Scratch::new();
    let program = ["/bin/bash", "-c", WAITS];
    let jobs = [serde_json::json!({"cmd": WAITS}), serde_json::json!({"cmd": program})];
    scratch.write("jobs.jsonl", format!("{}\n{}\n", jobs[0], jobs[1]));
    let args = ["-j", "2", "jobs.jsonl"];
    let running = scratch.xqute(["run"]).args(args).start();
    started(&scratch);
    kill(running);
    let running = scratch.xqute(["run", "--resume"]).args(args).start();
    running.wait_for_word("2 may still run");
    for job in [0, 1] {
        let pid = scratch.job(job).id().parse().unwrap();
        machine::signal(Pid::from_raw(pid).unwrap(), Signal::KILL);
    }
    running.wait().exits(1).says("2 failed");
    let status = status(&scratch);
    assert_eq!(status["jobs"][0]["outcome"]["failed"]["signal"], 9);
    assert_eq!(status["jobs"][1]["outcome"]["failed"]["exit-code"], 137);
}
