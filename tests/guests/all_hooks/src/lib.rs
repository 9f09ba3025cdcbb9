//! Subscribes to all 15 hooks and counts the calls; the counts are one line in the log at the end of the run. It is what
//! the price of hooks is measured with, so it does as little as a plugin can that still tells what it saw.

use std::sync::{
    OnceLock,
    atomic::{AtomicU32, Ordering},
};

use xqute_plugin::{Hook, prelude::*};

/// Counts the calls of every hook.
pub struct AllHooks;

#[export]
impl Plugin for AllHooks {
    fn about(about: About) -> About {
        about.option_or("log", "no", "`yes` writes every call to the log")
    }
}

/// The calls that this instance saw. Memory of an instance is lost with it; here that would show as a wrong count.
static SEEN: [AtomicU32; 15] = [const { AtomicU32::new(0) }; 15];

fn count(hook: Hook) -> u32 {
    static LOGS: OnceLock<bool> = OnceLock::new();
    if *LOGS.get_or_init(|| run::options().value("log") == Some("yes")) {
        log::info!("{}", hook.name());
    }
    SEEN.get(hook as usize)
        .map_or(0, |calls| calls.fetch_add(1, Ordering::Relaxed) + 1)
}

/// Counts where the observer's instance does not see it.
fn count_and_tell(hook: Hook) {
    let calls = count(hook);
    if let Err(error) = kv::set(hook.name(), calls.to_string()) {
        log::error!("cannot count: {}", error.message());
    }
}

#[export]
impl Observer for AllHooks {
    fn on_init() {
        count(Hook::Init);
    }
    fn on_job_init(_job: &JobFact) {
        count(Hook::JobInit);
    }
    fn on_job_queued(_job: &JobFact) {
        count(Hook::JobQueued);
    }
    fn on_job_submitted(_job: &JobFact) {
        count(Hook::JobSubmitted);
    }
    fn on_job_started(_job: &JobFact) {
        count(Hook::JobStarted);
    }
    fn on_job_polling(_job: &JobFact) {
        count(Hook::JobPolling);
    }
    fn on_job_killed(_job: &JobFact) {
        count(Hook::JobKilled);
    }
    fn on_job_failed(_job: &JobFact, _cause: &FailureCause) {
        count(Hook::JobFailed);
    }
    fn on_job_succeeded(_job: &JobFact) {
        count(Hook::JobSucceeded);
    }

    fn on_shutdown(_signal: Option<&str>) {
        count(Hook::Shutdown);
        let calls = <Self as Observer>::HOOKS.iter().map(|hook| {
            let calls = SEEN
                .get(*hook as usize)
                .map_or(0, |calls| calls.load(Ordering::Relaxed));
            format!("{}={calls}", hook.name())
        });
        let told = kv::keys("")
            .into_iter()
            .map(|hook| format!("{hook}={}", kv::number(&hook)));
        log::info!("{}", calls.chain(told).collect::<Vec<_>>().join(" "));
    }
}

#[export]
impl Gatekeeper for AllHooks {
    fn on_job_submitting(_job: &Job) -> Verdict {
        count_and_tell(Hook::JobSubmitting);
        Verdict::Proceed
    }
    fn on_job_killing(_job: &Job) -> Verdict {
        count_and_tell(Hook::JobKilling);
        Verdict::Proceed
    }
    fn on_shutdown(_signal: &str) -> Verdict {
        log::info!("asked about the shutdown");
        Verdict::Proceed
    }
}

#[export]
impl Snippets for AllHooks {
    fn on_jobcmd_init(_job: &Job) -> Option<String> {
        count_and_tell(Hook::JobcmdInit);
        Some(": all hooks: init".to_owned())
    }
    fn on_jobcmd_prep(_job: &Job) -> Option<String> {
        count_and_tell(Hook::JobcmdPrep);
        Some(": all hooks: prep".to_owned())
    }
    fn on_jobcmd_end(_job: &Job) -> Option<String> {
        count_and_tell(Hook::JobcmdEnd);
        Some(": all hooks: end".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use xqute_plugin::{JobEvent, observe, provide, testing};

    use super::*;

    #[test]
    fn asks_for_every_hook_and_counts() {
        assert_eq!(xqute_plugin::describe::<AllHooks>().hooks.len(), 15);
        let host = testing::Host::new();
        observe::<AllHooks>(&xqute_plugin::Fact::Job(testing::fact(0, JobEvent::Killed)));
        provide::<AllHooks>(&testing::job(0, "true"));
        <AllHooks as Observer>::on_shutdown(None);
        assert!(host.log_text().contains(" on_job_killed=1 "), "{}", host.log_text());
        assert!(host.log_text().contains(" on_jobcmd_end=1 "), "{}", host.log_text());
    }
}
