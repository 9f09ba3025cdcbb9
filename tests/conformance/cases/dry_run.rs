//! What would be run is shown, and nothing of it runs.

use crate::bench::{Bench, TRACE, alike};

const JOBS: u32 = 3;

/// The scripts are there in full, and the commands that would hand them over; the backend hears of nothing.
pub(crate) fn nothing_is_started_in_a_dry_run(bench: &Bench) {
    let run = bench.run(&alike(TRACE, JOBS)).args(["--dry-run"]);
    let output = run.run().exits(0);
    let scripts = output.stdout.matches("xqute_finish() {").count();
    assert_eq!(u32::try_from(scripts), Ok(JOBS), "{}", output.stdout);
    if bench.backend.service.is_some() {
        let words = format!("# plugin {} would run\n", bench.backend.name);
        assert!(output.stdout.contains(&words), "{}", output.stdout);
    }
    assert!(!bench.scratch.has(".xqute"));
    bench.has_no_jobs();
    assert!((0..JOBS).all(|job| bench.ran(job).is_empty()));
}
