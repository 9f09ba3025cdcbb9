//! What a run says: to people on stderr, to programs as JSON. Results of `run` are files, so stdout stays empty.

use serde_json::Value;
use xqute_tests::Scratch;

const JOBS: &str = "true\necho one >&2; echo two >&2; exit 3\n";

#[test]
fn the_summary_counts_and_shows_the_first_failures() {
    let output = Scratch::new().run_jobs(JOBS, ["--progress", "none"]).exits(1);
    assert_eq!(output.stdout, "");
    let shown = output.stderr;
    for part in [
        "1 succeeded",
        "1 failed",
        "exit code 3",
        ".xqute/1/job.stderr",
        "one",
        "two",
    ] {
        assert!(shown.contains(part), "{part:?} is missing in\n{shown}");
    }
}

#[test]
fn only_the_first_failures_are_shown() {
    let output = Scratch::new()
        .run_jobs(&"exit 3\n".repeat(100), ["-j", "4"])
        .exits(1)
        .says("100 failed");
    let shown = output.stderr.matches("job.stderr").count();
    assert!((1..=10).contains(&shown), "{shown} failures are shown");
}

#[test]
fn what_a_job_wrote_cannot_play_with_the_terminal() {
    let output = Scratch::new()
        .run_jobs("printf '\\033[2J\\007gone' >&2; exit 1\n", [""; 0])
        .exits(1);
    assert!(output.stderr.contains("gone"), "{}", output.stderr);
    assert!(!output.stderr.contains(['\x1b', '\x07']), "{:?}", output.stderr);
}

#[test]
fn quiet_says_nothing_when_all_is_well() {
    let scratch = Scratch::new();
    let output = scratch.xqute(["-q", "run", "--", "true"]).run().exits(0);
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", ""));
}

#[test]
fn json_has_one_object_on_each_line() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", JOBS);
    let output = scratch
        .xqute(["--log-format", "json", "-v", "run", "jobs.txt"])
        .run()
        .exits(1);
    let records: Vec<Value> = output
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(records.len() > 1);
    let summary = records.last().unwrap();
    assert_eq!(summary["succeeded"], 1, "{summary}");
    assert_eq!(summary["failed"], 1, "{summary}");
}

#[test]
fn colours_are_for_terminals_unless_asked_for() {
    let scratch = Scratch::new();
    let plain = scratch.run(["--", "false"]).exits(1);
    assert!(!plain.stderr.contains('\x1b'), "{:?}", plain.stderr);
    let coloured = scratch
        .xqute(["--color", "always", "run", "--overwrite", "--", "false"])
        .run()
        .exits(1);
    assert!(coloured.stderr.contains('\x1b'), "{:?}", coloured.stderr);
}
