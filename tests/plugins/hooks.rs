//! All 15 hooks, in the order that the contract promises.

use rustix::process::Signal;
use xqute_tests::{Output, Scratch};

const PLUGIN: &str = "all_hooks";

/// The calls that were logged, each as the hook's name.
fn calls(output: &Output) -> Vec<&'static str> {
    let words = output
        .stderr
        .lines()
        .filter_map(|line| line.strip_prefix("info: ")?.strip_suffix(" plugin=all-hooks"));
    words
        .filter_map(|word| ALL.into_iter().find(|hook| *hook == word))
        .collect()
}

/// Every hook of `wit/about.wit`, as the plugin logs it.
const ALL: [&str; 15] = [
    "on_init",
    "on_shutdown",
    "on_job_init",
    "on_job_queued",
    "on_job_submitting",
    "on_job_submitted",
    "on_job_started",
    "on_job_polling",
    "on_job_killing",
    "on_job_killed",
    "on_job_failed",
    "on_job_succeeded",
    "on_jobcmd_init",
    "on_jobcmd_prep",
    "on_jobcmd_end",
];

fn run(scratch: &Scratch, args: &[&str]) -> Output {
    scratch.configure("all-hooks", "log = \"yes\"", "");
    scratch
        .with_plugins(&[PLUGIN], ["-v", "run", "-j", "1"])
        .args(args)
        .run()
}

/// Checks that these hooks were called in this order, whatever came between them.
#[track_caller]
fn in_order(calls: &[&str], expected: &[&str]) {
    let mut rest = calls.iter();
    for hook in expected {
        assert!(
            rest.any(|call| call == hook),
            "{hook} is missing, or too early, in {calls:?}"
        );
    }
}

#[test]
fn a_job_that_succeeds() {
    let output = run(&Scratch::new(), &["--", "true"]).exits(0);
    let calls = calls(&output);
    in_order(
        &calls,
        &[
            "on_init",
            "on_job_init",
            "on_job_queued",
            "on_job_submitted",
            "on_job_started",
            "on_job_succeeded",
            "on_shutdown",
        ],
    );
    in_order(
        &calls,
        &["on_job_submitting", "on_jobcmd_init", "on_jobcmd_prep", "on_jobcmd_end"],
    );
    for never in ["on_job_failed", "on_job_killing", "on_job_killed"] {
        assert!(!calls.contains(&never), "{never} in {calls:?}");
    }
}

#[test]
fn a_job_that_fails_and_is_tried_again() {
    let output = run(&Scratch::new(), &["-e", "retry", "-r", "1", "--", "false"]).exits(1);
    let attempt = ["on_job_queued", "on_job_submitted", "on_job_started", "on_job_failed"];
    in_order(
        &calls(&output),
        &[&["on_init", "on_job_init"][..], &attempt, &attempt, &["on_shutdown"]].concat(),
    );
    output
        .says("on_job_init=1 ")
        .says("on_job_queued=2 ")
        .says("on_job_failed=2 ")
        .says("on_job_succeeded=0 ")
        .says("on_job_submitting=2");
}

#[test]
fn a_job_that_is_killed_and_a_run_that_is_stopped() {
    let scratch = Scratch::new();
    scratch.configure("all-hooks", "log = \"yes\"", "");
    let run = scratch
        .with_plugins(&[PLUGIN], ["-v", "run", "--", "bash", "-c", "touch ready; sleep 600"])
        .start();
    scratch.wait_for_file("ready");
    run.signal(Signal::TERM);
    let output = run.wait().exits(143).says("asked about the shutdown");
    in_order(&calls(&output), &["on_job_started", "on_job_killed", "on_shutdown"]);
    assert!(calls(&output).contains(&"on_job_killing"));
}

#[test]
fn a_job_that_is_asked_about() {
    let scratch = Scratch::new();
    scratch.configure("all-hooks", "log = \"yes\"", "");
    let flags = [
        "-v",
        "run",
        "-s",
        "fake-sched",
        "--opt",
        "answer=running,running,succeeded",
        "--recheck-interval",
        "0.05",
        "--",
        "true",
    ];
    let output = scratch.with_plugins(&[PLUGIN, "fake_sched"], flags).run().exits(0);
    in_order(
        &calls(&output),
        &["on_job_started", "on_job_polling", "on_job_succeeded"],
    );
}

#[test]
fn thousands_of_facts_arrive_once_each() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "true\n".repeat(500));
    let output = scratch
        .with_plugins(&[PLUGIN], ["-v", "run", "-j", "4", "jobs.txt"])
        .run()
        .exits(0);
    for hook in [
        "on_job_init",
        "on_job_queued",
        "on_job_submitted",
        "on_job_started",
        "on_job_succeeded",
        "on_job_submitting",
        "on_jobcmd_init",
    ] {
        assert!(
            output.stderr.contains(&format!("{hook}=500")),
            "{hook} in\n{}",
            output.stderr
        );
    }
}
