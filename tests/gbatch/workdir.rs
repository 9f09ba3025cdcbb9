//! A workdir in a bucket, which Batch mounts on its machines and nobody mounts here.

use std::{fs, os::unix::fs::symlink};

use xqute_tests::{Scratch, Store};

use crate::backend::Batch;

#[test]
fn a_bucket_is_the_workdir() {
    let test = "a_bucket_is_the_workdir";
    let scratch = Scratch::new();
    let Some(batch) = Batch::own(test, &scratch) else {
        return;
    };
    let Some(store) = Store::new(test, "gs", &scratch).filter(|store| store.is_mounted(test)) else {
        return;
    };
    // What stands for the machines' own way to mount a bucket.
    fs::create_dir_all(batch.bucket("")).unwrap();
    symlink(store.mounted_bucket(), batch.bucket(&store.bucket)).unwrap();
    scratch.write(
        "jobs.txt",
        "pwd > \"$XQUTE_JOB_METADIR/here\"; echo $XQUTE_METADIR\necho oh >&2; exit 3\n",
    );
    let (url, cwd) = (store.url("run"), scratch.path("").display().to_string());
    let args = ["--opt", "location=us-central1", "--cwd", &cwd, "-w", &url, "jobs.txt"];
    let run = store.addressed(batch.run_anyhow(args)).run().exits(1);
    run.says("1 succeeded, 1 failed").says("exit code 3").says("oh");
    let there = store.get(&scratch, "run");
    let text = |name: &str| fs::read_to_string(there.join(name)).unwrap();
    assert_eq!(text("0/job.stdout"), "/mnt/disks/xqute-workdir\n");
    assert_eq!((text("0/job.rc"), text("1/job.rc")), ("0\n".into(), "3\n".into()));
    assert_eq!(
        text("0/here").trim_end().trim_end_matches('/'),
        cwd.trim_end_matches('/')
    );
    let running = store.addressed(batch.run_anyhow([&args[..6], &["--overwrite", "--", "sleep", "1000"]].concat()));
    let running = running.start();
    xqute_tests::wait_until("it runs", || {
        store.list(&scratch, "run").iter().any(|name| name == "0/job.stdout")
    });
    let kill = scratch.xqute(["kill", "-w", &url, "0"]);
    store.addressed(kill).run().exits(0);
    running.wait().exits(1).says("1 cancelled");
}
