//! Gives ids of a megabyte.

use xqute_plugin::prelude::*;

xqute_hostile::schedules!(
    |jobs: &[Job]| jobs.iter().map(|_| Ok("1".repeat(1 << 20))).collect(),
    |jobs: &[JobRef]| Ok(jobs
        .iter()
        .map(|_| Observation::Failed(FailureCause::ExitCode(7)))
        .collect())
);
