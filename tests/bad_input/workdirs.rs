//! Workdirs that cannot be used: exit code 4, nothing runs, nothing in them is touched.

use std::path::Path;

use rustix::process::Signal;
use xqute_tests::{Scratch, machine, wait_until};

#[test]
fn one_that_holds_a_run() {
    let scratch = Scratch::new();
    scratch.run(["--", "echo", "first"]).exits(0);
    let output = scratch.run(["--", "echo", "second"]).exits(4);
    insta::assert_snapshot!(output.stderr, @"error: the workdir `[scratch]/here/.xqute` already holds a run; go on with it by `--resume`, remove it with `--overwrite`, or choose another folder with `-w DIR`");
    assert_eq!(scratch.job(0).stdout(), "first\n");
}

#[test]
fn one_that_another_run_uses() {
    let scratch = Scratch::new();
    let first = scratch
        .xqute([
            "run",
            "--",
            "bash",
            "-c",
            "touch ready; until [[ -e go ]]; do sleep 0.01; done",
        ])
        .start();
    scratch.wait_for_file("ready");
    for flags in [&[][..], &["--overwrite"]] {
        let output = scratch
            .run(flags.iter().copied().chain(["--", "touch", "ran"]))
            .exits(4);
        output
            .says("is in use by another xqute")
            .says(&first.pid().as_raw_nonzero().to_string());
    }
    assert!(!scratch.has("ran"));
    scratch.write("go", "");
    first.wait().exits(0);
    scratch.job(0).ended(0);
}

#[test]
fn one_whose_killed_run_left_a_job_alive() {
    let scratch = Scratch::new();
    let job = "touch ready; until [[ -e go ]]; do sleep 0.01; done; touch done";
    let killed = scratch.xqute(["run", "--", "bash", "-c", job]).start();
    scratch.wait_for_file("ready");
    let pid = scratch.job(0).id();
    killed.signal(Signal::KILL);
    killed.wait();
    let output = scratch.run(["--overwrite", "--", "touch", "ran"]).exits(4);
    output.says(&format!("`kill -- -{pid}`"));
    assert!(!scratch.has("ran"));
    scratch.write("go", "");
    scratch.wait_for_file("done");
    wait_until("the job has ended", || !Path::new("/proc").join(&pid).exists());
    scratch.run(["--overwrite", "--", "true"]).exits(0);
}

#[test]
fn one_that_is_a_file() {
    let scratch = Scratch::new();
    scratch.write("file", "mine");
    let output = scratch.run(["-w", "file", "--", "true"]).exits(4);
    insta::assert_snapshot!(output.stderr, @"error: the workdir `[scratch]/here/file` is a file; choose a folder with `-w DIR`");
    assert_eq!(scratch.read("file"), "mine");
}

#[test]
fn one_that_may_not_be_written_to() {
    if !machine::is_root() {
        return machine::skip("one_that_may_not_be_written_to", "becoming somebody else needs root");
    }
    let scratch = Scratch::new();
    scratch.write("theirs/x", "");
    let run = scratch.xqute(["run", "-w", "theirs/run", "--", "true"]);
    insta::assert_snapshot!(run.as_nobody().run().exits(4).stderr, @"error: cannot write to the workdir `[scratch]/here/theirs/run`: Permission denied (os error 13); choose another one with `-w DIR`");
}

#[test]
fn one_on_a_disk_that_is_read_only() {
    if !machine::is_root() {
        return machine::skip("one_on_a_disk_that_is_read_only", "mounting needs root");
    }
    let scratch = Scratch::new();
    let disk = machine::Disk::mount(&scratch.path("disk"), "size=1m");
    disk.make_read_only();
    scratch
        .run(["-w", "disk/run", "--", "true"])
        .exits(4)
        .says("Read-only file system");
}

#[test]
fn one_with_folders_that_only_look_like_jobs() {
    let scratch = Scratch::new();
    scratch.write(".xqute/0/precious", "mine");
    for flags in [&[][..], &["--overwrite"]] {
        scratch.run(flags.iter().copied().chain(["--", "true"])).exits(4);
        assert_eq!(scratch.read(".xqute/0/precious"), "mine");
    }
}

#[test]
fn one_that_holds_no_run_to_go_on_with() {
    let scratch = Scratch::new();
    let output = scratch.run(["--resume", "-w", "tpyo"]).exits(4);
    insta::assert_snapshot!(output.stderr, @"
    error: there is no run in the workdir `[scratch]/here/tpyo` to go on with
      help: name the workdir of the run with -w, or give jobs to start one there
    ");
    assert!(!scratch.has("tpyo"));
    scratch.run(["--resume", "-w", "new", "--", "true"]).exits(0);
    scratch.run(["--resume", "-w", "new"]).exits(0);
}
