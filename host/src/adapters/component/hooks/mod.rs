//! All lifecycle plugins of a run, as the flow sees them: who is called, in which order, and what a failure means. One file for
//! each way of calling: an `observer` is told, a `gate` is asked, `snippets` are given.

pub(super) mod gate;
pub(super) mod observer;
pub(super) mod snippets;

use async_trait::async_trait;

use self::observer::Stride;
pub use super::instance::health::PluginReport;
use super::{
    error::StartError,
    instance::{health::Health, pool::Pool, state::Identity},
};
use crate::{
    model::{
        hook::{Fact, HookSet, Snippet, Snippets, Verdict},
        run::JobAttempt,
    },
    ports::hooks::{AfterFailure, HookFailure, Hooks, Question},
};

/// What a failure of a plugin means for the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// A warning, and the run goes on as if the plugin were not there.
    Ignore,
    /// The job that the plugin was asked about fails; a failed observer is a warning.
    #[default]
    FailJob,
    /// The run stops.
    Halt,
}

/// After this many failed calls in a row, a lifecycle plugin is not called any more.
pub(super) const MOST_FAILURES: u32 = 3;

/// One lifecycle plugin.
pub(super) struct Lifecycle {
    pub(super) observed: HookSet,
    pub(super) gated: HookSet,
    pub(super) scripted: HookSet,
    /// The instance that is told.
    pub(super) observer: Pool,
    /// How much it is told at once.
    pub(super) stride: Stride,
    /// The instance that is asked, so that answers never wait for what is told.
    pub(super) gate: Pool,
    pub(super) on_failure: OnFailure,
    pub(super) health: Health,
}

impl Lifecycle {
    pub(super) fn name(&self) -> &str {
        &self.identity().name
    }

    fn identity(&self) -> &Identity {
        &self.observer.identity
    }

    /// Counts a call, and gives its error in words.
    fn record<T>(&self, call: &'static str, answer: Result<T, StartError>) -> Result<T, String> {
        let recorded = self.health.record(self.identity(), call, answer);
        recorded.map_err(|error| error.to_string())
    }

    /// One verdict for each question.
    async fn verdicts(&self, questions: &[Question<'_>]) -> Vec<Result<Verdict, String>> {
        let together = self.ask(questions).await;
        if !self.asks_again(gate::CALL, &together, questions.len()) {
            return for_each(together, questions.len());
        }
        let mut verdicts = Vec::with_capacity(questions.len());
        for question in questions {
            verdicts.extend(for_each(self.ask(std::slice::from_ref(question)).await, 1));
        }
        verdicts
    }

    async fn ask(&self, questions: &[Question<'_>]) -> Result<Vec<Verdict>, String> {
        match self.health.unavailable(self.name()) {
            Some(why) => Err(why),
            None => self.record(gate::CALL, gate::ask(self, questions).await),
        }
    }

    /// One script for each job.
    async fn scripts(&self, jobs: &[JobAttempt]) -> Vec<Result<snippets::Script, String>> {
        let together = self.collect(jobs).await;
        if !self.asks_again(snippets::CALL, &together, jobs.len()) {
            return for_each(together, jobs.len());
        }
        let mut scripts = Vec::with_capacity(jobs.len());
        for job in jobs {
            scripts.extend(for_each(self.collect(std::slice::from_ref(job)).await, 1));
        }
        scripts
    }

    async fn collect(&self, jobs: &[JobAttempt]) -> Result<Vec<snippets::Script>, String> {
        match self.health.unavailable(self.name()) {
            Some(why) => Err(why),
            None => self.record(snippets::CALL, snippets::collect(self, jobs).await),
        }
    }

    /// One job may be to blame that a call about several failed; asked about one by one, only that one pays for it. What
    /// failed together then counts once, not twice, on the way into quarantine.
    fn asks_again<T>(&self, call: &'static str, together: &Result<T, String>, jobs: usize) -> bool {
        let again = together.is_err() && jobs > 1 && self.health.quarantined().is_none();
        if again {
            self.health.forgive(call);
        }
        again
    }

    /// An answer as those who asked get it; `None`: as if nobody had been asked.
    fn outcome<T>(&self, answer: Result<T, String>) -> Option<Result<T, HookFailure>> {
        match answer {
            Ok(answer) => Some(Ok(answer)),
            Err(message) => self.consequence(message).map(Err),
        }
    }

    /// What a failed answer means for those who asked; `None`: nothing.
    fn consequence(&self, message: String) -> Option<HookFailure> {
        let then = match self.on_failure {
            OnFailure::Ignore => return None,
            OnFailure::FailJob => AfterFailure::FailJob,
            OnFailure::Halt => AfterFailure::Halt,
        };
        Some(HookFailure { message, then })
    }
}

/// All lifecycle plugins of a run, in the order in which they are called.
pub struct ComponentHooks {
    plugins: Vec<Lifecycle>,
}

impl ComponentHooks {
    /// Plugins in their order: higher priority first, then by name.
    pub(super) const fn new(plugins: Vec<Lifecycle>) -> Self {
        Self { plugins }
    }

    /// How each plugin fared so far.
    pub fn reports(&self) -> Vec<PluginReport> {
        let report = |plugin: &Lifecycle| plugin.health.report(plugin.identity());
        self.plugins.iter().map(report).collect()
    }

    fn all(&self, hooks: impl Fn(&Lifecycle) -> HookSet) -> HookSet {
        self.plugins.iter().map(hooks).fold(HookSet::default(), HookSet::union)
    }
}

#[async_trait]
impl Hooks for ComponentHooks {
    fn observed(&self) -> HookSet {
        self.all(|plugin| plugin.observed)
    }

    fn gated(&self) -> HookSet {
        self.all(|plugin| plugin.gated)
    }

    fn scripted(&self) -> HookSet {
        self.all(|plugin| plugin.scripted)
    }

    async fn observe(&self, facts: &[Fact]) -> Result<(), HookFailure> {
        let mut halt = None;
        for plugin in &self.plugins {
            let wanted = facts.iter().any(|fact| plugin.observed.contains(fact.hook()));
            if !wanted || plugin.health.quarantined().is_some() {
                continue;
            }
            let told = plugin.record(observer::CALL, observer::tell(plugin, facts).await);
            if let Err(message) = told {
                let failure = plugin
                    .consequence(message)
                    .filter(|failure| failure.then == AfterFailure::Halt);
                halt = halt.or(failure);
            }
        }
        halt.map_or(Ok(()), Err)
    }

    async fn decide(&self, questions: &[Question<'_>]) -> Vec<Result<Verdict, HookFailure>> {
        let mut verdicts: Vec<_> = questions.iter().map(|_| Ok(Verdict::Proceed)).collect();
        for plugin in &self.plugins {
            // Only what nobody before has decided, or failed at.
            let open: Vec<usize> = (questions.iter().zip(&verdicts).enumerate())
                .filter(|(_, (_, verdict))| matches!(verdict, Ok(Verdict::Proceed)))
                .filter(|(_, (question, _))| plugin.gated.contains(gate::hook(question)))
                .map(|(at, _)| at)
                .collect();
            if open.is_empty() {
                continue;
            }
            let asked: Vec<_> = open.iter().filter_map(|at| questions.get(*at).copied()).collect();
            for (at, answer) in open.iter().zip(plugin.verdicts(&asked).await) {
                if let Some((verdict, answer)) = verdicts.get_mut(*at).zip(plugin.outcome(answer)) {
                    *verdict = answer;
                }
            }
        }
        verdicts
    }

    async fn snippets(&self, jobs: &[JobAttempt]) -> Vec<Result<Snippets, HookFailure>> {
        let mut all: Vec<_> = jobs.iter().map(|_| Ok(Snippets::default())).collect();
        for plugin in self
            .plugins
            .iter()
            .filter(|plugin| plugin.scripted != HookSet::default())
        {
            for (snippets, answer) in all.iter_mut().zip(plugin.scripts(jobs).await) {
                match (plugin.outcome(answer), &mut *snippets) {
                    (Some(Ok(script)), Ok(snippets)) => append(snippets, plugin.name(), script),
                    (Some(Err(failure)), _) => *snippets = Err(failure),
                    _ => {}
                }
            }
        }
        all
    }
}

/// The answers of one call, or its error for each who asked.
fn for_each<T>(answers: Result<Vec<T>, String>, count: usize) -> Vec<Result<T, String>> {
    match answers {
        Ok(answers) => answers.into_iter().map(Ok).collect(),
        Err(message) => (0..count).map(|_| Err(message.clone())).collect(),
    }
}

fn append(all: &mut Snippets, plugin: &str, script: snippets::Script) {
    let pieces = [
        (&mut all.init, script.init),
        (&mut all.prep, script.prep),
        (&mut all.end, script.end),
    ];
    for (place, code) in pieces {
        let plugin = plugin.to_owned();
        place.extend(code.map(|code| Snippet { plugin, code }));
    }
}
