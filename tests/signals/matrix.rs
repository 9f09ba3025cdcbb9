//! Signals that end a run, in each situation that a run can be in, to the process alone and to its group. After each of
//! them the run can be resumed.

use rustix::process::Signal;
use xqute_tests::{Scratch, wait_until};

use crate::row::{Recorded, To, all, code, each, recorded, resumed, run, succeeded};

#[test]
fn while_nothing_is_to_do() {
    each(|signal, name, to| {
        let scratch = Scratch::new();
        let running = run(&scratch, &["--listen", "-v"]).start();
        running.wait_for_word("jobs can be fed");
        to.send(&running, signal);
        running.wait().exits(code(signal)).says(&format!("stopped: by {name}"));
        scratch.has_no_processes();
        resumed(&scratch, &["--", "touch", "more"]);
        assert!(scratch.has("more"));
    });
}

#[test]
fn while_jobs_may_still_come_by_a_pipe() {
    each(|signal, name, to| {
        let scratch = Scratch::new();
        let mut running = run(&scratch, &["-"]).piped().start();
        running.write("echo x >> first\n");
        wait_until("the job is over", || scratch.job(0).path("job.rc").exists());
        to.send(&running, signal);
        running.wait().exits(code(signal)).says(&format!("stopped: by {name}"));
        scratch.has_no_processes();
        let jobs = scratch.write("jobs.txt", "echo x >> first\ntouch second\n");
        resumed(&scratch, &[jobs.to_str().unwrap()]);
        assert!(scratch.has("second"));
        assert_eq!(scratch.read("first"), "x\n");
    });
}

#[test]
fn while_jobs_are_started_one_after_the_other() {
    each(|signal, _, to| {
        let scratch = Scratch::new();
        let short = "echo x >> \"ran.$XQUTE_JOB_INDEX\"\n".repeat(150);
        scratch.write("jobs.txt", format!("{short}[[ -e go ]] || sleep 600\n"));
        let running = run(&scratch, &["-j", "4", "jobs.txt"]).start();
        scratch.wait_for_file("ran.10");
        to.send(&running, signal);
        running.wait().exits(code(signal));
        scratch.has_no_processes();
        let Recorded {
            succeeded,
            cancelled,
            others,
        } = recorded(&scratch);
        assert_eq!((succeeded + cancelled, others), (151, 0));
        assert!(cancelled > 0);
        let done = self::succeeded(&scratch);
        assert_eq!(done.len() as u64, succeeded);
        resumed(&scratch, &["jobs.txt"]);
        assert!((0..150).all(|job| scratch.has(format!("ran.{job}"))));
        for job in done {
            assert_eq!(scratch.read(format!("ran.{job}")), "x\n", "job {job} ran again");
        }
    });
}

/// Two jobs that run until they are killed, each with children and grandchildren, some of which do not listen, and one more
/// behind them.
const FAMILIES: &str = r#"{"cmd": "[[ -e go ]] || { (trap '' TERM HUP INT QUIT; sleep 600 & sleep 600) & touch ready.0; sleep 600; }"}
{"cmd": ["bash", "-c", "[[ -e go ]] || { (sleep 600 & sleep 600) & touch ready.1; sleep 600; }"]}
{"cmd": "touch behind"}
"#;

fn while_jobs_run(args: &'static [&'static str]) {
    each(|signal, name, to| {
        let scratch = Scratch::new();
        scratch.write("jobs.jsonl", FAMILIES);
        let running = run(&scratch, &["-j", "2", "jobs.jsonl"]).args(args).start();
        scratch.wait_for_file("ready.0");
        scratch.wait_for_file("ready.1");
        to.send(&running, signal);
        running
            .wait()
            .exits(code(signal))
            .says(&format!("warning: {name}: no further job starts"));
        scratch.has_no_processes();
        assert!(!scratch.has("behind"));
        let all_cancelled = Recorded {
            succeeded: 0,
            cancelled: 3,
            others: 0,
        };
        assert_eq!(recorded(&scratch), all_cancelled);
        resumed(&scratch, &[&["jobs.jsonl"], args].concat());
        assert!(scratch.has("behind"));
    });
}

#[test]
fn while_jobs_run_directly() {
    while_jobs_run(&[]);
}

#[test]
fn while_jobs_run_by_their_scripts() {
    while_jobs_run(&["--wrapper", "always"]);
}

/// Does not care about being asked, and nor does what it started.
const STUBBORN: &str =
    "[[ -e go ]] && exit; trap '' TERM INT HUP QUIT; sleep 600 & touch ready; while :; do sleep 600; done\n";

#[test]
fn while_jobs_are_told_to_end() {
    each(|second, name, to| {
        let scratch = Scratch::new();
        scratch.write("jobs.txt", STUBBORN);
        let running = run(&scratch, &["jobs.txt"]).start();
        scratch.wait_for_file("ready");
        to.send(&running, Signal::INT);
        running.wait_for_word("SIGINT: no further job starts");
        to.send(&running, second);
        running
            .wait()
            .exits(code(second))
            .says(&format!("{name} again: all jobs are killed"));
        scratch.has_no_processes();
        assert_eq!(recorded(&scratch).cancelled, 1);
        resumed(&scratch, &["jobs.txt"]);
    });
}

#[test]
fn when_the_grace_is_over() {
    all([&["--wrapper", "auto"], &["--wrapper", "always"]], |args| {
        let scratch = Scratch::new();
        scratch.write("jobs.txt", STUBBORN);
        let running = run(&scratch, &["jobs.txt"]).args(args).start();
        scratch.wait_for_file("ready");
        To::Process.send(&running, Signal::TERM);
        running.wait().exits(143).does_not_say("again");
        scratch.has_no_processes();
        assert_eq!(recorded(&scratch).cancelled, 1);
        resumed(&scratch, &["jobs.txt"]);
    });
}

/// Who went into groups of their own, and who does not listen there.
const STRAYS: &str = "[[ -e go ]] && exit; set -m; (trap '' TERM; sleep 600) & set +m; \
                      timeout 600 bash -c 'sleep 600 & touch ready; wait'; touch after\n";

#[test]
fn what_left_the_group_of_a_job_is_ended_as_well() {
    all([&["--wrapper", "auto"], &["--wrapper", "always"]], |args| {
        let scratch = Scratch::new();
        scratch.write("jobs.txt", STRAYS);
        let running = run(&scratch, &["jobs.txt"]).args(args).start();
        scratch.wait_for_file("ready");
        running.signal(Signal::TERM);
        running.wait().exits(143);
        scratch.has_no_processes();
        assert!(!scratch.has("after"));
        resumed(&scratch, &["jobs.txt"]);
    });
}

#[test]
fn what_made_a_session_of_its_own_is_left_alone() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "setsid bash -c 'touch ready; exec sleep 600' & sleep 600\n");
    let running = run(&scratch, &["jobs.txt"]).start();
    scratch.wait_for_file("ready");
    running.signal(Signal::TERM);
    running.wait().exits(143);
    wait_until("only one process is left", || scratch.processes().len() == 1);
}
