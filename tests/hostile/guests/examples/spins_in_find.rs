//! Never comes back when it is asked for the jobs of an earlier run, which run for ever.

use xqute_plugin::prelude::*;

struct Hostile;

#[export]
impl Plugin for Hostile {}

#[export]
impl Scheduler for Hostile {
    fn submit(jobs: &[Job]) -> Vec<Result<String, Error>> {
        jobs.iter().map(|job| Ok(job.index.to_string())).collect()
    }
    fn poll(jobs: &[JobRef]) -> Result<Vec<Observation>, Error> {
        Ok(jobs.iter().map(|_| Observation::Running).collect())
    }
    fn cancel(jobs: &[JobRef]) -> Vec<Result<(), Error>> {
        jobs.iter().map(|_| Ok(())).collect()
    }
    fn find(_: &str) -> Result<Vec<JobRef>, Error> {
        loop {
            std::hint::spin_loop();
        }
    }
}
