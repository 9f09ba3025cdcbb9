//! Runs jobs on servers that are reached by SSH and share a file system with the host.
//!
//! A server is told what to do by a short program in bash (`server.sh`, put together in `program`) over one connection that
//! stays open (`connection`); what it says is read in `answer`, and what `ssh` says when it does not, in `trouble`. A job
//! goes to the server that is filled least (`spread`), as far as is remembered of it (`health`). `fleet` brings these
//! together and is the only place that starts `ssh`. Above it there is one file for each step: `open`, `submit`, `poll`,
//! `cancel`, `find`. What users may say is in `options` and `server`; what a job is called, in `id`.
//!
//! An attempt is started once, however often it is submitted and to whichever servers: its process creates the file
//! `job.ssh.ATTEMPT` in the job's directory before anything else, and only who creates that goes on.

mod answer;
mod cancel;
mod connection;
mod find;
mod fleet;
mod health;
mod id;
mod open;
mod options;
mod poll;
mod program;
mod server;
mod spread;
mod submit;
mod trouble;

#[cfg(test)]
mod tests;

use std::time::Duration;

use xqute_plugin::Limits;
use xqute_plugin::prelude::*;

/// The plugin.
#[derive(Debug)]
pub struct Ssh;

#[export]
impl Plugin for Ssh {
    fn about(about: About) -> About {
        // One call may have to find out that several servers do not answer.
        let limits = Limits {
            memory_mib: None,
            call_ms: Some(300_000),
            instances: None,
        };
        let about = connection::rights(about).runs(["pwd -L"]);
        options::describe(about)
            .limits(limits)
            .jobs_per_submit(32)
            .polled_at_most_every(Duration::from_millis(250))
            .zero_is_final()
    }
}

#[export]
impl Scheduler for Ssh {
    fn open(options: &[(String, String)], _run: &RunInfo) -> Result<(), Error> {
        open::open(options)
    }

    fn submit(jobs: &[Job]) -> Vec<Result<String, Error>> {
        submit::submit(jobs)
    }

    fn poll(jobs: &[JobRef]) -> Result<Vec<Observation>, Error> {
        poll::poll(jobs)
    }

    fn cancel(jobs: &[JobRef]) -> Vec<Result<(), Error>> {
        cancel::cancel(jobs)
    }

    fn find(_run_tag: &str) -> Result<Vec<JobRef>, Error> {
        find::find()
    }
}
