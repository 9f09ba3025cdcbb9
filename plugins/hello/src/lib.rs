//! The smallest plugin: it greets every job that succeeds. `xqute plugin new` makes one of your own.

use xqute_plugin::prelude::*;

/// Greets jobs. Its name, version and summary are those in `Cargo.toml`.
pub struct Hello;

#[export]
impl Plugin for Hello {}

#[export]
impl Observer for Hello {
    fn on_job_succeeded(job: &JobFact) {
        log::info!("hello from job {}", job.job);
    }
}

#[cfg(test)]
mod tests;
