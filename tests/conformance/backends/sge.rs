//! Grid Engine, by its own clients.

use std::{fs, path::Path};

use rustix::process::{Pid, Signal};
use xqute_tests::{machine, wait_until};

use crate::{
    backend::{Access, Backend, Happening, Outage, Pace},
    bench::Bench,
    service::{self, Service},
};

const SCRIPT: &str = "sge.sh";

suite! {
    Backend {
        name: "sge",
        service: Some(Service {
            variables: &["SGE_ROOT", "SGE_CELL", "SGE_QMASTER_PORT", "SGE_EXECD_PORT", "SGE_CLUSTER_NAME"],
            script: SCRIPT,
        }),
        store: None,
        access: Access::Shared,
        flags: |_| Vec::new(),
        singly: &[],
        forks: 300,
        many: 1000,
        pace: Pace::Quick,
        live,
        remove,
        can: &[],
    };
    AnyName,
    TellsSignals,
    Refuses(&[("q", "nowhere.q")]),
    TimeLimit(Happening { options: &[("l", "h_rt=1")], happens: |_, _| {} }),
    Requeues(Happening { options: &[("r", "y")], happens: requeue }),
    Outage(Outage { down, up }),
}

/// Ids are those of tasks: `JOB.TASK`.
fn task(id: &str) -> (&str, &str) {
    id.split_once('.').unwrap()
}

fn live(bench: &Bench, ids: &[String]) -> Vec<String> {
    // One line for each task; those that are over are not listed.
    let qstat = bench.tool("qstat", ["-g", "d", "-u", "*"]).exits(0);
    let listed: Vec<_> = qstat.stdout.lines().filter_map(listed).collect();
    ids.iter().filter(|id| listed.contains(id)).cloned().collect()
}

/// The first word of a line is the job; the last one, if it is an array job, the task.
fn listed(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let job: u32 = words.next()?.parse().ok()?;
    Some(format!("{job}.{}", words.next_back()?))
}

fn remove(bench: &Bench, id: &str) {
    let (job, task) = task(id);
    bench.tool("qdel", [job, "-t", task]).exits(0);
}

fn requeue(bench: &Bench, id: &str) {
    bench.tool("qmod", ["-rj", id]).exits(0);
}

/// The folder of the service, with a slash.
fn folder() -> String {
    service::variable("SGE_ROOT").trim_end_matches("root").to_owned()
}

/// The master is killed. Whatever runs goes on.
fn down(_bench: &Bench) {
    let file = Path::new(&folder()).join("spool/qmaster/qmaster.pid");
    let number = fs::read_to_string(file).unwrap().trim().parse().unwrap();
    let master = Pid::from_raw(number).unwrap();
    machine::signal(master, Signal::KILL);
    wait_until("the master is gone", || {
        rustix::process::test_kill_process(master).is_err()
    });
}

fn up(_bench: &Bench) {
    let (folder, port) = (folder(), service::variable("SGE_QMASTER_PORT"));
    service::script(
        SCRIPT,
        &["up"],
        &[("SGE_DIR", folder.trim_end_matches('/')), ("SGE_PORT", &port)],
    );
}
