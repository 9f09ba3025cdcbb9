//! Puts commands where directives belong, into each job's script.

use xqute_plugin::prelude::*;

struct Hostile;

#[export]
impl Plugin for Hostile {}

#[export]
impl Scheduler for Hostile {
    fn wrap(jobs: &[Job]) -> Vec<Result<Wrapping, Error>> {
        jobs.iter()
            .map(|_| Ok(Wrapping::with(["#fine\ntouch wrapped"])))
            .collect()
    }
    fn submit(jobs: &[Job]) -> Vec<Result<String, Error>> {
        jobs.iter().map(|job| Ok(job.index.to_string())).collect()
    }
    fn poll(jobs: &[JobRef]) -> Result<Vec<Observation>, Error> {
        Ok(jobs.iter().map(|_| Observation::Succeeded).collect())
    }
    fn cancel(jobs: &[JobRef]) -> Vec<Result<(), Error>> {
        jobs.iter().map(|_| Ok(())).collect()
    }
}
