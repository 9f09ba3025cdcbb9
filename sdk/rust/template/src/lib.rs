//! A plugin for xqute. It does two small things, to be replaced by yours: it keeps jobs with a forbidden word in their command
//! from starting, and it tells which commands failed.

use xqute_plugin::prelude::*;

/// The plugin; its name, version and summary are those in `Cargo.toml`.
pub struct MyPlugin;

#[export]
impl Plugin for MyPlugin {
    // Say here what the plugin understands, and what it needs to be allowed: `about.runs(["squeue"])`, for example.
    fn about(about: About) -> About {
        about.list_option("forbid", "a word that no command may have in it")
    }
}

// Asked before something happens. What is not written here is never asked, and costs nothing.
#[export]
impl Gatekeeper for MyPlugin {
    fn on_job_submitting(job: &Job) -> Verdict {
        let command = job.command_line();
        match run::options().values("forbid").find(|word| command.contains(*word)) {
            Some(word) => Verdict::veto(format!("commands with `{word}` in them are forbidden")),
            None => Verdict::Proceed,
        }
    }
}

// Told what happened, a moment later. There is a function for every step of a job.
#[export]
impl Observer for MyPlugin {
    fn on_job_failed(job: &JobFact, cause: &FailureCause) {
        let command = run::job(job.job).map(|job| job.command_line()).unwrap_or_default();
        // Memory may be gone by the next call; what has to last is kept in `kv`.
        let failures = kv::add("failures", 1).unwrap_or_default();
        log::warn!("failure {failures}: job {}, `{command}`: {cause}", job.job);
    }
}

#[cfg(test)]
mod tests;
