//! Jobs that run too long, by xqute's limit or the backend's, and jobs that use too much memory.

use serde_json::{Value, json};

use crate::{
    backend::{Capability, Happening},
    bench::{Bench, Job, TRACE},
};

/// The other job has time enough.
pub(crate) fn a_job_that_runs_too_long_is_ended(bench: &Bench) {
    let long = Job::new(format!("{TRACE}; sleep 600")).with("timeout", 1);
    let short = Job::new(TRACE).with("timeout", "1h");
    let run = bench.run(&[long, short]).args(["-j", "2"]).args(bench.backend.singly);
    run.run().exits(1).says("timed out");
    assert_eq!(bench.outcomes(), [json!({"failed": "timed-out"}), json!("succeeded")]);
    bench.has_no_jobs();
    bench.wait_until_gone(&bench.ids(".xqute", 0..2));
}

pub(crate) fn the_backends_time_limit_is_told(bench: &Bench) {
    let limit = bench.backend.has(|can| match can {
        Capability::TimeLimit(limit) => Some(limit),
        _ => None,
    });
    reaches(bench, limit, "sleep 600", &json!({"failed": "timed-out"}));
}

/// It is told from an ordinary failure, whatever exit code or signal goes with it.
pub(crate) fn too_much_memory_is_told(bench: &Bench) {
    let limit = bench.backend.has(|can| match can {
        Capability::MemoryLimit(limit) => Some(limit),
        _ => None,
    });
    // Half a gigabyte, taken little by little and kept.
    let eats = "x=$(printf '%01000000d' 0); for ((i = 0; i < 9; i++)); do x+=$x; done; sleep 600";
    reaches(bench, limit, eats, &json!({"failed": "out-of-memory"}));
}

fn reaches(bench: &Bench, limit: &Happening, command: &str, outcome: &Value) {
    let limited = Job::new(format!("{TRACE}; {command}")).opts(limit.options);
    let run = bench
        .run(&[limited, Job::new(TRACE)])
        .args(["-j", "2"])
        .args(bench.backend.singly)
        .start();
    bench.wait_until_started(0..2);
    let ids = bench.ids(".xqute", 0..2);
    (limit.happens)(bench, &ids[0]);
    run.wait().exits(1);
    assert_eq!(bench.outcomes(), [outcome.clone(), json!("succeeded")]);
    bench.has_no_jobs();
    bench.wait_until_gone(&ids);
}
