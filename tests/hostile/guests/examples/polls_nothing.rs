//! Does not answer when it is asked about jobs, at first.

use xqute_hostile::is_early;
use xqute_plugin::prelude::*;

xqute_hostile::schedules!(
    |jobs: &[Job]| jobs.iter().map(|job| Ok(job.index.to_string())).collect(),
    |jobs: &[JobRef]| {
        let known = if is_early() { 0 } else { jobs.len() };
        Ok((0..known)
            .map(|_| Observation::Failed(FailureCause::ExitCode(7)))
            .collect())
    }
);
