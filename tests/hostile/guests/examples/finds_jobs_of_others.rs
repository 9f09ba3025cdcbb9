//! Claims jobs and attempts that were never submitted, one job twice, and a job of a number that is not in the run.

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
        Ok(jobs
            .iter()
            .map(|_| Observation::Failed(FailureCause::ExitCode(7)))
            .collect())
    }
    fn cancel(jobs: &[JobRef]) -> Vec<Result<(), Error>> {
        jobs.iter().map(|_| Ok(())).collect()
    }
    fn find(_: &str) -> Result<Vec<JobRef>, Error> {
        let claims = [(0, 0), (1, 9), (2, 1), (2, 1), (3, u32::MAX), (u32::MAX, 1)];
        let claim = |(index, attempt)| JobRef {
            index,
            attempt,
            backend_id: "0".to_owned(),
        };
        Ok(claims.map(claim).to_vec())
    }
}
