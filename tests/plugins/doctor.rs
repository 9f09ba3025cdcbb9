//! `xqute doctor`: what is missing is named, with what to do about it.

use xqute_tests::Scratch;

#[test]
fn on_this_machine_a_job_runs() {
    let scratch = Scratch::new();
    let output = scratch.xqute(["doctor"]).run().exits(0);
    assert!(
        output.stdout.contains("ok       bash      /bin/bash\n"),
        "{}",
        output.stdout
    );
    assert!(
        output.stdout.contains("ok       job       ran on "),
        "{}",
        output.stdout
    );
    assert_eq!(std::fs::read_dir(scratch.path("")).unwrap().count(), 0, "it cleans up");
}

#[test]
fn a_scheduler_is_looked_at_step_by_step() {
    let scratch = Scratch::new();
    scratch.configure("fake-sched", "", "limits = { instances = 3, max-rate = 50 }");
    let output = scratch
        .with_plugins(&["fake_sched"], ["doctor", "-s", "fake-sched"])
        .run()
        .exits(0);
    for part in [
        "ok       plugin    fake-sched ",
        "ok       rights    script\n",
        "3 calls at once",
        "50 programs and requests in a second",
        "ok       backend   answers",
        "submitted as ",
    ] {
        assert!(output.stdout.contains(part), "{part}\n{}", output.stdout);
    }
}

#[test]
fn a_backend_that_is_not_there_is_what_is_missing() {
    let scratch = Scratch::new();
    let args = ["doctor", "-s", "slurm", "--opt", "partition=short"];
    let slurm = scratch.with_plugins(&["slurm"], args).env("PATH", "/no/such/folder");
    let output = slurm.env("SLURM_CONF", "/no/such/file").run().exits(1);
    assert!(output.stdout.contains("sbatch is not on PATH"), "{}", output.stdout);
    assert!(output.stdout.contains("\nmissing  backend "), "{}", output.stdout);
}

#[test]
fn rights_that_are_missing_are_named_with_their_flags() {
    let scratch = Scratch::new();
    let plugin = xqute_tests::plugin("fake_sched");
    let args = [
        "--plugin".as_ref(),
        plugin.as_os_str(),
        "doctor".as_ref(),
        "-s".as_ref(),
        "fake-sched".as_ref(),
    ];
    let output = scratch.xqute(args).run().exits(1);
    assert!(output.stdout.contains("missing  rights"), "{}", output.stdout);
    assert!(output.stdout.contains("--allow fake-sched:script"), "{}", output.stdout);
}

#[test]
fn a_job_that_does_not_end_is_cancelled_after_a_while() {
    let scratch = Scratch::new();
    let args = ["doctor", "-s", "fake-sched", "--opt", "answer=running", "--wait", "1"];
    let output = scratch.with_plugins(&["fake_sched"], args).run().exits(1);
    assert!(
        output.stdout.contains("was not over within 1s, and was cancelled"),
        "{}",
        output.stdout
    );
    assert!(output.stdout.contains("--wait"), "{}", output.stdout);
}
