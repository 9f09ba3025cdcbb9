//! All 15 hooks, in the order that the contract promises.

use rustix::process::Signal;
use xqute_tests::{Output, Scratch};

const PLUGIN: &str = "all_hooks";

/// The calls that were logged, each as the hook's name.
fn calls(output: &Output) -> Vec<&'static str> {
    let words = output.stderr.lines().filter_map(|line| line.split_whitespace().last());
    words.filter_map(|word| ALL.into_iter().find(|hook| *hook == word)).collect()
}

/// Every hook of `wit/about.wit`, as the plugin logs it.
const ALL: [&str; 15] = [
    "Init", "Shutdown", "JobInit", "JobQueued", "JobSubmitting", "JobSubmitted", "JobStarted", "JobPolling", "JobKilling",
    "JobKilled", "JobFailed", "JobSucceeded", "JobcmdInit", "JobcmdPrep", "JobcmdEnd",
];

fn run(scratch: &Scratch, args: &[&str]) -> Output {
    scratch.configure("all-hooks", "log = \"yes\"", "");
    scratch.with_plugins(&[PLUGIN], ["-v", "run", "-j", "1"]).args(args).run()
}

/// Checks that these hooks were called in this order, whatever came between them.
#[track_caller]
fn in_order(calls: &[&str], expected: &[&str]) {
    let mut rest = calls.iter();
    for hook in expected {
        assert!(rest.any(|call| call == hook), "{hook} is missing, or too early, in {calls:?}");
    }
}

#[test]
fn a_job_that_succeeds() {
    let output = run(&Scratch::new(), &["--", "true"]).exits(0);
    let calls = calls(&output);
    in_order(&calls, &["Init", "JobInit", "JobQueued", "JobSubmitted", "JobStarted", "JobSucceeded", "Shutdown"]);
    in_order(&calls, &["JobSubmitting", "JobcmdInit", "JobcmdPrep", "JobcmdEnd"]);
    for never in ["JobFailed", "JobKilling", "JobKilled"] {
        assert!(!calls.contains(&never), "{never} in {calls:?}");
    }
}

#[test]
fn a_job_that_fails_and_is_tried_again() {
    let output = run(&Scratch::new(), &["-e", "retry", "-r", "1", "--", "false"]).exits(1);
    let attempt = ["JobQueued", "JobSubmitted", "JobStarted", "JobFailed"];
    in_order(&calls(&output), &[&["Init", "JobInit"][..], &attempt, &attempt, &["Shutdown"]].concat());
    output.says("JobInit=1 ").says("JobQueued=2 ").says("JobFailed=2 ").says("JobSucceeded=0 ").says("JobSubmitting=2");
}

#[test]
fn a_job_that_is_killed_and_a_run_that_is_stopped() {
    let scratch = Scratch::new();
    scratch.configure("all-hooks", "log = \"yes\"", "");
    let run = scratch.with_plugins(&[PLUGIN], ["-v", "run", "--", "bash", "-c", "touch ready; sleep 600"]).start();
    scratch.wait_for_file("ready");
    run.signal(Signal::TERM);
    let output = run.wait().exits(143).says("asked about the shutdown");
    in_order(&calls(&output), &["JobStarted", "JobKilled", "Shutdown"]);
    assert!(calls(&output).contains(&"JobKilling"));
}

#[test]
fn a_job_that_is_asked_about() {
    let scratch = Scratch::new();
    scratch.configure("all-hooks", "log = \"yes\"", "");
    let flags = ["-v", "run", "-s", "fake-sched", "--opt", "polls=3", "--recheck-interval", "0.05", "--", "true"];
    let output = scratch.with_plugins(&[PLUGIN, "fake_sched"], flags).run().exits(0);
    in_order(&calls(&output), &["JobStarted", "JobPolling", "JobSucceeded"]);
}

#[test]
fn thousands_of_facts_arrive_once_each() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "true\n".repeat(500));
    let output = scratch.with_plugins(&[PLUGIN], ["-v", "run", "-j", "4", "jobs.txt"]).run().exits(0);
    for hook in ["JobInit", "JobQueued", "JobSubmitted", "JobStarted", "JobSucceeded", "JobSubmitting", "JobcmdInit"] {
        assert!(output.stderr.contains(&format!("{hook}=500")), "{hook} in\n{}", output.stderr);
    }
}
