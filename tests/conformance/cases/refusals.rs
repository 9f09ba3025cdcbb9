//! Jobs that the backend does not take.

use crate::{
    backend::{Backend, Capability},
    bench::Job,
    medley::Medley,
};

const REFUSED: &str = "refused";

pub(crate) fn jobs(backend: &Backend) -> Vec<Job> {
    let refused = |options| Job::new("true").key(REFUSED).with("num_retries", 1).opts(options);
    let options = backend.find(|can| match can {
        Capability::Refuses(options) => Some(*options),
        _ => None,
    });
    options.map(refused).into_iter().collect()
}

/// With the backend's words, and after another try; the rest of the run is no worse for it.
pub(crate) fn a_job_that_is_refused_fails_alone(medley: &Medley) {
    let job = medley.job(REFUSED);
    let why = job.record["outcome"]["failed"]["submission-failed"].as_str();
    assert!(why.is_some_and(|why| !why.is_empty()), "{}", job.record);
    assert_eq!(job.record["attempt"], 2);
    assert_eq!(job.text("job.rc"), "-2\n");
    assert_eq!(job.text("job.retry/1/job.rc"), "-2\n");
}
