//! The three families of hooks: told of facts, asked before something happens, giving bash to job scripts. One trait for
//! each, with one function for each hook; a function that is not written is a hook that is not subscribed to.

use crate::{
    Fact, FailureCause, Hook, Job, JobEvent, JobFact, Question, Script, Verdict,
    bindings::{
        gatekeeper::exports::xqute::plugin::gatekeeper, observer::exports::xqute::plugin::observer,
        snippets::exports::xqute::plugin::snippets,
    },
};

/// Is told what happened. Exports `xqute:plugin/observer`.
///
/// Facts arrive in order, some time after they happened: a slow observer slows no job. Put `#[export]` above the impl.
pub trait Observer {
    /// Written by `#[export]`.
    #[doc(hidden)]
    const HOOKS: &'static [Hook];

    /// The run starts. Comes first.
    fn on_init() {}

    /// The run is over. Comes last, with the name of the signal that stopped the run, if one did.
    fn on_shutdown(_signal: Option<&str>) {}

    /// A job was accepted.
    fn on_job_init(_job: &JobFact) {}

    /// An attempt waits for its turn.
    fn on_job_queued(_job: &JobFact) {}

    /// The scheduler took the attempt.
    fn on_job_submitted(_job: &JobFact) {}

    /// The attempt runs. Always comes before its end.
    fn on_job_started(_job: &JobFact) {}

    /// The state of a running attempt was asked for once more.
    fn on_job_polling(_job: &JobFact) {}

    /// The job was cancelled: killed, or never allowed to start.
    fn on_job_killed(_job: &JobFact) {}

    /// An attempt failed. `job.will_retry` tells whether another one follows.
    fn on_job_failed(_job: &JobFact, _cause: &FailureCause) {}

    /// The job succeeded.
    fn on_job_succeeded(_job: &JobFact) {}
}

/// Is asked before something happens. Exports `xqute:plugin/gatekeeper`.
///
/// The answer to everything that is not written is [`Verdict::Proceed`]. Put `#[export]` above the impl.
pub trait Gatekeeper {
    /// Written by `#[export]`.
    #[doc(hidden)]
    const HOOKS: &'static [Hook];

    /// This signal asks the run to stop; a veto lets it go on. A second signal is not asked about.
    fn on_shutdown(_signal: &str) -> Verdict {
        Verdict::Proceed
    }

    /// An attempt is about to be submitted; a veto cancels the job.
    fn on_job_submitting(_job: &Job) -> Verdict {
        Verdict::Proceed
    }

    /// An attempt is about to be killed; a veto lets it run on.
    fn on_job_killing(_job: &Job) -> Verdict {
        Verdict::Proceed
    }
}

/// Adds bash to job scripts. Exports `xqute:plugin/snippets`, and asks for the right `script`.
///
/// What a snippet prints goes to the job's stderr file. Use [`quote`](crate::quote) for every text that is pasted. Put
/// `#[export]` above the impl.
pub trait Snippets {
    /// Written by `#[export]`.
    #[doc(hidden)]
    const HOOKS: &'static [Hook];

    /// Bash for the start of the script, before the prescript.
    fn on_jobcmd_init(_job: &Job) -> Option<String> {
        None
    }

    /// Bash for right before the command; `$cmd` holds the command line and may be assigned.
    fn on_jobcmd_prep(_job: &Job) -> Option<String> {
        None
    }

    /// Bash for after the command, its exit code being recorded; `$rc` holds it.
    fn on_jobcmd_end(_job: &Job) -> Option<String> {
        None
    }
}

/// Tells an observer of one fact.
pub fn observe<O: Observer>(fact: &Fact) {
    match fact {
        Fact::Init => O::on_init(),
        Fact::Shutdown(signal) => O::on_shutdown(signal.as_deref()),
        Fact::Job(job) => match job.event {
            JobEvent::Init => O::on_job_init(job),
            JobEvent::Queued => O::on_job_queued(job),
            JobEvent::Submitted => O::on_job_submitted(job),
            JobEvent::Started => O::on_job_started(job),
            JobEvent::Polling => O::on_job_polling(job),
            JobEvent::Killed => O::on_job_killed(job),
            JobEvent::Succeeded => O::on_job_succeeded(job),
            JobEvent::Failed => match &job.cause {
                Some(cause) => O::on_job_failed(job, cause),
                None => O::on_job_failed(job, &FailureCause::Other("the host gave no cause".to_owned())),
            },
        },
    }
}

/// Asks a gatekeeper one question.
pub fn decide<G: Gatekeeper>(question: &Question) -> Verdict {
    match question {
        Question::Shutdown(signal) => G::on_shutdown(signal),
        Question::JobSubmitting(job) => G::on_job_submitting(job),
        Question::JobKilling(job) => G::on_job_killing(job),
    }
}

/// Asks for the bash for one job.
pub fn provide<S: Snippets>(job: &Job) -> Script {
    Script {
        init: S::on_jobcmd_init(job),
        prep: S::on_jobcmd_prep(job),
        end: S::on_jobcmd_end(job),
    }
}

impl<O: Observer> observer::Guest for crate::Part<O> {
    fn observe(facts: Vec<Fact>) {
        crate::panics::are_told();
        facts.iter().for_each(observe::<O>);
    }
}

impl<G: Gatekeeper> gatekeeper::Guest for crate::Part<G> {
    fn decide(questions: Vec<Question>) -> Vec<Verdict> {
        crate::panics::are_told();
        questions.iter().map(decide::<G>).collect()
    }
}

impl<S: Snippets> snippets::Guest for crate::Part<S> {
    fn provide(jobs: Vec<Job>) -> Vec<Script> {
        crate::panics::are_told();
        jobs.iter().map(provide::<S>).collect()
    }
}
