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
fn nobody_in_a_hurry_waits_for_it() {
    let scratch = Scratch::new();
    // Nobody would wait for the end of this.
    scratch.configure("wasi-hello", "slow = \"3600000\"", "limits = { call-ms = 7200000 }");
    let run = scratch
        .with_plugins(&["wasi_hello"], ["run", "--", "touch", "done"])
        .start();
    scratch.wait_for_file("done");
    run.signal(Signal::TERM);
    run.signal(Signal::INT);
    run.wait()
        .says("observers were too slow for the end of the run")
        .says(" facts were not told");
}
