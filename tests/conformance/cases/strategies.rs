//! What happens when a job fails: it is tried again, or everything stops.

use serde_json::{Value, json};

use crate::{
    bench::{Bench, Job, TRACE},
    medley::Medley,
};

const FAILS_TWICE: &str = "fails twice";
const GIVES_UP: &str = "fails always";

pub(crate) fn jobs() -> Vec<Job> {
    let tries = "echo try $XQUTE_JOB_ATTEMPT; echo oh >&2; (( XQUTE_JOB_ATTEMPT > 2 )) || exit 7";
    vec![
        Job::new(tries).key(FAILS_TWICE).with("num_retries", 5),
        Job::new("exit 8").key(GIVES_UP).with("num_retries", 1),
    ]
}

pub(crate) fn what_fails_is_tried_again(medley: &Medley) {
    let job = medley.job(FAILS_TWICE).succeeded();
    assert_eq!(job.stdout(), "try 3\n");
    assert_eq!(job.record["attempt"], 3);
    for attempt in [1, 2] {
        let file = |name: &str| job.text(&format!("job.retry/{attempt}/{name}"));
        let left = [file("job.rc"), file("job.stdout"), file("job.stderr")];
        assert_eq!(left, ["7\n", &format!("try {attempt}\n"), "oh\n"]);
        assert_ne!(file("job.jid"), job.text("job.jid"));
    }
    let job = medley.job(GIVES_UP).ended(8, &json!({"failed": {"exit-code": 8}}));
    assert_eq!(job.record["attempt"], 2);
    assert_eq!(job.text("job.retry/1/job.rc"), "8\n");
}

pub(crate) fn a_failure_halts_the_others(bench: &Bench) {
    let fails = format!("{TRACE}; until [[ -e ran.1 ]]; do sleep 0.1; done; exit 3");
    let endless = format!("{TRACE}; sleep 600");
    let jobs = [Job::new(fails), Job::new(&endless), Job::new(&endless)];
    // The third one waits for the place of one of the others, in vain.
    let run = bench
        .run(&jobs)
        .args(["-e", "halt", "-j", "2", "--submission-batch", "1"]);
    let output = run.args(bench.backend.singly).run().exits(1);
    output.says("1 failed").says("2 cancelled");
    let halted = || json!({"cancelled": "halted"});
    let outcomes: [Value; 3] = [json!({"failed": {"exit-code": 3}}), halted(), halted()];
    assert_eq!(bench.outcomes(), outcomes);
    assert!(bench.ran(2).is_empty());
    bench.has_no_jobs();
    bench.wait_until_gone(&bench.ids(".xqute", 0..2));
}
