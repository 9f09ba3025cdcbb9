//! Signals. Whatever happens, no process of a run is left behind, but for those that made sessions of their own.
//!
//! | signal | while | what happens | test |
//! |---|---|---|---|
//! | INT, TERM, HUP, QUIT | nothing is to do (`--listen`) | the run ends, 128+N | `matrix::while_nothing_is_to_do` |
//! | the same | standard input is a pipe that stays open | the run ends, 128+N | `matrix::while_jobs_may_still_come_by_a_pipe` |
//! | the same | jobs are started | no further one starts, 128+N | `matrix::while_jobs_are_started_one_after_the_other` |
//! | the same | jobs run | they are told to end, those behind them never start, 128+N | `matrix::while_jobs_run_directly`, `matrix::while_jobs_run_by_their_scripts` |
//! | the same, as the second one | jobs do not listen | they are killed at once, 128+N of the second | `matrix::while_jobs_are_told_to_end` |
//! | none | jobs do not listen | they are killed after the grace | `matrix::when_the_grace_is_over` |
//! | TERM | jobs left their group, or their session | those are ended, these are left alone | `matrix::what_left_the_group_of_a_job_is_ended_as_well`, `matrix::what_made_a_session_of_its_own_is_left_alone` |
//! | STOP, TSTP, then CONT | jobs run | they go on, and what ended meanwhile is noticed | `pauses::jobs_go_on_while_the_run_is_stopped` |
//! | STOP, TSTP, TERM, then CONT | jobs run | as TERM, from CONT on | `pauses::a_run_that_is_told_to_end_while_it_is_stopped_does_so_when_it_goes_on` |
//! | TERM | a job is stopped | it goes on, to tidy up | `pauses::a_job_that_is_stopped_may_tidy_up` |
//! | HUP | it was ignored from the start (`nohup`) | nothing | `pauses::a_hangup_that_was_ignored_from_the_start_stays_ignored` |
//! | a terminal goes away | jobs run | as HUP | `pauses::a_terminal_that_goes_away_is_a_hangup` |
//!
//! Signals go to the process alone, and to its whole group as from a terminal. What is stopped by a signal goes on with
//! `--resume`, each time. What is told of jobs, and to them, is below.

mod matrix;
mod pauses;
mod row;

use rustix::process::Signal;
use xqute_tests::{Running, Scratch};

/// Starts these jobs and waits until the file `ready` is there.
fn started(scratch: &Scratch, jobs: &str, args: &[&str]) -> Running {
    scratch.write("jobs.txt", jobs);
    let running = scratch.xqute(["run", "jobs.txt"]).args(args).start();
    scratch.wait_for_file("ready");
    running
}

/// Runs until it is killed, and has children and grandchildren.
const ENDLESS: &str = "(sleep 600 & sleep 600) & touch ready; sleep 600\n";

/// Does not care about being asked.
const STUBBORN: &str = "trap '' TERM INT HUP; touch ready; while :; do sleep 600; done\n";

#[test]
fn an_interrupt_ends_the_jobs_and_the_run() {
    let scratch = Scratch::new();
    let running = started(
        &scratch,
        &[ENDLESS, "touch never\n"].concat(),
        &["-j", "1", "--submission-batch", "1"],
    );
    running.signal(Signal::INT);
    running.wait().exits(130).says("2 cancelled");
    scratch.job(0).ended(143);
    assert!(!scratch.has("never"));
    scratch.has_no_processes();
}

#[test]
fn so_does_a_request_to_terminate() {
    let scratch = Scratch::new();
    let running = started(&scratch, &ENDLESS.repeat(4), &["-j", "4"]);
    running.signal(Signal::TERM);
    running.wait().exits(143);
    scratch.has_no_processes();
}

#[test]
fn jobs_may_tidy_up() {
    let scratch = Scratch::new();
    let job = "trap 'echo tidy > tidied; exit 5' TERM; touch ready; sleep 600 & wait\n";
    let running = started(&scratch, job, &["--postscript", "echo post"]);
    running.signal(Signal::INT);
    running.wait().exits(130);
    assert_eq!(scratch.read("tidied"), "tidy\n");
    assert!(scratch.job(0).stderr().contains("post"));
}

#[test]
fn a_second_signal_kills_what_does_not_listen() {
    let scratch = Scratch::new();
    let running = started(&scratch, STUBBORN, &["-v"]);
    running.signal(Signal::INT);
    running.wait_for_word("INT");
    running.signal(Signal::INT);
    running.wait().exits(130);
    assert_eq!(scratch.job(0).text("job.status"), "7\n");
    scratch.has_no_processes();
}

#[test]
fn a_job_that_runs_too_long_and_does_not_listen_is_killed() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", STUBBORN);
    scratch.run(["--timeout", "0.2", "jobs.txt"]).exits(1);
    scratch.job(0).ended(124);
    scratch.has_no_processes();
}

#[test]
fn a_process_that_a_job_leaves_behind_on_purpose_is_left_alone() {
    let scratch = Scratch::new();
    scratch.run_jobs("sleep 600 > /dev/null 2>&1 &\n", [""; 0]).exits(0);
    assert_eq!(scratch.processes().len(), 1);
}

#[test]
fn an_interrupt_from_the_terminal_reaches_jobs_only_through_us() {
    let scratch = Scratch::new();
    // A terminal signals its whole foreground group; jobs are in groups of their own.
    scratch.write("jobs.txt", "ps -o pgid= -p $$ | tr -d ' '; echo $$\n");
    scratch.run(["jobs.txt"]).exits(0);
    let stdout = scratch.job(0).stdout();
    let (group, process) = stdout.trim().split_once('\n').unwrap();
    assert_eq!(group, process, "a job's script leads its group");
}
