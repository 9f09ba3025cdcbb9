//! What goes away in the middle of a run: the qmaster, and xqute itself.

use std::{path::PathBuf, thread, time::Duration};

use rustix::process::{Pid, Signal};
use xqute_tests::{Scratch, built, machine, wait_until};

use crate::{again, alone, among_others, in_its_environment, is_there};

/// Leaves a line for each time that it runs.
const JOB: &str = "echo x >> ran.$XQUTE_JOB_INDEX; sleep 1\n";

/// Checks that each job ran, and once.
fn ran_once(scratch: &Scratch, jobs: u32) {
    for index in 0..jobs {
        assert_eq!(scratch.read(format!("ran.{index}")), "x\n", "job {index}");
        scratch.job(index).ended(0);
    }
}

/// How many jobs have begun.
fn begun(scratch: &Scratch, jobs: u32) -> usize {
    (0..jobs).filter(|index| scratch.has(format!("ran.{index}"))).count()
}

/// The process of the qmaster, from the files of the service.
fn qmaster() -> Option<Pid> {
    let root = PathBuf::from(std::env::var_os("SGE_ROOT")?);
    let text = std::fs::read_to_string(root.parent()?.join("spool/qmaster/qmaster.pid")).ok()?;
    Pid::from_raw(text.trim().parse().ok()?)
}

#[test]
fn a_qmaster_that_goes_away_is_waited_for() {
    let _turn = alone();
    let test = "a_qmaster_that_goes_away_is_waited_for";
    if !is_there(test) {
        return;
    }
    let Some(master) = qmaster() else {
        machine::skip(
            test,
            "this is not the Grid Engine of tests/services/sge.sh, which alone may be killed",
        );
        return;
    };
    const JOBS: u32 = 40;
    let scratch = Scratch::new();
    let job = JOB.replace("sleep 1", "until [ -e go ]; do sleep 0.1; done");
    scratch.write("jobs.txt", job.repeat(JOBS as usize));
    let run = again(&scratch, ["-j", "20", "jobs.txt"]).start();
    // All of them: a task that is being handed to its machine just then hangs for ten minutes.
    wait_until("half of the jobs have begun", || begun(&scratch, JOBS) == 20);
    machine::signal(master, Signal::KILL);
    // They end while it is away.
    scratch.write("go", "");
    run.wait_for_word("Grid Engine cannot be reached");
    // It stays away for some questions.
    thread::sleep(Duration::from_secs(5));
    // Without the mark by which the scratch folder ends what was started from it.
    let script = built::repository().join("tests/services/sge.sh");
    let up = scratch.program("env".as_ref()).args(["-u", "XQUTE_TEST_MARK"]);
    let up = up.args([script.as_os_str(), "up".as_ref()]);
    let root = PathBuf::from(std::env::var_os("SGE_ROOT").unwrap());
    in_its_environment(up)
        .env("SGE_DIR", root.parent().unwrap())
        .run()
        .exits(0);
    run.wait().exits(0).says(&format!("{JOBS} succeeded"));
    ran_once(&scratch, JOBS);
}

#[test]
fn a_run_goes_on_after_kill_nine() {
    let _turn = among_others();
    if !is_there("a_run_goes_on_after_kill_nine") {
        return;
    }
    const JOBS: u32 = 40;
    let scratch = Scratch::new();
    scratch.write("jobs.txt", JOB.repeat(JOBS as usize));
    let mut resumed = again(&scratch, ["-j", "20", "jobs.txt"]).start();
    for more in [3, 12, 25] {
        wait_until("some more jobs have begun", || begun(&scratch, JOBS) > more);
        resumed.signal(Signal::KILL);
        resumed.wait();
        resumed = again(&scratch, ["-j", "20", "--resume", "jobs.txt"]).start();
    }
    resumed.wait().exits(0);
    ran_once(&scratch, JOBS);
}
