//! Knows of more jobs than it was asked about, in its first answers.

use xqute_hostile::is_early;
use xqute_plugin::prelude::*;

xqute_hostile::schedules!(
    |jobs: &[Job]| jobs.iter().map(|job| Ok(job.index.to_string())).collect(),
    |jobs: &[JobRef]| {
        let more = if is_early() { 7 } else { 0 };
        Ok((0..jobs.len() + more)
            .map(|_| Observation::Failed(FailureCause::ExitCode(7)))
            .collect())
    }
);
