//! xqute is killed in the middle of a run, and the next one goes on with it: nothing is lost, nothing runs twice.

use std::ops::Range;

use xqute_tests::{Running, wait_until};

use crate::{
    backend::Pace,
    bench::{Bench, Job, TRACE, alike, crash},
};

/// Some jobs are over by then, some end while nobody watches, some run on, some have not been submitted.
pub(crate) fn what_runs_is_adopted_after_a_crash(bench: &Bench) {
    const UNWATCHED: Range<u32> = 3..6;
    const ADOPTED: Range<u32> = 6..9;
    let waits = |file: &str| format!("{TRACE}; until [[ -e {file} ]]; do sleep 0.2; done; touch over.$XQUTE_JOB_INDEX");
    let jobs = [
        alike(TRACE, 3),
        alike(waits("go.unwatched"), 3),
        alike(waits("go"), 3),
        alike(TRACE, 3),
    ]
    .concat();
    let start = |how: &str| -> Running {
        let run = bench.run(&jobs).args(["-j", "6", "--submission-batch", "3"]);
        run.args([how]).start()
    };
    let run = start("--overwrite");
    bench.wait_until_started(UNWATCHED.start..ADOPTED.end);
    // Until then an id may be known to nobody but the backend. That is another test.
    let ids = bench.ids(".xqute", UNWATCHED.start..ADOPTED.end);
    crash(run);
    bench.scratch.write("go.unwatched", "");
    UNWATCHED.for_each(|job| bench.scratch.wait_for_file(format!("over.{job}")));
    bench.wait_until_gone(&ids[..UNWATCHED.len()]);
    let run = start("--resume");
    run.wait_for_word("resuming: ");
    bench.scratch.write("go", "");
    run.wait().exits(0).says("12 succeeded");
    each_once(bench, 12);
    bench.has_no_jobs();
}

/// Killed again and again before everything is handed over.
pub(crate) fn a_crash_while_jobs_are_submitted_loses_none(bench: &Bench) {
    let (count, moments): (u32, &[usize]) = match bench.backend.pace {
        Pace::Quick => (30, &[1, 8, 16]),
        Pace::Slow => (12, &[1, 4]),
    };
    let jobs: Vec<Job> = alike(TRACE, count);
    let have_run = || (0..count).filter(|job| !bench.ran(*job).is_empty()).count();
    for moment in moments {
        let mut run = bench
            .run(&jobs)
            .args(["-j", "6", "--submission-batch", "2", "--resume"])
            .start();
        wait_until("some have run", || have_run() >= *moment || run.has_ended());
        crash(run);
    }
    let run = bench.run(&jobs).args(["-j", "6", "--resume"]).run();
    println!("--- stderr of the last one\n{}---", run.stderr);
    run.exits(0).says(&format!("{count} succeeded"));
    each_once(bench, count);
    bench.has_no_jobs();
}

#[track_caller]
fn each_once(bench: &Bench, jobs: u32) {
    let ran: Vec<_> = (0..jobs).map(|job| bench.ran(job)).collect();
    // An attempt that was handed over to nobody may have been given up; then the next one ran.
    assert!(ran.iter().all(|attempts| attempts.len() == 1), "{ran:?}");
}
