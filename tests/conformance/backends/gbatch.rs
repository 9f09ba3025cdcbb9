//! Google Batch, by its own client and a server of ours that runs tasks on this machine.

use std::{ffi::OsString, path::Path};

use xqute_tests::Scratch;

use crate::{
    backend::{Access, Backend, Happening, Outage, Pace},
    bench::Bench,
    service::{self, Service},
};

const SCRIPT: &str = "batch.sh";
const LOCATION: &str = "--location=us-central1";

suite! {
    Backend {
        name: "gbatch",
        service: Some(Service {
            variables: &[
                "CLOUDSDK_API_ENDPOINT_OVERRIDES_BATCH",
                "CLOUDSDK_AUTH_DISABLE_CREDENTIALS",
                "CLOUDSDK_CORE_PROJECT",
                "CLOUDSDK_CONFIG",
                "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING",
                "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK",
            ],
            script: SCRIPT,
        }),
        store: None,
        access: Access::Shared,
        flags,
        singly: &["--opt", "tasks-per-job=1"],
        forks: 100,
        many: 200,
        pace: Pace::Slow,
        live,
        remove,
        can: &[],
    };
    TellsSignals,
    Refuses(&[("labels", "Not=Allowed")]),
    TimeLimit(Happening { options: &[("max-run-duration", "2s")], happens: |_, _| {} }),
    Preempts(Happening { options: &[], happens: preempt }),
    Outage(Outage {
        down: |_| script(&["down"]),
        up: |_| script(&["up"]),
    }),
}

fn flags(_scratch: &Scratch) -> Vec<OsString> {
    ["--opt", "location=us-central1", "--opt", "shared-workdir=true"]
        .map(OsString::from)
        .into()
}

/// Ids are `JOB/TASK`.
fn task(id: &str) -> (&str, &str) {
    id.split_once('/').unwrap()
}

fn live(bench: &Bench, ids: &[String]) -> Vec<String> {
    let mut jobs: Vec<_> = ids.iter().map(|id| task(id).0).collect();
    jobs.dedup();
    let listed: Vec<_> = jobs.into_iter().flat_map(|job| live_tasks(bench, job)).collect();
    ids.iter().filter(|id| listed.contains(id)).cloned().collect()
}

/// A job that is deleted has no tasks any more.
fn live_tasks(bench: &Bench, job: &str) -> Vec<String> {
    let job_flag = format!("--job={job}");
    let args = ["batch", "tasks", "list", LOCATION, &job_flag, "--quiet"];
    let gcloud = bench.tool(
        "gcloud",
        args.into_iter().chain(["--format=value(name.basename(),status.state)"]),
    );
    let over = ["SUCCEEDED", "FAILED"];
    let tasks = gcloud.stdout.lines().filter_map(|line| line.split_once('\t'));
    tasks
        .filter(|(_, state)| !over.contains(state))
        .map(|(task, _)| format!("{job}/{task}"))
        .collect()
}

fn remove(bench: &Bench, id: &str) {
    bench
        .tool("gcloud", ["batch", "jobs", "delete", task(id).0, LOCATION, "--quiet"])
        .exits(0);
}

/// 50001 is what Batch says of a task whose machine was taken away.
fn preempt(_bench: &Bench, id: &str) {
    let (job, task) = task(id);
    script(&["ask", "end", job, task, "50001"]);
}

fn script(args: &[&str]) {
    let settings = service::variable("CLOUDSDK_CONFIG");
    let folder = Path::new(&settings).parent().unwrap().to_str().unwrap().to_owned();
    let address = service::variable("CLOUDSDK_API_ENDPOINT_OVERRIDES_BATCH");
    let (_, port) = address.trim_end_matches('/').rsplit_once(':').unwrap();
    service::script(
        SCRIPT,
        args,
        &[("BATCH_DIR", &folder), ("BATCH_PORT", port), ("SMOKE", "0")],
    );
}
