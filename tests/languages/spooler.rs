//! The scheduler in Python, with the real task-spooler.

use std::{ffi::OsStr, path::PathBuf};

use rustix::process::Signal;
use xqute_tests::{Scratch, Xqute, machine::skip, wait_until};

use crate::workshop;

/// A spooler of its own for a test; `None` if there is none on this machine. It ends with the test, as all its processes do.
struct Spooler {
    scratch: Scratch,
}

impl Spooler {
    fn new(test: &str) -> Option<Self> {
        workshop(test, "python")?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        if !std::env::split_paths(&path).any(|folder| folder.join("tsp").exists()) {
            skip(test, "there is no `tsp`; on Debian it is in the package task-spooler");
            return None;
        }
        Some(Self {
            scratch: Scratch::new(),
        })
    }

    fn socket(&self) -> PathBuf {
        self.scratch.path("spooler")
    }

    fn run(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Xqute {
        let flags = ["-v", "run", "-s", "spooler", "--recheck-interval", "1"];
        self.scratch
            .with_plugins(&["spooler"], flags)
            .env("TS_SOCKET", self.socket())
            .args(args)
    }

    /// What it lists.
    fn list(&self) -> String {
        let tsp = self.scratch.program("tsp".as_ref()).env("TS_SOCKET", self.socket());
        tsp.run().exits(0).stdout
    }
}

#[test]
fn jobs_run_and_their_results_come_back() {
    let Some(spooler) = Spooler::new("jobs_run_and_their_results_come_back") else {
        return;
    };
    let scratch = &spooler.scratch;
    scratch.write("jobs.txt", "echo one\nexit 3\nprintf '%s' \"it's\"\n");
    let run = spooler.run(["-j", "3", "--opt", "slots=2", "jobs.txt"]);
    run.run()
        .exits(1)
        .says("2 succeeded")
        .says("1 failed")
        .says("exit code 3");
    assert_eq!(scratch.job(0).ended(0).stdout(), "one\n");
    scratch.job(1).ended(3);
    assert_eq!(scratch.job(2).ended(0).stdout(), "it's");
    assert!(scratch.job(0).text("job.jid").trim().parse::<u32>().is_ok());
    let listed = spooler.list();
    assert_eq!(listed.matches("[xqute:").count(), 3, "{listed}");
}

#[test]
fn an_interrupt_kills_what_runs_and_removes_what_waits() {
    let Some(spooler) = Spooler::new("an_interrupt_kills_what_runs_and_removes_what_waits") else {
        return;
    };
    let scratch = &spooler.scratch;
    scratch.write("jobs.txt", "touch ready; sleep 600\ntouch ready; sleep 600\n");
    let run = spooler.run(["-j", "2", "--opt", "slots=1", "jobs.txt"]).start();
    scratch.wait_for_file("ready");
    run.signal(Signal::INT);
    run.wait().exits(130).says("2 cancelled");
    wait_until("the spooler runs nothing", || {
        let listed = spooler.list();
        !listed.contains("running") && !listed.contains("queued")
    });
}

#[test]
fn a_bad_option_is_refused_before_anything_runs() {
    let Some(spooler) = Spooler::new("a_bad_option_is_refused_before_anything_runs") else {
        return;
    };
    let run = spooler.run(["--opt", "slots=many", "--", "touch", "started"]).run();
    run.exits(2).says("bad value `many` for `slots`");
    assert!(!spooler.scratch.has("started"));
}
