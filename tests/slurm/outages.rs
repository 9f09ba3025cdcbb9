//! The controller, or xqute itself, is killed in the middle of many jobs. None is lost, and none runs twice: each job appends a
//! line to a file of its own.

use std::{fs, time::SystemTime};

use rustix::process::Signal;
use xqute_tests::{Scratch, wait_until};

use crate::service::Slurm;

/// How many jobs have begun, how often each.
fn begun(scratch: &Scratch) -> Vec<usize> {
    let files = fs::read_dir(scratch.path("begun")).unwrap();
    files
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap().lines().count())
        .collect()
}

fn write_jobs(scratch: &Scratch, count: usize, line: &str) {
    fs::create_dir(scratch.path("begun")).unwrap();
    let line = format!("echo ran >> begun/$XQUTE_JOB_INDEX; {line}\n");
    scratch.write("jobs.txt", line.repeat(count));
}

#[test]
fn a_controller_that_dies_loses_no_job() {
    const JOBS: usize = 200;
    let Some(slurm) = Slurm::alone("a_controller_that_dies_loses_no_job") else {
        return;
    };
    if !slurm.folder().join("slurmctld.pid").exists() {
        let why = "this Slurm was not started by tests/services/slurm.sh";
        return xqute_tests::machine::skip("a_controller_that_dies_loses_no_job", why);
    }
    let scratch = Scratch::new();
    // The first of them run until the controller is gone.
    write_jobs(
        &scratch,
        JOBS,
        "[ $XQUTE_JOB_INDEX -gt 63 ] || until [ -e gone ]; do sleep 0.5; done",
    );
    let run = slurm.run(&scratch, ["-j", "200", "jobs.txt"]).start();
    wait_until("half of those that fit run", || begun(&scratch).len() >= 32);
    // What the controller has not written yet it forgets when it is killed, and that is not what is tried here.
    let running = || {
        slurm
            .ask(&scratch, "squeue", &["-h", "-r", "-t", "RUNNING", "-o", "%i"])
            .lines()
            .count()
    };
    wait_until("all that fit run", || {
        running() == begun(&scratch).len() && running() >= 32
    });
    let now = fs::metadata(scratch.write("now", "")).unwrap().modified().unwrap();
    let last = ["--parsable", "--hold", "-o", "/dev/null", "--wrap", "true"];
    let last = slurm.ask(&scratch, "sbatch", &last);
    wait_until("the controller has written what it knows", || saved(&slurm) > now);
    slurm.service(&scratch, "crash");
    scratch.write("gone", "");
    run.wait_for_word("Slurm cannot be reached");
    let over = begun(&scratch).len();
    let reported = || {
        (0..JOBS)
            .filter(|job| scratch.path(format!(".xqute/{job}/job.rc")).exists())
            .count()
    };
    wait_until("those that ran are over", || reported() == over);
    slurm.service(&scratch, "revive");
    slurm.ask(&scratch, "scancel", &[&last]);
    run.wait().exits(0).says("200 succeeded");
    assert_eq!(begun(&scratch), vec![1; JOBS]);
}

/// When the controller last wrote what it knows of jobs.
fn saved(slurm: &Slurm) -> SystemTime {
    let state = fs::metadata(slurm.folder().join("state/job_state"));
    state
        .and_then(|state| state.modified())
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

#[test]
fn a_host_that_dies_goes_on_with_its_arrays() {
    const JOBS: usize = 60;
    let Some(slurm) = Slurm::shared("a_host_that_dies_goes_on_with_its_arrays") else {
        return;
    };
    let scratch = Scratch::new();
    // Some end while nobody looks, and some later.
    write_jobs(
        &scratch,
        JOBS,
        "until [ -e \"go.$((XQUTE_JOB_INDEX % 3))\" ]; do sleep 0.2; done",
    );
    scratch.write("go.0", "");
    let run = slurm.run(&scratch, ["-j", "40", "jobs.txt"]).start();
    wait_until("jobs have begun", || begun(&scratch).len() > 20);
    run.wait_for_word("succeeded");
    run.signal(Signal::KILL);
    run.wait();
    scratch.write("go.1", "");
    let over = |job: u32| scratch.job(job).path("job.rc").exists();
    wait_until("some end while nobody looks", || {
        (0..30).filter(|job| job % 3 == 1).all(over)
    });
    scratch.write("go.2", "");
    let run = slurm.run(&scratch, ["-j", "40", "--resume", "jobs.txt"]);
    run.run().exits(0).says("60 succeeded");
    assert_eq!(begun(&scratch), vec![1; JOBS]);
}
