//! Plugins that were built for the first version of the contract, and are kept as they were: they run for as long as the
//! host says that it speaks 0.1. Whoever has to touch this test or the files in `tests/frozen` breaks plugins of others.

use std::path::PathBuf;

use xqute_tests::{Scratch, built};

fn frozen(name: &str) -> PathBuf {
    built::repository().join("tests/frozen/0.1.0").join(name)
}

#[test]
fn nobody_has_built_them_again() {
    let scratch = Scratch::new();
    let sums = scratch
        .program("/usr/bin/sha256sum".as_ref())
        .args(["--check", "--strict", "SHA256SUMS"]);
    sums.current_dir(frozen("")).run().exits(0);
}

#[test]
fn a_lifecycle_plugin_of_the_first_contract_is_called_at_all_its_hooks() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "true\nexit 3\n");
    let xqute = scratch
        .xqute(["-v", "--allow", "all-hooks:script"])
        .args(["--plugin".as_ref(), frozen("all_hooks.wasm").as_os_str()]);
    xqute
        .args(["run", "-e", "retry", "-r", "1", "jobs.txt"])
        .run()
        .exits(1)
        .says("on_job_init=2 ")
        .says("on_job_queued=3 ")
        .says("on_job_started=3 ")
        .says("on_job_failed=2 ")
        .says("on_job_succeeded=1 ")
        .says("on_job_submitting=3")
        .says("on_jobcmd_prep=3");
}

#[test]
fn a_scheduler_of_the_first_contract_schedules() {
    let scratch = Scratch::new();
    let xqute = scratch
        .xqute(["-v", "--allow", "fake-sched:script"])
        .args(["--plugin".as_ref(), frozen("fake_sched.wasm").as_os_str()]);
    let flags = [
        "run",
        "-s",
        "fake-sched",
        "--opt",
        "answer=queued,running,succeeded",
        "--recheck-interval",
        "0.05",
    ];
    xqute
        .args(flags)
        .args(["--", "true"])
        .run()
        .exits(0)
        .says("1 succeeded");
    assert!(
        scratch
            .job(0)
            .text("job.wrapped.fake-sched")
            .contains("#FAKE --name=fake-sched-0")
    );
}

#[test]
fn they_pass_the_tests_of_today() {
    for name in ["all_hooks.wasm", "fake_sched.wasm"] {
        let scratch = Scratch::new();
        scratch.xqute(["plugin", "test"]).args([frozen(name)]).run().exits(0);
    }
}
