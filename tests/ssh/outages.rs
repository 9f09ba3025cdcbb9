//! Servers that go and come back, and hosts that do.

use std::{fs, net::TcpListener};

use rustix::process::Signal;
use tempfile::TempDir;
use xqute_tests::{Output, Scratch, built, wait_until};

use crate::using::{BOTH, config, on};

/// Servers `n1` and `n2` that only one test uses.
struct Servers<'a> {
    scratch: &'a Scratch,
    dir: TempDir,
    ports: String,
}

impl<'a> Servers<'a> {
    fn start(scratch: &'a Scratch) -> Self {
        let free = || TcpListener::bind("127.0.0.1:0").unwrap();
        let listeners = [free(), free()];
        let ports = listeners.map(|listener| listener.local_addr().unwrap().port().to_string());
        let servers = Self {
            scratch,
            dir: TempDir::new().unwrap(),
            ports: ports.join(" "),
        };
        servers.make(&["up"]);
        servers
    }

    fn make(&self, args: &[&str]) {
        self.script(args).exits(0);
    }

    fn script(&self, args: &[&str]) -> Output {
        let script = built::repository().join("tests/services/sshd.sh");
        let script = self.scratch.program("/bin/bash".as_ref()).args([script]).args(args);
        script
            .env("SSHD_DIR", self.dir.path())
            .env("SSHD_PORTS", &self.ports)
            .run()
    }

    fn config(&self) -> String {
        self.dir.path().join("config").display().to_string()
    }
}

impl Drop for Servers<'_> {
    fn drop(&mut self) {
        // Also when the test fails, and then nothing of it may panic.
        let _down = self.script(&["down"]);
    }
}

/// Jobs that note each of their starts and ends; the last one waits until the test has seen enough.
fn noting_jobs(scratch: &Scratch, count: usize) {
    let job = "echo $XQUTE_JOB_INDEX >>started; sleep 1; echo $XQUTE_JOB_INDEX >>ended\n";
    let last =
        "until [ -e enough ]; do sleep 0.1; done; echo $XQUTE_JOB_INDEX >>started; echo $XQUTE_JOB_INDEX >>ended\n";
    scratch.write("jobs.txt", [last, &job.repeat(count - 1)].concat());
}

fn lines(scratch: &Scratch, file: &str) -> Vec<u32> {
    let text = fs::read_to_string(scratch.path(file)).unwrap_or_default();
    let mut lines: Vec<u32> = text.lines().map(|line| line.parse().unwrap()).collect();
    lines.sort_unstable();
    lines
}

fn each_ran_once(scratch: &Scratch, count: u32) {
    let all: Vec<u32> = (0..count).collect();
    assert_eq!(lines(scratch, "started"), all);
    assert_eq!(lines(scratch, "ended"), all);
    (0..count).for_each(|index| drop(scratch.job(index).ended(0)));
}

#[test]
fn a_server_that_stops_and_comes_back_loses_no_job() {
    if config("a_server_that_stops_and_comes_back_loses_no_job").is_none() {
        return;
    }
    let scratch = Scratch::new();
    let servers = Servers::start(&scratch);
    noting_jobs(&scratch, 30);
    let run = on(&servers.config(), &scratch, BOTH)
        .args(["-j", "6", "jobs.txt"])
        .start();
    wait_until("some have ended", || lines(&scratch, "ended").len() > 5);
    servers.make(&["down", "n1"]);
    run.wait_for_word("server n1 cannot be used");
    let before = lines(&scratch, "ended").len();
    wait_until("others go on", || {
        lines(&scratch, "ended").len() >= (before + 3).min(29)
    });
    servers.make(&["up", "n1"]);
    run.wait_for_word("server n1 answers again");
    scratch.write("enough", "");
    run.wait().exits(0).says("30 succeeded").does_not_say("lost");
    each_ran_once(&scratch, 30);
}

#[test]
fn when_all_servers_stop_jobs_wait_for_them() {
    if config("when_all_servers_stop_jobs_wait_for_them").is_none() {
        return;
    }
    let scratch = Scratch::new();
    let servers = Servers::start(&scratch);
    noting_jobs(&scratch, 12);
    let run = on(&servers.config(), &scratch, BOTH)
        .args(["-j", "4", "jobs.txt"])
        .start();
    wait_until("some have ended", || lines(&scratch, "ended").len() > 2);
    servers.make(&["down"]);
    run.wait_for_word("unavailable: ");
    servers.make(&["up"]);
    scratch.write("enough", "");
    run.wait().exits(0).says("12 succeeded");
    each_ran_once(&scratch, 12);
}

#[test]
fn a_host_that_is_killed_loses_no_job_and_starts_none_twice() {
    let Some(config) = config("a_host_that_is_killed_loses_no_job_and_starts_none_twice") else {
        return;
    };
    let scratch = Scratch::new();
    noting_jobs(&scratch, 24);
    let run = on(&config, &scratch, BOTH).args(["-j", "6", "jobs.txt"]).start();
    wait_until("some have ended", || lines(&scratch, "ended").len() > 5);
    run.signal(Signal::KILL);
    let _killed = run.wait();
    scratch.write("enough", "");
    let again = on(&config, &scratch, BOTH).args(["-j", "6", "--resume", "jobs.txt"]);
    again.run().exits(0).says("24 succeeded");
    each_ran_once(&scratch, 24);
}

#[test]
fn a_run_is_gone_with_though_one_of_its_servers_is_not_named_any_more() {
    let Some(config) = config("a_run_is_gone_with_though_one_of_its_servers_is_not_named_any_more") else {
        return;
    };
    let scratch = Scratch::new();
    noting_jobs(&scratch, 4);
    let run = on(&config, &scratch, ["--opt", "server=n1"])
        .args(["-j", "4", "jobs.txt"])
        .start();
    wait_until("all but one have ended", || lines(&scratch, "ended").len() == 3);
    run.signal(Signal::KILL);
    let _killed = run.wait();
    let again = on(&config, &scratch, ["--opt", "server=n2"])
        .args(["--resume", "jobs.txt"])
        .start();
    again.wait_for_word("--opt server=n1");
    scratch.write("enough", "");
    again.wait().exits(0).says("4 succeeded");
    each_ran_once(&scratch, 4);
}
