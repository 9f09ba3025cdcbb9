//! Plugins that fail: replaced, counted, and not called any more when it is too much.

use serde_json::Value;
use xqute_tests::{Output, Scratch};

/// Jobs on a scheduler that traps in `place`.
fn scheduled(place: &str, jobs: usize, more: &[&str]) -> (Scratch, Output) {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "true\n".repeat(jobs));
    let place = format!("in={place}");
    let flags = [
        "run",
        "-s",
        "misbehaves",
        "--opt",
        &place,
        "--recheck-interval",
        "0.05",
        "jobs.txt",
    ];
    let output = scratch.with_plugins(&["misbehaves"], flags).args(more).run();
    (scratch, output)
}

#[test]
fn a_scheduler_that_cannot_say_what_became_of_jobs_is_given_up() {
    let (scratch, output) = scheduled("poll", 3, &["-j", "2"]);
    output
        .exits(3)
        .says("scheduler.poll: it crashed")
        .says("is not called any more in this run: 5 calls of scheduler.poll in a row failed")
        .says("quarantined: plugin misbehaves: call scheduler.poll")
        .says("halted: nothing further was started after a plugin failed");
    assert!(!scratch.has(".xqute/2/job.stdout"), "nothing starts any more");
}

#[test]
fn a_scheduler_that_takes_no_job_stops_the_run() {
    let (_scratch, output) = scheduled("submit", 50, &["-j", "1", "--submission-batch", "1"]);
    output
        .exits(3)
        .says("5 calls of scheduler.submit in a row failed")
        .says("0 succeeded, 6 failed, 44 cancelled")
        .says(", 5 failed, 4 restarts");
}

#[test]
fn calls_are_counted() {
    let scratch = Scratch::new();
    let quiet = scratch.with_plugins(&["hello"], ["run", "--", "true"]).run();
    quiet.exits(0).does_not_say("plugins:");
    let told = scratch
        .with_plugins(&["hello"], ["-v", "run", "--overwrite", "--", "true"])
        .run();
    told.exits(0).says("plugins:\n  hello: 1 call in ");
    let json = ["--log-format", "json", "run", "--overwrite", "--", "true"];
    let output = scratch.with_plugins(&["hello"], json).run().exits(0);
    let summary: Value = serde_json::from_str(output.stderr.lines().last().unwrap()).unwrap();
    let plugin = &summary["plugins"][0];
    assert_eq!((&plugin["plugin"], &plugin["calls"]), (&"hello".into(), &1.into()));
    assert!(plugin["time_ms"].as_f64().unwrap() > 0.0, "{summary}");
    assert!(plugin["quarantined"].is_null());
}
