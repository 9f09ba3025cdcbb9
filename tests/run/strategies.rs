//! What happens when a job fails.

use rustix::process::Signal;
use xqute_tests::Scratch;

/// Fails until it has been tried `times` times; says which time it is.
fn fails_until(times: u32) -> String {
    format!("echo x >> tries; n=$(wc -l < tries); echo try $n; (( n >= {times} ))\n")
}

#[test]
fn by_default_the_others_go_on() {
    let scratch = Scratch::new();
    scratch.run_jobs("exit 3\ntrue\n", ["-j", "1"]).exits(1);
    scratch.job(0).ended(3);
    scratch.job(1).ended(0);
}

#[test]
fn retry_tries_again_and_keeps_what_was() {
    let scratch = Scratch::new();
    let args = ["-e", "retry", "--prescript", ":"];
    scratch.run_jobs(&fails_until(3), args).exits(0);
    let job = scratch.job(0).ended(0);
    assert_eq!(job.stdout(), "try 3\n");
    assert_eq!(job.attempt(1).ended(1).stdout(), "try 1\n");
    assert_eq!(job.attempt(2).ended(1).stdout(), "try 2\n");
    assert!(!job.attempt(3).exists());
    for file in ["job.jid", "job.stderr", "job.wrapped.local"] {
        assert!(
            job.attempt(1).path(file).exists(),
            "{file} of the first attempt is gone"
        );
    }
}

#[test]
fn retry_gives_up_after_the_number_of_retries() {
    let scratch = Scratch::new();
    scratch.run_jobs(&fails_until(9), ["-e", "retry", "-r", "1"]).exits(1);
    assert_eq!(scratch.job(0).ended(1).stdout(), "try 2\n");
    assert!(!scratch.job(0).attempt(2).exists());
}

#[test]
fn three_retries_are_made_when_nobody_says() {
    let scratch = Scratch::new();
    scratch
        .run_jobs(&fails_until(9), ["--error-strategy", "retry"])
        .exits(1);
    assert_eq!(scratch.job(0).ended(1).stdout(), "try 4\n");
}

#[test]
fn a_job_may_say_how_often_it_is_tried() {
    let scratch = Scratch::new();
    scratch.write(
        "jobs.jsonl",
        "{\"cmd\": \"exit 2\", \"num_retries\": 0}\n{\"cmd\": \"exit 2\", \"num_retries\": 2}\n",
    );
    scratch.run(["-e", "retry", "-r", "1", "jobs.jsonl"]).exits(1);
    assert!(!scratch.job(0).ended(2).attempt(1).exists());
    scratch.job(1).ended(2).attempt(2).ended(2);
}

#[test]
fn a_retry_does_not_wait_for_other_jobs() {
    let scratch = Scratch::new();
    // The first job ends only when the second one has been tried again.
    let jobs = format!(
        "until [[ -e again ]]; do sleep 0.01; done\n{} && touch again\n",
        fails_until(2).trim()
    );
    scratch.run_jobs(&jobs, ["-j", "2", "-e", "retry"]).exits(0);
}

#[test]
fn only_the_failures_that_were_named_are_tried_again() {
    let scratch = Scratch::new();
    let jobs = "exit 75\nexit 3\nkill -9 $$\n";
    let args = [
        "-e",
        "retry",
        "-r",
        "1",
        "--retry-on",
        "75,timed-out",
        "--retry-on",
        "signal",
    ];
    scratch.run_jobs(jobs, args).exits(1).does_not_say("changes nothing");
    assert!(scratch.job(0).ended(75).attempt(1).exists());
    assert!(!scratch.job(1).ended(3).attempt(1).exists());
    assert!(scratch.job(2).attempt(1).exists());
}

#[test]
fn a_pause_before_a_retry_holds_nothing_up() {
    let scratch = Scratch::new();
    // The first job would fail for good, were the second one not to run while it pauses.
    let jobs = "[[ -e second ]]\ntouch second\n";
    let args = [
        "-j",
        "1",
        "--submission-batch",
        "1",
        "-e",
        "retry",
        "-r",
        "1",
        "--retry-delay",
        "1ms",
    ];
    scratch.run_jobs(jobs, args).exits(0);
    scratch.job(0).ended(0).attempt(1).ended(1);
}

#[test]
fn a_run_that_is_stopped_does_not_wait_for_a_pause() {
    let scratch = Scratch::new();
    let args = [
        "-e",
        "retry",
        "--retry-delay",
        "1000h",
        "--retry-max-delay",
        "1000h",
        "-v",
    ];
    let run = scratch.xqute(["run"]).args(args).args(["--", "false"]).start();
    run.wait_for_word("tried again in");
    run.signal(Signal::TERM);
    run.wait().exits(128 + 15).says("1 cancelled");
}

#[test]
fn the_run_stops_after_too_many_failures() {
    let scratch = Scratch::new();
    let output = scratch.run_jobs(&"exit 3\n".repeat(9), ["-j", "1", "--max-failures", "2"]);
    output.exits(1).says("so many failures").says("2 failed, 7 cancelled");
    assert!(!scratch.job(2).exists());
}

#[test]
fn what_changes_nothing_without_retries_is_said() {
    let scratch = Scratch::new();
    let output = scratch.run([
        "--retry-delay",
        "1",
        "--retry-on",
        "3",
        "--wrapper",
        "always",
        "--",
        "true",
    ]);
    output
        .exits(0)
        .says("--retry-delay changes nothing")
        .says("--retry-on changes nothing");
}

#[test]
fn halt_stops_what_runs_and_starts_nothing_more() {
    let scratch = Scratch::new();
    let jobs = "until [[ -e started ]]; do sleep 0.01; done; exit 3\ntouch started; sleep 600\ntouch never\n";
    let output = scratch
        .run_jobs(jobs, ["-j", "2", "--submission-batch", "1", "-e", "halt"])
        .exits(1);
    scratch.job(0).ended(3);
    scratch.job(1).ended(143);
    assert!(!scratch.has("never"));
    output.says("2 cancelled");
    scratch.has_no_processes();
}

#[test]
fn forks_bound_what_runs_at_once() {
    let scratch = Scratch::new();
    let line = "mkdir running.$XQUTE_JOB_INDEX; ls -d running.* | wc -l; sleep 0.05; rmdir running.$XQUTE_JOB_INDEX\n";
    scratch.run_jobs(&line.repeat(12), ["--forks", "3"]).exits(0);
    let seen: Vec<u32> = (0..12)
        .map(|job| scratch.job(job).stdout().trim().parse().unwrap())
        .collect();
    assert!(seen.iter().all(|at_once| (1..=3).contains(at_once)), "{seen:?}");
    assert!(seen.iter().any(|at_once| *at_once > 1), "{seen:?}");
}
