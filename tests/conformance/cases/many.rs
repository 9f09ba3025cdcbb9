//! Many jobs.

use crate::bench::{Bench, TRACE, alike};

pub(crate) fn each_of_many_jobs_runs_once(bench: &Bench) {
    let many = bench.backend.many;
    let run = bench.run(&alike(format!("{TRACE}; true"), many));
    run.args(["-j", &bench.backend.forks.to_string()])
        .start()
        .wait_while_it_talks()
        .exits(0)
        .says(&format!("{many} succeeded"));
    for job in 0..many {
        assert_eq!(bench.ran(job), [1], "job {job}");
    }
    let mut ids = bench.ids(".xqute", 0..many);
    bench.wait_until_gone(&ids);
    ids.sort();
    ids.dedup();
    assert_eq!(u32::try_from(ids.len()), Ok(many), "each has an id of its own");
}
