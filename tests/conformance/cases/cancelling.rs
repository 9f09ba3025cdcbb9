//! Jobs that nobody wants any more.

use rustix::process::Signal;
use serde_json::json;
use xqute_tests::wait_until;

use crate::bench::{Bench, Job, TRACE, alike};

/// Of those that run and those that wait, once and twice.
pub(crate) fn one_of_many_jobs_is_cancelled(bench: &Bench) {
    let endless = || Job::new(format!("{TRACE}; sleep 600"));
    let waits = || Job::new(format!("{TRACE}; until [[ -e go ]]; do sleep 0.1; done"));
    let jobs = [waits(), endless(), waits(), endless()];
    let run = bench
        .run(&jobs)
        .args(["-j", "3", "--submission-batch", "1"])
        .args(bench.backend.singly)
        .start();
    bench.wait_until_started(0..3);
    let ids = bench.ids(".xqute", 0..3);
    bench.tell("kill", ["1", "3"]).run().exits(0);
    // What is on its way, or over, is told to end once more.
    bench.tell("kill", ["1"]).run();
    wait_until("both are cancelled", || {
        bench.outcomes()[1..]
            .iter()
            .step_by(2)
            .all(|outcome| outcome["cancelled"] == "requested")
    });
    bench.tell("kill", ["1"]).run().exits(1);
    bench.wait_until_gone(&ids[1..2]);
    bench.scratch.write("go", "");
    run.wait().exits(1).says("2 succeeded").says("2 cancelled");
    let (succeeded, cancelled) = (json!("succeeded"), json!({"cancelled": "requested"}));
    assert_eq!(
        bench.outcomes(),
        [&succeeded, &cancelled, &succeeded, &cancelled].map(Clone::clone)
    );
    assert!(bench.ran(3).is_empty());
    assert_eq!(bench.job(1).text("job.status"), "7\n");
    bench.has_no_jobs();
}

/// Two runs live at once; one is interrupted, and nothing of it runs on. The other one does not notice.
pub(crate) fn an_interrupt_ends_one_run_and_not_another(bench: &Bench) {
    const JOBS: u32 = 4;
    let jobs = |name: &str, command: &str| alike(format!("touch {name}.$XQUTE_JOB_INDEX; {command}"), JOBS);
    let started = |name: &str| (0..JOBS).for_each(|job| bench.scratch.wait_for_file(format!("{name}.{job}")));
    let forks = ["-j", &JOBS.to_string()];
    let ends = bench.run_in("ends", &[jobs("ends", "sleep 600"), alike("touch never", 2)].concat());
    let ends = ends.args(forks).args(bench.backend.singly).start();
    let goes_on = bench.run_in(
        "goes_on",
        &jobs("goes_on", "until [[ -e go ]]; do sleep 0.1; done; echo done"),
    );
    let goes_on = goes_on.args(forks).args(bench.backend.singly).start();
    started("ends");
    started("goes_on");
    let [ids, others] = ["ends", "goes_on"].map(|workdir| bench.ids(workdir, 0..JOBS));
    assert!(ids.iter().all(|id| !others.contains(id)), "{ids:?} {others:?}");

    ends.signal(Signal::INT);
    ends.wait().exits(130).says(&format!("{} cancelled", JOBS + 2));
    bench.wait_until_gone(&ids);
    assert!(!bench.scratch.has("never"));
    let records = bench.records("ends");
    assert!(
        records
            .iter()
            .all(|record| record["outcome"]["cancelled"]["signalled"] == 2),
        "{records:?}"
    );

    bench.scratch.write("go", "");
    goes_on.wait().exits(0).says(&format!("{JOBS} succeeded"));
    for job in 0..JOBS {
        assert_eq!(bench.job_in("goes_on", job).stdout(), "done\n");
    }
    bench.has_no_jobs();
}
