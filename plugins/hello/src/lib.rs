//! The smallest lifecycle plugin: says so when a job succeeds.

use xqute_plugin::prelude::*;

/// Says hello.
pub struct Hello;

#[export]
impl Plugin for Hello {}

#[export]
impl Observer for Hello {
    fn on_job_succeeded(job: &JobFact) {
        log::info!("hello from job {}", job.job);
    }
}
