//! Accepts a million jobs.

use xqute_plugin::prelude::*;

xqute_hostile::schedules!(
    |_: &[Job]| (0..1_000_000).map(|_| Ok(String::new())).collect(),
    |jobs: &[JobRef]| Ok(jobs
        .iter()
        .map(|_| Observation::Failed(FailureCause::ExitCode(7)))
        .collect())
);
