//! Gives all jobs the same id, that of the first job.

use xqute_plugin::prelude::*;

xqute_hostile::schedules!(
    |jobs: &[Job]| jobs.iter().map(|_| Ok("0".to_owned())).collect(),
    |jobs: &[JobRef]| Ok(jobs
        .iter()
        .map(|_| Observation::Failed(FailureCause::ExitCode(7)))
        .collect())
);
