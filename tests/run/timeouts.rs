//! Jobs that run too long.

use xqute_tests::Scratch;

#[test]
fn a_job_that_runs_too_long_is_ended_with_all_its_processes() {
    let scratch = Scratch::new();
    scratch.write(
        "jobs.jsonl",
        "{\"cmd\": \"sleep 600 & sleep 600; wait\", \"timeout\": 0.2}\n{\"cmd\": \"true\"}\n",
    );
    let output = scratch.run(["jobs.jsonl"]).exits(1);
    scratch.job(0).ended(124);
    scratch.job(1).ended(0);
    output.says("timed out");
    scratch.has_no_processes();
}

#[test]
fn a_job_may_have_a_limit_of_its_own() {
    let scratch = Scratch::new();
    scratch.write(
        "jobs.jsonl",
        "{\"cmd\": \"sleep 600\"}\n{\"cmd\": \"sleep 0.5\", \"timeout\": \"1h\"}\n",
    );
    scratch.run(["--timeout", "0.2", "jobs.jsonl"]).exits(1);
    scratch.job(0).ended(124);
    scratch.job(1).ended(0);
}

#[test]
fn what_timed_out_is_tried_again() {
    let scratch = Scratch::new();
    scratch
        .run_jobs(
            "[[ -e before ]] || { touch before; sleep 600; }\n",
            ["-e", "retry", "--timeout", "1"],
        )
        .exits(0);
    scratch.job(0).ended(0).attempt(1).ended(124);
}
