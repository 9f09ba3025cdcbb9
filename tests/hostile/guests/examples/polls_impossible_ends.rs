//! Says that jobs ended in ways that do not exist.

use xqute_plugin::prelude::*;

xqute_hostile::schedules!(
    |jobs: &[Job]| jobs.iter().map(|job| Ok(job.index.to_string())).collect(),
    |jobs: &[JobRef]| Ok(jobs
        .iter()
        .map(|job| Observation::Failed(match job.index % 3 {
            0 => FailureCause::ExitCode(0),
            1 => FailureCause::Signal(-9),
            _ => FailureCause::Other("\u{1b}[2J\nerror: owned".to_owned()),
        }))
        .collect())
);
