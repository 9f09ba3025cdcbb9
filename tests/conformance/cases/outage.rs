//! The backend goes away during a run, and comes back.

use crate::{
    backend::{Capability, Outage},
    bench::{Bench, TRACE, alike},
};

const JOBS: u32 = 6;

/// Some jobs end while it is away, others come in vain. None fails, none runs twice.
pub(crate) fn an_outage_is_waited_out(bench: &Bench) {
    let outage = bench.backend.has(|can| match can {
        Capability::Outage(outage) => Some(outage),
        _ => None,
    });
    let waits = format!("{TRACE}; until [[ -e go ]]; do sleep 0.1; done");
    let forks = (2 * JOBS).to_string();
    let run = bench.run(&alike(waits, JOBS)).args(["-j", &forks, "--listen"]).start();
    bench.wait_until_started(0..JOBS);
    bench.ids(".xqute", 0..JOBS);
    (outage.down)(bench);
    let comes_back = ComesBack(bench, outage);
    bench
        .scratch
        .write("more.txt", format!("{TRACE}\n").repeat(JOBS as usize));
    bench.tell("feed", ["--stop", "more.txt"]).run().exits(0);
    run.wait_for_word("is tried again until it works");
    bench.scratch.write("go", "");
    bench.has_no_jobs();
    drop(comes_back);
    run.wait().exits(0).says(&format!("{} succeeded", 2 * JOBS));
    for job in 0..2 * JOBS {
        assert_eq!(bench.ran(job), [1], "job {job}");
    }
}

/// Brings the backend up again, also when the test fails: others need it.
struct ComesBack<'a>(&'a Bench, &'a Outage);

impl Drop for ComesBack<'_> {
    fn drop(&mut self) {
        (self.1.up)(self.0);
    }
}
