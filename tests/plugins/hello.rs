//! The smallest plugin.

use xqute_tests::Scratch;

#[test]
fn it_greets_jobs_that_succeed() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "true\nfalse\ntrue\n");
    let output = scratch
        .with_plugins(&["hello"], ["-v", "run", "jobs.txt"])
        .run()
        .exits(1);
    output
        .says("hello from job 0")
        .does_not_say("hello from job 1")
        .says("hello from job 2");
}

#[test]
fn what_it_says_is_known_to_be_its_own() {
    let scratch = Scratch::new();
    let run = scratch.with_plugins(&["hello"], ["-v", "--log-format", "json", "run", "--", "true"]);
    let output = run.run().exits(0);
    let line = output
        .stderr
        .lines()
        .find(|line| line.contains("hello from job 0"))
        .unwrap();
    let record: serde_json::Value = serde_json::from_str(line).unwrap();
    assert!(
        record.to_string().contains("\"hello\""),
        "the plugin is not named in {record}"
    );
}
