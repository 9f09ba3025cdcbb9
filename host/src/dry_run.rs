//! What a run would do, without doing any of it: the scripts that jobs would get, and the programs that their scheduler would
//! start. No workdir is touched, no program is started, and of the plugins only those are called that have a say in that.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

pub use crate::adapters::component::instance::rehearsal::Planned;
use crate::{
    adapters::{
        component::{hooks::ComponentHooks, instance::rehearsal::Rehearsal, scheduler::ComponentScheduler},
        workdir::script,
    },
    builder::{BuildError, Builder},
    flow::{
        dispatch::Policy,
        engine::{
            book::Book,
            feeder::{Confirmations, Feeder},
        },
    },
    model::{
        hook::{HookSet, Snippets},
        job::{Attempt, JobIndex},
        run::{JobAttempt, Run},
    },
    ports::{
        hooks::{HookFailure, Hooks as _},
        scheduler::{CallError, Preparation, Scheduler, Wrapping},
    },
    site::{Site, check_scripts, check_settings, native},
};

/// A run that is only thought through.
pub struct DryRun {
    run: Arc<Run>,
    book: Arc<Book>,
    scheduler: Arc<dyn Scheduler>,
    /// The same, where a plugin brings it.
    plugin: Option<Arc<ComponentScheduler>>,
    hooks: Option<Arc<ComponentHooks>>,
    rehearsal: Arc<Rehearsal>,
    left: std::ops::Range<u32>,
    batch: u32,
}

/// Jobs that would be handed to the scheduler together.
#[derive(Debug)]
pub struct DryBatch {
    /// What would become of each.
    pub jobs: Vec<DryJob>,
    /// The programs that would be started to submit them.
    pub programs: Vec<Planned>,
}

/// What would become of a job.
#[derive(Debug)]
pub struct DryJob {
    /// Its first attempt.
    pub attempt: JobAttempt,
    /// Its script; none, if the command would be started directly. Or why it would not be submitted.
    pub script: Result<Option<Vec<u8>>, String>,
}

/// Checks everything that can be checked before a run starts.
pub(crate) async fn rehearse(asked: Builder) -> Result<DryRun, BuildError> {
    let site = Site::find(&asked)?;
    check_settings(&site.run)?;
    check_scripts(&site.run).await?;
    let (started, rehearsal) = site.rehearse(&asked).await?;
    let scheduler: Arc<dyn Scheduler> = match (asked.own_scheduler, &started.scheduler) {
        (Some(own), _) => own,
        (None, Some(plugin)) => plugin.clone(),
        (None, None) => native(&site, &started),
    };
    scheduler.check_options(&site.run.settings.options)?;
    let (inbox, _nobody) = mpsc::unbounded_channel();
    let confirmations = Confirmations {
        subscribers: asked.subscribers,
        recorded: watch::Sender::default().subscribe(),
    };
    let feeder = Feeder::new(site.book.clone(), scheduler.clone(), inbox, confirmations);
    feeder.check_all(&asked.jobs)?;
    let nothing = HookSet::default();
    let policy = Policy::new(&site.run.settings, &scheduler.preferences(), nothing, nothing);
    let jobs = u32::try_from(asked.jobs.len()).unwrap_or(u32::MAX);
    let specs = asked.jobs.into_iter().map(|spec| (Arc::new(spec), Attempt::FIRST));
    // They were found to be in order.
    let _ = site.book.restore(specs.collect(), &[]);
    Ok(DryRun {
        run: site.run,
        book: site.book,
        scheduler,
        plugin: started.scheduler,
        hooks: started.hooks,
        rehearsal,
        left: 0..jobs,
        batch: policy.submission_batch.min(policy.forks),
    })
}

impl DryRun {
    /// Thinks the next batch through; none, when there are no more jobs.
    pub async fn next(&mut self) -> Option<DryBatch> {
        let indices = self.left.by_ref().take(usize::try_from(self.batch).ok()?);
        let attempts: Vec<JobAttempt> = indices
            .filter_map(|index| self.book.begin(JobIndex(index), Attempt::FIRST))
            .collect();
        if attempts.is_empty() {
            return None;
        }
        let mut jobs = match self.scheduler.preparation() {
            Preparation::Script => self.scripts(attempts).await,
            Preparation::Directory | Preparation::Nothing => attempts.into_iter().map(direct).collect(),
        };
        if let Some(plugin) = &self.plugin {
            let mut good: Vec<&mut DryJob> = jobs.iter_mut().filter(|job| job.script.is_ok()).collect();
            let attempts: Vec<_> = good.iter().map(|job| job.attempt.clone()).collect();
            let answers = plugin.submit(&attempts).await;
            for (job, answer) in good.iter_mut().zip(answers) {
                if let Err(error) = answer {
                    job.script = Err(error.to_string());
                }
            }
        }
        let programs = self.rehearsal.take();
        Some(DryBatch { jobs, programs })
    }

    async fn scripts(&self, attempts: Vec<JobAttempt>) -> Vec<DryJob> {
        let wrappings = self.scheduler.wrap(&attempts).await;
        let snippets = match &self.hooks {
            Some(hooks) if hooks.scripted() != HookSet::default() => hooks.snippets(&attempts).await,
            _ => attempts.iter().map(|_| Ok(Snippets::default())).collect(),
        };
        let asked = wrappings.into_iter().zip(snippets);
        let think = |(attempt, (wrapping, snippets)): (JobAttempt, (Result<_, CallError>, Result<_, HookFailure>))| {
            let script = match (wrapping, snippets) {
                (Err(error), _) => Err(error.to_string()),
                (_, Err(failure)) => Err(failure.to_string()),
                (Ok(wrapping), Ok(snippets)) => self.script(&attempt, &wrapping, &snippets),
            };
            DryJob { attempt, script }
        };
        attempts.into_iter().zip(asked).map(think).collect()
    }

    fn script(
        &self,
        attempt: &JobAttempt,
        wrapping: &Wrapping,
        snippets: &Snippets,
    ) -> Result<Option<Vec<u8>>, String> {
        let script = script::render(attempt, &self.run, wrapping, snippets);
        script.map(Some).map_err(|error| error.to_string())
    }
}

fn direct(attempt: JobAttempt) -> DryJob {
    DryJob {
        attempt,
        script: Ok(None),
    }
}
