//! Does wrong what a plugin can do wrong, so that tests see what the host makes of it. The option `in` names the call,
//! `how` the way. It is a lifecycle plugin and a scheduler at once; as a scheduler it calls every job a success.

use std::sync::OnceLock;

use xqute_plugin::prelude::*;

/// Misbehaves.
pub struct Misbehaves;

#[export]
impl Plugin for Misbehaves {
    fn about(about: About) -> About {
        about
            .option(
                "in",
                "the hook or the scheduler's function to misbehave in, like on_job_succeeded or poll",
            )
            .option_or(
                "how",
                "trap",
                "trap, panic, spin, hoard (memory), flood (the log), short (answer too little), or veto",
            )
    }
}

/// Where and how; the scheduler's options come with `open`, all others from the run.
static WANTED: OnceLock<(String, String)> = OnceLock::new();

fn read(options: &[(String, String)]) -> (String, String) {
    let text = |name, default: &str| options.value(name).unwrap_or(default).to_owned();
    (text("in", ""), text("how", "trap"))
}

/// Misbehaves if this is the place. Tells whether the answer is to be another one than usual.
fn enter(place: &str) -> bool {
    let (wanted, how) = WANTED.get_or_init(|| read(&run::options()));
    if place != wanted {
        return false;
    }
    match how.as_str() {
        "short" | "veto" => true,
        #[expect(clippy::panic, reason = "this is what the guest is for")]
        "panic" => panic!("told to panic in {place}"),
        "spin" => loop {
            std::hint::spin_loop();
        },
        "flood" => loop {
            log::info!("{}", "la".repeat(4000));
        },
        "hoard" => {
            let mut hoard = Vec::new();
            loop {
                hoard.push(vec![1_u8; 1 << 20]);
            }
        }
        _ => std::process::abort(),
    }
}

#[export]
impl Observer for Misbehaves {
    fn on_init() {
        enter("on_init");
    }
    fn on_shutdown(_signal: Option<&str>) {
        enter("on_shutdown");
    }
    fn on_job_init(_job: &JobFact) {
        enter("on_job_init");
    }
    fn on_job_queued(_job: &JobFact) {
        enter("on_job_queued");
    }
    fn on_job_submitted(_job: &JobFact) {
        enter("on_job_submitted");
    }
    fn on_job_started(_job: &JobFact) {
        enter("on_job_started");
    }
    fn on_job_polling(_job: &JobFact) {
        enter("on_job_polling");
    }
    fn on_job_killed(_job: &JobFact) {
        enter("on_job_killed");
    }
    fn on_job_failed(_job: &JobFact, _cause: &FailureCause) {
        enter("on_job_failed");
    }
    fn on_job_succeeded(_job: &JobFact) {
        enter("on_job_succeeded");
    }
}

#[export]
impl Gatekeeper for Misbehaves {
    fn on_shutdown(_signal: &str) -> Verdict {
        verdict("on_shutdown")
    }
    fn on_job_submitting(_job: &Job) -> Verdict {
        verdict("on_job_submitting")
    }
    fn on_job_killing(_job: &Job) -> Verdict {
        verdict("on_job_killing")
    }
}

fn verdict(place: &str) -> Verdict {
    match enter(place) {
        true => Verdict::Veto("never".to_owned()),
        false => Verdict::Proceed,
    }
}

#[export]
impl Snippets for Misbehaves {
    fn on_jobcmd_init(_job: &Job) -> Option<String> {
        enter("on_jobcmd_init");
        None
    }
    fn on_jobcmd_prep(_job: &Job) -> Option<String> {
        enter("on_jobcmd_prep");
        None
    }
    fn on_jobcmd_end(_job: &Job) -> Option<String> {
        enter("on_jobcmd_end");
        None
    }
}

#[export]
impl Scheduler for Misbehaves {
    fn open(options: &[(String, String)], _run: &RunInfo) -> Result<(), Error> {
        WANTED.get_or_init(|| read(options));
        enter("open");
        Ok(())
    }
    fn wrap(jobs: &[Job]) -> Vec<Result<Wrapping, Error>> {
        answers("wrap", jobs, |_| Ok(Wrapping::default()))
    }
    fn submit(jobs: &[Job]) -> Vec<Result<String, Error>> {
        answers("submit", jobs, |job| Ok(job.index.to_string()))
    }
    fn poll(jobs: &[JobRef]) -> Result<Vec<Observation>, Error> {
        Ok(answers("poll", jobs, |_| Observation::Succeeded))
    }
    fn cancel(jobs: &[JobRef]) -> Vec<Result<(), Error>> {
        answers("cancel", jobs, |_| Ok(()))
    }
    fn find(_run_tag: &str) -> Result<Vec<JobRef>, Error> {
        enter("find");
        Ok(Vec::new())
    }
}

fn answers<J, A>(place: &str, jobs: &[J], answer: impl FnMut(&J) -> A) -> Vec<A> {
    let short = enter(place);
    jobs.iter().skip(usize::from(short)).map(answer).collect()
}

#[cfg(test)]
mod tests {
    use xqute_plugin::testing::{Host, job};

    use super::*;

    #[test]
    fn answers_too_little_where_it_is_told_to() {
        let host = Host::new();
        host.option("in", "submit");
        host.option("how", "short");
        let jobs = [job(0, "a"), job(1, "b")];
        assert_eq!(Misbehaves::submit(&jobs).len(), 1);
        assert_eq!(Misbehaves::wrap(&jobs).len(), 2);
    }
}
