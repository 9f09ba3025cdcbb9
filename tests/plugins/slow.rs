//! Observers that take their time: jobs do not wait for them, nothing is lost, and a user in a hurry does not wait either.

use rustix::process::Signal;
use xqute_tests::Scratch;

#[test]
fn a_slow_observer_hears_everything() {
    let scratch = Scratch::new();
    scratch.configure("wasi-hello", "slow = \"10\"", "");
    scratch.write("jobs.txt", "true\n".repeat(300));
    let output = scratch
        .with_plugins(&["wasi_hello"], ["-v", "run", "-j", "4", "jobs.txt"])
        .run()
        .exits(0);
    output.says("saw 300 jobs queued").does_not_say("was stopped");
}

#[test]
fn jobs_do_not_wait_for_it_and_nobody_in_a_hurry_does() {
    let scratch = Scratch::new();
    // It never comes to an end with the first job.
    scratch.configure("wasi-hello", "slow = \"3600000\"", "limits = { call-ms = 7200000 }");
    let jobs: String = (0..200).map(|job| format!("touch done-{job}\n")).collect();
    scratch.write("jobs.txt", jobs);
    let run = scratch
        .with_plugins(&["wasi_hello"], ["run", "-j", "4", "jobs.txt"])
        .start();
    for job in 0..200 {
        scratch.wait_for_file(format!("done-{job}"));
    }
    run.signal(Signal::TERM);
    run.signal(Signal::INT);
    run.wait()
        .says("observers were too slow for the end of the run")
        .says(" facts were not told");
}
