//! Which job starts when: jobs that come after others, and priorities.

use xqute_tests::Scratch;

/// Runs these objects of a job file, one job at a time.
fn run(scratch: &Scratch, lines: &[&str]) -> xqute_tests::Output {
    scratch.write("jobs.jsonl", lines.join("\n"));
    scratch.run(["-j", "1", "jobs.jsonl"])
}

#[test]
fn a_job_starts_when_those_before_it_have_succeeded() {
    let scratch = Scratch::new();
    let lines = [
        r#"{"cmd": "cat a b > c", "after": ["a", 2]}"#,
        r#"{"cmd": "echo a > a", "name": "a"}"#,
        r#"{"cmd": "sed s/a/b/ a > b", "after": "a"}"#,
        r#"{"cmd": "rm a b", "after": 0}"#,
    ];
    run(&scratch, &lines).exits(0);
    assert_eq!(scratch.read("c"), "a\nb\n");
    assert!(!scratch.has("a"));
}

#[test]
fn a_retry_is_waited_for() {
    let scratch = Scratch::new();
    scratch.write(
        "jobs.jsonl",
        "{\"cmd\": \"[[ -e again ]] || { touch again; exit 1; }\", \"name\": \"a\"}\n{\"cmd\": \"true\", \"after\": \"a\"}\n",
    );
    scratch.run(["-e", "retry", "jobs.jsonl"]).exits(0);
    scratch.job(1).ended(0);
}

#[test]
fn what_comes_after_a_job_that_failed_is_cancelled_and_says_why() {
    let scratch = Scratch::new();
    let lines = [
        r#"{"cmd": "exit 3", "name": "a"}"#,
        r#"{"cmd": "touch never", "after": "a"}"#,
        r#"{"cmd": "touch never", "after": 1}"#,
        r#"{"cmd": "true"}"#,
    ];
    let output = run(&scratch, &lines).exits(1);
    let why = "cancelled because job 0, which it comes after, did not succeed";
    output
        .says(why)
        .says("4 jobs")
        .says("1 succeeded, 1 failed, 2 cancelled");
    assert_eq!(scratch.job(1).ended(143).stderr(), format!("xqute: {why}\n"));
    assert!(scratch.job(2).ended(143).stderr().contains("because job 1"));
    scratch.job(3).ended(0);
    assert!(!scratch.has("never"));
}

#[test]
fn jobs_that_could_never_start_are_refused_with_their_place() {
    let scratch = Scratch::new();
    let a = r#"{"cmd": "true", "name": "a", "after": "b"}"#;
    let b = r#"{"cmd": "true", "name": "b", "after": ["a"]}"#;
    let refused = |lines: &[&str], expected: &str| {
        run(&scratch, lines).exits(2).says(expected);
        assert!(!scratch.has(".xqute"), "{expected}");
    };
    let true_ = r#"{"cmd": "true"}"#;
    refused(
        &[true_, a, b],
        "jobs.jsonl:2: jobs wait for each other in a circle: `a` comes after `b`, which comes after `a`",
    );
    refused(
        &[true_, "", a],
        "jobs.jsonl:3: it is to start after a job named `b`, but no job has this name",
    );
    refused(
        &[true_, r#"{"cmd": "true", "after": 2}"#],
        "jobs.jsonl:2: it is to start after job 2, but there is no such job",
    );
    refused(
        &[r#"{"cmd": "true", "after": 0}"#],
        "jobs.jsonl:1: it is to start after itself",
    );
    let twice = r#"{"cmd": "true", "name": "b"}"#;
    refused(
        &[twice, a, twice],
        "jobs.jsonl:2: it is to start after the job named `b`, but jobs 0 and 2 both have this name",
    );
    run(&scratch, &[twice, twice]).exits(0);
}

#[test]
fn a_higher_priority_goes_first() {
    let scratch = Scratch::new();
    let lines: Vec<_> = [("-1", "last"), ("0", "second"), ("7", "first"), ("0", "third")]
        .map(|(priority, word)| format!(r#"{{"cmd": "echo {word} >> order", "priority": {priority}}}"#))
        .to_vec();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    run(&scratch, &lines).exits(0);
    assert_eq!(scratch.read("order"), "first\nsecond\nthird\nlast\n");
}
