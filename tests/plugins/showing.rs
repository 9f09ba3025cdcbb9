//! `xqute plugin list` and `xqute plugin inspect`.

use xqute_tests::{Scratch, plugin};

#[test]
fn list_shows_what_a_run_would_use() {
    let scratch = Scratch::new();
    let output = scratch
        .with_plugins(&["hello", "journal", "fake_sched"], ["plugin", "list"])
        .run()
        .exits(0);
    for row in ["hello", "journal", "fake-sched", "0.1.0", "observer", "scheduler"] {
        assert!(output.stdout.contains(row), "{row:?} is missing in\n{}", output.stdout);
    }
}

#[test]
fn list_leaves_out_what_is_disabled() {
    let scratch = Scratch::new();
    let xqute = scratch.with_plugins(&["hello", "journal"], ["--disable", "hello", "plugin", "list"]);
    let output = xqute.run().exits(0);
    assert!(
        !output.stdout.lines().any(|line| line.starts_with("hello ")),
        "{}",
        output.stdout
    );
}

#[test]
fn inspect_shows_a_plugin_that_asks_for_nothing() {
    let scratch = Scratch::new();
    let output = scratch
        .xqute(["plugin", "inspect"])
        .args([plugin("hello")])
        .run()
        .exits(0);
    for part in [
        "hello 0.1.0",
        "Greets every job that succeeds",
        "sha256",
        "on_job_succeeded",
        "rights: it asks for none",
    ] {
        assert!(
            output.stdout.contains(part),
            "{part:?} is missing in\n{}",
            output.stdout
        );
    }
}

#[test]
fn inspect_shows_what_a_plugin_asks_for_and_how_to_grant_it() {
    let scratch = Scratch::new();
    std::fs::copy(plugin("slurm"), scratch.path("slurm.wasm")).unwrap();
    let output = scratch.xqute(["plugin", "inspect", "slurm.wasm"]).run().exits(0);
    for part in [
        "scheduler",
        "sbatch",
        "squeue",
        "scancel",
        "script",
        "denied",
        "--allow slurm",
        "partition",
    ] {
        assert!(
            output.stdout.contains(part),
            "{part:?} is missing in\n{}",
            output.stdout
        );
    }
}

#[test]
fn inspect_knows_what_was_granted() {
    let scratch = Scratch::new();
    let output = scratch
        .with_plugins(&["slurm"], ["plugin", "inspect"])
        .args([plugin("slurm")])
        .run()
        .exits(0);
    assert!(
        output.stdout.contains("granted") && !output.stdout.contains("denied"),
        "{}",
        output.stdout
    );
}
