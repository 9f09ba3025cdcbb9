//! Every way in which a job can fail is reported with its cause.

use serde_json::json;
use xqute_tests::Scratch;

use crate::{among_others, sge};

#[test]
fn failures_have_their_causes() {
    let _turn = among_others();
    let scratch = Scratch::new();
    let rows = [
        (json!({"cmd": "exit 99"}), "exit code 99"),
        (json!({"cmd": "exit 100"}), "exit code 100"),
        (json!({"cmd": "kill -9 $$"}), "killed by signal 9"),
        (json!({"cmd": "sleep 300", "opts": {"l": "h_rt=2"}}), "timed out"),
        (json!({"cmd": "sleep 300", "opts": {"l": "s_rt=2"}}), "timed out"),
        (json!({"cmd": "sleep 300", "opts": {"l": "short=1"}}), "timed out"),
        (
            json!({"cmd": "while :; do :; done", "opts": {"l": "h_cpu=2"}}),
            "timed out",
        ),
        (json!({"cmd": "true", "cwd": "/no/such/folder"}), "never started"),
        (json!({"cmd": "true", "opts": {"q": "nowhere"}}), "unknown queue"),
        (
            json!({"cmd": "true", "opts": {"pe": "smp 100000"}}),
            "could ever run it",
        ),
        (json!({"cmd": "sleep 300", "timeout": 2}), "timed out"),
        (
            json!({"cmd": "qdel $JOB_ID; sleep 300", "opts": {"export-all": "true"}}),
            "cancelled",
        ),
    ];
    let lines: String = rows.iter().map(|(job, _)| format!("{job}\n")).collect();
    scratch.write("jobs.jsonl", lines);
    let args = ["-j", "20", "--events", "events.jsonl", "jobs.jsonl"];
    let Some(run) = sge("failures_have_their_causes", &scratch, args) else {
        return;
    };
    let output = run.run().exits(1);
    for (index, (job, cause)) in rows.iter().enumerate() {
        let told = end_of(index, &output.stderr);
        let told = told.unwrap_or_else(|| panic!("nothing is said of {job}\n{}", output.stderr));
        assert!(told.contains(cause), "{job}: {told}");
    }
}

/// No process of the job is over the limit, only all of them together, which is for sge_execd to see. On a busy machine it
/// has been seen to let such a job go on to its end: so there are some of them.
#[test]
fn memory_of_all_processes_together_is_a_cause() {
    let _turn = among_others();
    let scratch = Scratch::new();
    let eats = "for i in 1 2 3 4; do python3 -c 'x = bytearray(100 << 20); import time; time.sleep(20)' & done; wait";
    let job = json!({"cmd": eats, "opts": {"l": "h_vmem=250M"}});
    let jobs = 5;
    scratch.write("jobs.jsonl", format!("{job}\n").repeat(jobs));
    let name = "memory_of_all_processes_together_is_a_cause";
    let Some(run) = sge(name, &scratch, ["-j", "2", "jobs.jsonl"]) else {
        return;
    };
    let output = run.run().exits(1);
    let told: Vec<&str> = (0..jobs).filter_map(|index| end_of(index, &output.stderr)).collect();
    assert!(!told.is_empty(), "no limit was kept\n{}", output.stderr);
    assert!(told.iter().all(|line| line.contains("out of memory")), "{told:?}");
}

/// What is said of a job that did not succeed.
fn end_of(index: usize, stderr: &str) -> Option<&str> {
    let job = format!("job={index}");
    stderr.lines().find(|line| {
        let ended = line.contains("failed: ") || line.contains("cancelled: ");
        ended && line.split(' ').any(|word| word == job)
    })
}
