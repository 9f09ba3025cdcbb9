//! What is in the store when a run is over, and while it goes.

use std::path::PathBuf;

use rustix::process::Signal;
use xqute_tests::{Scratch, Store, wait_until};

use crate::files;

everywhere!(
    all_that_jobs_leave_is_there,
    output_is_there_while_a_job_runs,
    a_run_is_gone_on_with,
    a_run_is_overwritten,
    what_nobody_needs_is_not_asked_for,
);

/// Where this machine keeps the files of the run.
fn home(scratch: &Scratch, store: &Store) -> PathBuf {
    let status = scratch.xqute(["status", "--json", "-w", &store.url("run")]);
    let status: serde_json::Value = serde_json::from_str(&status.run().exits(0).stdout).unwrap();
    assert_eq!(status["run"]["workdir"], store.url("run"));
    scratch.meant(status["run"]["home"].as_str().unwrap())
}

fn all_that_jobs_leave_is_there(scratch: &Scratch, store: &Store) {
    let jobs = "echo one\nmkdir \"$XQUTE_JOB_METADIR/sub dir\"; echo two > \"$XQUTE_JOB_METADIR/sub dir/100% ä\"\n\
                echo three >&2; (( XQUTE_JOB_ATTEMPT == 2 ))\nexit 3\n";
    scratch.write("jobs.txt", jobs);
    let url = store.url("run");
    let output = store
        .addressed(scratch.xqute(["run", "-w", &url, "-e", "retry", "--num-retries", "1", "jobs.txt"]))
        .run()
        .exits(1);
    output
        .says("3 succeeded, 1 failed")
        .says(&format!("{url}/3/job.stderr"));
    let there = files(&store.get(scratch, "run"));
    let home = files(&home(scratch, store));
    let (there, here): (Vec<_>, Vec<_>) = (
        there.iter().filter(|(name, _)| *name != "xqute.run.json").collect(),
        home.iter()
            .filter(|(name, _)| !name.starts_with("run.") && *name != "xqute.run.json")
            .collect(),
    );
    assert_eq!(there, here);
    assert!(
        there
            .iter()
            .any(|(name, content)| *name == "1/sub dir/100% ä" && **content == b"two\n")
    );
    assert!(
        there
            .iter()
            .any(|(name, content)| *name == "2/job.retry/1/job.stderr" && **content == b"three\n")
    );
    assert!(
        there
            .iter()
            .any(|(name, content)| *name == "3/job.rc" && **content == b"3\n")
    );
    assert!(!scratch.has(".xqute"));
}

fn output_is_there_while_a_job_runs(scratch: &Scratch, store: &Store) {
    scratch.write(
        "jobs.txt",
        "echo first; until [[ -e go ]]; do sleep 0.1; done; echo last\n",
    );
    let url = store.url("run");
    let running = store.addressed(scratch.xqute(["run", "-w", &url, "jobs.txt"])).start();
    wait_until("its output is there", || {
        store.list(scratch, "run").iter().any(|name| name == "0/job.stdout")
            && std::fs::read(store.get(scratch, "run").join("0/job.stdout")).unwrap() == b"first\n"
    });
    assert!(!store.list(scratch, "run").iter().any(|name| name == "0/job.rc"));
    let said = store
        .addressed(scratch.xqute(["logs", "-w", &url, "0"]))
        .run()
        .exits(0)
        .stdout;
    assert_eq!(said, "first\n");
    scratch.write("go", "");
    running.wait().exits(0);
    assert_eq!(
        std::fs::read(store.get(scratch, "run").join("0/job.stdout")).unwrap(),
        b"first\nlast\n"
    );
}

fn a_run_is_gone_on_with(scratch: &Scratch, store: &Store) {
    scratch.write(
        "jobs.txt",
        "echo one\nuntil [[ -e go ]]; do sleep 0.1; done; echo two\necho three\n",
    );
    let url = store.url("run");
    let running = store
        .addressed(scratch.xqute(["run", "-w", &url, "-j", "1", "jobs.txt"]))
        .start();
    wait_until("the first one is there", || {
        store.list(scratch, "run").iter().any(|name| name == "0/job.rc")
    });
    running.signal(Signal::KILL);
    running.wait();
    store
        .addressed(scratch.xqute(["run", "-w", &url, "jobs.txt"]))
        .run()
        .exits(4)
        .says(&format!("the workdir `{url}` already holds a run"));
    scratch.write("go", "");
    store
        .addressed(scratch.xqute(["run", "-w", &url, "--resume"]))
        .run()
        .exits(0)
        .says("3 succeeded");
    let there = store.get(scratch, "run");
    for (job, said) in ["one\n", "two\n", "three\n"].iter().enumerate() {
        assert_eq!(
            std::fs::read(there.join(format!("{job}/job.stdout"))).unwrap(),
            said.as_bytes()
        );
    }
}

fn a_run_is_overwritten(scratch: &Scratch, store: &Store) {
    let url = store.url("run");
    scratch.write("jobs.txt", "echo one\necho two\n");
    store
        .addressed(scratch.xqute(["run", "-w", &url, "jobs.txt"]))
        .run()
        .exits(0);
    store.put(scratch, "run/notes", "mine");
    store
        .addressed(scratch.xqute(["run", "-w", &url, "--overwrite", "--", "true"]))
        .run()
        .exits(0);
    let names = store.list(scratch, "run");
    assert!(names.iter().any(|name| name == "0/job.rc") && names.iter().any(|name| name == "notes"));
    assert!(!names.iter().any(|name| name.starts_with("1/")), "{names:?}");
}

fn what_nobody_needs_is_not_asked_for(scratch: &Scratch, store: &Store) {
    const JOBS: u32 = 50;
    scratch.write("jobs.txt", "true\n".repeat(50));
    store
        .addressed(scratch.xqute(["run", "-w", &store.url("run"), "jobs.txt"]))
        .run()
        .exits(0);
    let all: u32 = store.proxy.requests().values().sum();
    println!("requests for {JOBS} jobs: {:?}", store.proxy.requests());
    // Five files for each job; a few more for the run itself.
    assert!(all <= 5 * JOBS + 10, "{:?}", store.proxy.requests());
}
