//! Puts a run together: checks what can be checked before anything is touched, then opens the workdir and starts plugins.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::Arc,
};

use camino::{Utf8Path, Utf8PathBuf};
use tokio::sync::{mpsc, watch};

use crate::{
    adapters::{
        bash::{self, BadScript},
        clock::Clock,
        component::{error::StartError, hooks::ComponentHooks, plugins::Plugins},
        local::{LocalScheduler, Starting},
        workdir::{Existing, Workdir, WorkdirError},
    },
    flow::{
        dispatch::Counts,
        engine::{
            Engine, Mail, Parts,
            book::{Book, FeedError, Feeder, check_env},
        },
    },
    model::{
        hook::HookSet,
        job::JobSpec,
        path::SpecPath,
        record::Origin,
        run::Run,
        settings::{Settings, Wrapper},
    },
    ports::{
        hooks::{Hooks, NoHooks},
        scheduler::{CallError, Scheduler},
    },
    xqute::{PluginReports, Xqute},
};

/// The name of the native scheduler.
pub const LOCAL: &str = "local";

/// How a run is to behave, piece by piece.
pub struct Builder {
    settings: Settings,
    scheduler: String,
    workdir: Utf8PathBuf,
    existing: Existing,
    plugins: Plugins,
    jobs: Vec<JobSpec>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            scheduler: LOCAL.to_owned(),
            workdir: ".xqute".into(),
            existing: Existing::Refuse,
            plugins: Plugins::default(),
            jobs: Vec::new(),
        }
    }
}

impl Builder {
    /// Everything about jobs: forks, strategy, retries, time limits, scripts, options and so on.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// The scheduler's name: `local`, or that of a plugin. Default: `local`.
    #[must_use]
    pub fn scheduler(mut self, name: impl Into<String>) -> Self {
        self.scheduler = name.into();
        self
    }

    /// The run's directory. Default: `.xqute`.
    #[must_use]
    pub fn workdir(mut self, path: impl Into<Utf8PathBuf>) -> Self {
        self.workdir = path.into();
        self
    }

    /// What to do about a run that the workdir holds already. Default: refuse.
    #[must_use]
    pub fn existing(mut self, existing: Existing) -> Self {
        self.existing = existing;
        self
    }

    /// The plugins to use.
    #[must_use]
    pub fn plugins(mut self, plugins: Plugins) -> Self {
        self.plugins = plugins;
        self
    }

    /// Jobs to feed first. Unlike jobs that are fed later, all of them are checked before the workdir is touched.
    #[must_use]
    pub fn jobs(mut self, jobs: Vec<JobSpec>) -> Self {
        self.jobs = jobs;
        self
    }

    /// Checks everything, starts the plugins and opens the workdir.
    ///
    /// # Errors
    /// What stands in the way. Nothing has run then, and nothing was removed.
    pub async fn build(self) -> Result<Xqute, BuildError> {
        let Self {
            mut settings,
            scheduler,
            workdir,
            existing,
            plugins,
            jobs,
        } = self;
        let path = absolute(&workdir)?;
        let mounted: Option<Utf8PathBuf> = settings.options.take("mounted-workdir").map(Into::into);
        let run = Arc::new(Run {
            tag: new_tag(),
            workdir: faces(&path, mounted.as_deref()),
            scheduler,
            settings,
        });
        check_settings(&run)?;
        check_scripts(&run).await?;
        let clock = Clock::start();
        let book = Arc::new(Book::new(run.clone()));
        let started = plugins
            .start(run.clone(), book.clone(), clock, Some(&run.scheduler))
            .await?;
        let scheduler: Arc<dyn Scheduler> = match started.scheduler {
            Some(scheduler) => scheduler,
            None => Arc::new(local_scheduler(&run, started.hooks.as_deref())),
        };
        scheduler.check_options(&run.settings.options)?;
        let (sender, inbox) = mpsc::unbounded_channel();
        let feeder = Feeder::new(book.clone(), scheduler.clone(), sender.clone());
        check_jobs(&feeder, &jobs)?;
        let workdir = Workdir::open(&path, mounted.as_deref(), existing)?;
        let hooks: Arc<dyn Hooks> = match &started.hooks {
            Some(hooks) => hooks.clone(),
            None => Arc::new(NoHooks),
        };
        let parts = Parts {
            run,
            book,
            workdir,
            scheduler,
            hooks,
        };
        for job in jobs {
            feeder.feed_checked(job, Origin::Given)?;
        }
        let mail = Mail(sender);
        let (progress, watcher) = watch::channel(Counts::default());
        Ok(Xqute {
            engine: Engine::new(parts, inbox, mail.clone(), progress),
            feeder,
            mail,
            progress: watcher,
            clock,
            reports: PluginReports(started.hooks),
        })
    }
}

/// It starts jobs directly where nothing asks for a script.
fn local_scheduler(run: &Arc<Run>, hooks: Option<&ComponentHooks>) -> LocalScheduler {
    let (settings, usual) = (&run.settings, Settings::default());
    let plain = settings.wrapper == Wrapper::Auto
        && settings.prescript.is_empty()
        && settings.postscript.is_empty()
        && settings.wrapper_shell == usual.wrapper_shell
        && hooks.is_none_or(|hooks| hooks.scripted() == HookSet::default());
    let starting = match plain {
        true => Starting::Direct,
        false => Starting::ByScript,
    };
    LocalScheduler::new(run.clone(), starting)
}

fn check_settings(run: &Run) -> Result<(), BuildError> {
    check_env(&run.settings.env)?;
    if let Some(cwd) = &run.settings.cwd {
        run.check_cwd(cwd)?;
    }
    match run.settings.wrapper_shell.first() {
        Some(shell) if !shell.is_empty() => Ok(()),
        _ => Err(BuildError::NoWrapperShell),
    }
}

/// Asks the shell that will run job scripts; that of another machine is out of reach, so this machine's reads the scripts.
async fn check_scripts(run: &Run) -> Result<(), BuildError> {
    let (settings, usual) = (&run.settings, Settings::default().wrapper_shell);
    let shell = match run.scheduler == LOCAL {
        true => &settings.wrapper_shell,
        false => &usual,
    };
    if *shell != usual {
        bash::check_shell(shell).await?;
    }
    for (what, script) in [("prescript", &settings.prescript), ("postscript", &settings.postscript)] {
        if !script.is_empty() {
            bash::check_syntax(shell, what, script).await?;
        }
    }
    Ok(())
}

/// The workdir as the host sees it and as jobs see it.
fn faces(path: &Utf8Path, mounted: Option<&Utf8Path>) -> SpecPath {
    match mounted {
        Some(mounted) => SpecPath::mounted_at(path, mounted),
        None => SpecPath::same(path),
    }
}

fn check_jobs(feeder: &Feeder, jobs: &[JobSpec]) -> Result<(), BuildError> {
    for (index, job) in jobs.iter().enumerate() {
        feeder.check(job).map_err(|source| BuildError::Job {
            index,
            command: job.command.to_string(),
            source,
        })?;
    }
    Ok(())
}

fn absolute(path: &Utf8Path) -> Result<Utf8PathBuf, BuildError> {
    camino::absolute_utf8(path).map_err(|source| BuildError::Workdir {
        path: path.to_owned(),
        source,
    })
}

/// Tells runs apart; nothing secret depends on it. The standard library seeds this hasher from the operating system.
fn new_tag() -> String {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    format!("{:016x}", hasher.finish())
}

/// Why a run could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The wrapper's shell is empty.
    #[error("the wrapper shell is empty; it has to name a bash")]
    NoWrapperShell,
    /// The wrapper's shell, or a script for it, cannot be used.
    #[error(transparent)]
    Script(#[from] BadScript),
    /// A setting makes no sense.
    #[error(transparent)]
    Setting(#[from] FeedError),
    /// A job could not be run as it is.
    #[error("job {index}, `{command}`: {source}")]
    Job {
        /// Its place among the jobs, from 0.
        index: usize,
        /// Its command, for people.
        command: String,
        /// What is wrong with it.
        source: FeedError,
    },
    /// The scheduler does not take these options.
    #[error("{}", .0.message)]
    Options(#[from] CallError),
    /// A plugin could not be started.
    #[error(transparent)]
    Plugin(#[from] StartError),
    /// The workdir's place cannot be told.
    #[error("the workdir `{path}` cannot be found: {source}")]
    Workdir {
        /// As it was given.
        path: Utf8PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The workdir cannot be used.
    #[error(transparent)]
    WorkdirUnusable(#[from] WorkdirError),
}
