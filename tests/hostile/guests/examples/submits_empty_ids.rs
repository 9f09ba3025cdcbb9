//! Gives ids without anything in them.

use xqute_plugin::prelude::*;

xqute_hostile::schedules!(
    |jobs: &[Job]| jobs.iter().map(|_| Ok(String::new())).collect(),
    |jobs: &[JobRef]| Ok(jobs
        .iter()
        .map(|_| Observation::Failed(FailureCause::ExitCode(7)))
        .collect())
);
