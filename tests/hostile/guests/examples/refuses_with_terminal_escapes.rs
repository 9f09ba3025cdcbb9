//! Refuses each job with words that would clear the terminal.

use xqute_plugin::prelude::*;

xqute_hostile::schedules!(
    |jobs: &[Job]| jobs
        .iter()
        .map(|_| Err(Error::Rejected("\u{1b}[2J\r\nerror: owned".to_owned())))
        .collect(),
    |jobs: &[JobRef]| Ok(jobs
        .iter()
        .map(|_| Observation::Failed(FailureCause::ExitCode(7)))
        .collect())
);
