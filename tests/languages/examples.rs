//! The small plugins, in real runs.

use xqute_tests::Scratch;

use crate::workshop;

fn greets(test: &str, language: &str, hello: &str) {
    if workshop(test, language).is_none() {
        return;
    }
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "true\nfalse\ntrue\n");
    let run = scratch.with_plugins(&[hello], ["-v", "run", "jobs.txt"]);
    run.run()
        .exits(1)
        .says("hello from job 0")
        .does_not_say("hello from job 1")
        .says("hello from job 2")
        .says(hello);
}

#[test]
fn hello_in_python() {
    greets("hello_in_python", "python", "hello-python");
}

#[test]
fn hello_in_javascript() {
    greets("hello_in_javascript", "javascript", "hello-javascript");
}

/// All 15 hooks are called, as often as they are in Rust.
fn calls_every_hook(test: &str, language: &str, guest: &str) {
    if workshop(test, language).is_none() {
        return;
    }
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "true\nfalse\ntrue\n");
    let run = scratch.with_plugins(&[guest], ["-v", "run", "jobs.txt"]);
    let output = run.run().exits(1);
    let counts = output.stderr.lines().find(|line| line.contains("on_shutdown=1"));
    let counts = counts.unwrap_or_else(|| panic!("no counts in\n{}", output.stderr));
    for count in [
        "on_init=1",
        "on_job_init=3",
        "on_job_queued=3",
        "on_job_submitting=3",
        "on_job_submitted=3",
        "on_job_started=3",
        "on_job_failed=1",
        "on_job_succeeded=2",
        "on_jobcmd_init=3",
        "on_jobcmd_prep=3",
        "on_jobcmd_end=3",
    ] {
        assert!(
            counts.split(' ').any(|word| word == count),
            "{count} is not in {counts}"
        );
    }
    assert!(scratch.job(0).text("job.wrapped.local").contains(": all hooks: prep"));
}

#[test]
fn every_hook_in_python() {
    calls_every_hook("every_hook_in_python", "python", "all_hooks_python");
}

#[test]
fn every_hook_in_javascript() {
    calls_every_hook("every_hook_in_javascript", "javascript", "all_hooks_javascript");
}
