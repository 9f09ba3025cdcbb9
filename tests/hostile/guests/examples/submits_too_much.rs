//! Accepts more jobs than it was given.

use xqute_plugin::prelude::*;

xqute_hostile::schedules!(
    |jobs: &[Job]| (0..jobs.len() * 2).map(|id| Ok(id.to_string())).collect(),
    |jobs: &[JobRef]| Ok(jobs
        .iter()
        .map(|_| Observation::Failed(FailureCause::ExitCode(7)))
        .collect())
);
