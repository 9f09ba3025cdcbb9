//! The backend takes the machine from a job that runs.

use serde_json::json;

use crate::{
    backend::Capability,
    bench::{Bench, Job, TRACE},
};

/// Started again under the same id, it is no other attempt, and how it ended the first time does not count.
pub(crate) fn a_job_that_is_started_again_stays_the_same_attempt(bench: &Bench) {
    let requeue = bench.backend.has(|can| match can {
        Capability::Requeues(requeue) => Some(requeue),
        _ => None,
    });
    // It looks before it leaves its trace, after which the file is there.
    let command = format!("[[ -e again ]] && wait=0 || wait=600; {TRACE}; sleep $wait; echo done");
    let job = Job::new(command).opts(requeue.options);
    let run = bench.run(&[job]).args(["-e", "retry"]).start();
    bench.wait_until_started([0]);
    bench.scratch.write("again", "");
    (requeue.happens)(bench, &bench.ids(".xqute", [0])[0]);
    run.wait().exits(0).says("1 succeeded");
    assert_eq!(bench.ran(0), [1, 1]);
    assert_eq!(bench.job(0).ended(0).stdout(), "done\n");
    assert!(!bench.job(0).attempt(1).exists());
    bench.has_no_jobs();
}

/// It is told from a failure of its own, so that it can be tried again for that alone.
pub(crate) fn a_job_that_is_preempted_is_tried_again(bench: &Bench) {
    let preempt = bench.backend.has(|can| match can {
        Capability::Preempts(preempt) => Some(preempt),
        _ => None,
    });
    let job = Job::new(format!("{TRACE}; (( XQUTE_JOB_ATTEMPT > 1 )) || sleep 600; echo done")).opts(preempt.options);
    let run = bench
        .run(&[job])
        .args(["-e", "retry", "--retry-on", "preempted"])
        .args(bench.backend.singly)
        .start();
    bench.wait_until_started([0]);
    (preempt.happens)(bench, &bench.ids(".xqute", [0])[0]);
    run.wait().exits(0).says("1 succeeded");
    assert_eq!(bench.ran(0), [1, 2]);
    assert_eq!(bench.outcomes(), [json!("succeeded")]);
    bench.has_no_jobs();
}
