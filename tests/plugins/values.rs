//! What plugins store: there in the next run, and no trouble when the file is.

use rustix::process::Signal;
use xqute_tests::Scratch;

/// Where it is kept, seen from the folder that programs start in.
const FILE: &str = "../home/state/xqute/key-value.db";

#[test]
fn the_next_run_sees_what_was_stored() {
    let scratch = Scratch::new();
    let plugins = ["all_hooks"];
    let run = scratch
        .with_plugins(&plugins, ["run", "--", "bash", "-c", "touch ready; sleep 600"])
        .start();
    scratch.wait_for_file("ready");
    run.signal(Signal::TERM);
    run.wait().exits(143);
    let next = ["-v", "run", "--overwrite", "--", "true"];
    let output = scratch.with_plugins(&plugins, next).run().exits(0);
    output.says("on_job_killing=1");
}

#[test]
fn a_file_that_is_damaged_fails_no_run_and_is_not_touched() {
    let scratch = Scratch::new();
    let garbage = "no database at all ".repeat(100);
    scratch.write(FILE, &garbage);
    scratch
        .with_plugins(&["all_hooks"], ["-v", "run", "--", "true"])
        .run()
        .exits(0)
        .says("what plugins store is forgotten at the end of this run")
        .says("it is damaged")
        .says("on_job_submitting=1");
    assert_eq!(scratch.read(FILE), garbage);
}
