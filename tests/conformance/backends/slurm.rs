//! Slurm, by its own clients.

use std::fs;

use rustix::process::{Pid, Signal};
use xqute_tests::{machine, wait_until};

use crate::{
    backend::{Access, Backend, Happening, Outage, Pace},
    bench::Bench,
    service::{self, Service},
};

suite! {
    Backend {
        name: "slurm",
        service: Some(Service { variables: &["SLURM_CONF"], script: "slurm.sh" }),
        store: None,
        access: Access::Shared,
        flags: |_| Vec::new(),
        singly: &[],
        forks: 300,
        many: 1000,
        pace: Pace::Quick,
        live,
        remove: |bench, id| drop(bench.tool("scancel", [id]).exits(0)),
        can: &[],
    };
    AnyName,
    TellsSignals,
    Refuses(&[("partition", "nowhere")]),
    TimeLimit(Happening { options: &[("time", "1")], happens: |bench, id| update(bench, id, "EndTime=now+1") }),
    MemoryLimit(Happening { options: &[("mem", "40M")], happens: |_, _| {} }),
    Requeues(Happening { options: &[], happens: requeue }),
    Outage(Outage { down, up }),
}

fn live(bench: &Bench, ids: &[String]) -> Vec<String> {
    // Jobs that are over are not listed.
    let squeue = bench.tool("squeue", ["--noheader", "--array", "--format=%i"]).exits(0);
    let listed: Vec<_> = squeue.stdout.lines().map(str::trim).collect();
    ids.iter().filter(|id| listed.contains(&id.as_str())).cloned().collect()
}

fn update(bench: &Bench, id: &str, what: &str) {
    bench
        .tool("scontrol", ["update", &format!("JobId={id}"), what])
        .exits(0);
}

/// Slurm lets a job that was started once wait for two minutes; here it need not. Where it starts again within the second in
/// which it was taken back, a node takes it for the job that it was told to end.
fn requeue(bench: &Bench, id: &str) {
    bench.tool("scontrol", ["requeue", id]).exits(0);
    wait_until("Slurm has taken it back", || {
        bench
            .tool("squeue", ["--noheader", "--format=%T", "--jobs", id])
            .stdout
            .trim()
            == "PENDING"
    });
    update(bench, id, "StartTime=now+2");
}

/// The value of a setting in Slurm's configuration.
fn setting(name: &str) -> String {
    let conf = fs::read_to_string(service::variable("SLURM_CONF")).unwrap();
    let value = conf.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    value
        .unwrap_or_else(|| panic!("{name} is not in slurm.conf"))
        .to_owned()
}

/// The controller ends, and leaves its state; one that is killed forgets what came to it in the last seconds. Whatever runs
/// on the nodes goes on.
fn down(bench: &Bench) {
    let file = setting("SlurmctldPidFile");
    let number = fs::read_to_string(file).unwrap().trim().parse().unwrap();
    let controller = Pid::from_raw(number).unwrap();
    machine::signal(controller, Signal::TERM);
    wait_until("the controller is gone", || {
        rustix::process::test_kill_process(controller).is_err()
    });
    bench.tool("scontrol", ["ping"]).exits(1);
}

fn up(bench: &Bench) {
    service::daemon("slurmctld", &[]);
    wait_until("the controller answers", || {
        bench.tool("scontrol", ["ping"]).code() == Some(0)
    });
}
