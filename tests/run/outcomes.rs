//! The exit codes of `xqute run`: an interface for scripts. Each is shown here once; the details are elsewhere.

use xqute_tests::Scratch;

#[test]
fn zero_when_every_job_succeeded() {
    let scratch = Scratch::new();
    scratch.run_jobs("true\ntrue\n", [""; 0]).exits(0);
    scratch.run(["--overwrite", "--", "true"]).exits(0);
}

#[test]
fn one_when_some_job_did_not() {
    Scratch::new().run_jobs("true\nfalse\n", [""; 0]).exits(1);
}

#[test]
fn two_for_bad_usage_or_input() {
    let scratch = Scratch::new();
    for args in [
        &["run", "--no-such-flag"][..],
        &["run", "missing.txt"],
        &["walk"],
        &["run"],
        &[],
    ] {
        let output = scratch.xqute(args.iter().copied()).run().exits(2);
        assert_eq!(output.stdout, "");
    }
    assert!(!scratch.has(".xqute"));
}

#[test]
fn three_when_a_plugin_cannot_be_used() {
    let scratch = Scratch::new();
    scratch
        .xqute(["--plugin", "none.wasm", "run", "--", "touch", "ran"])
        .run()
        .exits(3);
    assert!(!scratch.has("ran"));
}

#[test]
fn four_when_the_workdir_cannot_be_used() {
    let scratch = Scratch::new();
    scratch.write("file", "");
    scratch.run(["-w", "file", "--", "touch", "ran"]).exits(4);
    assert!(!scratch.has("ran"));
}

#[test]
fn a_job_whose_program_does_not_exist_fails_with_127_and_the_run_goes_on() {
    let scratch = Scratch::new();
    scratch.write(
        "jobs.jsonl",
        "{\"cmd\": [\"no-such-program\", \"x\"]}\n{\"cmd\": \"no_such_program\"}\n{\"cmd\": \"true\"}\n",
    );
    scratch
        .run(["jobs.jsonl"])
        .exits(1)
        .says("exit code 127 (command not found)");
    scratch.job(0).ended(127);
    scratch.job(1).ended(127);
    scratch.job(2).ended(0);
}

#[test]
fn a_program_that_is_not_executable_fails_with_126() {
    let scratch = Scratch::new();
    scratch.write("text", "");
    scratch.run(["--", "./text"]).exits(1).says("exit code 126");
    scratch.job(0).ended(126);
}

#[test]
fn a_job_that_a_signal_ended_is_known_by_it() {
    let scratch = Scratch::new();
    scratch.run(["--", "bash", "-c", "kill -SEGV $$"]).exits(1);
    scratch.job(0).ended(139);
}

#[test]
fn a_job_that_kills_its_own_script_is_recorded_all_the_same() {
    let scratch = Scratch::new();
    scratch
        .run_jobs("kill -KILL $$\ntrue\n", [""; 0])
        .exits(1)
        .says("killed by signal 9");
    scratch.job(0).ended(137);
    scratch.job(1).ended(0);
}

#[test]
fn the_help_lists_them() {
    let scratch = Scratch::new();
    for args in [&["--help"][..], &["run", "--help"]] {
        let help = scratch.xqute(args.iter().copied()).run().exits(0).stdout;
        assert!(help.contains("128+N"), "{help}");
    }
}
