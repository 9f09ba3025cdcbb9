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
        component::{error::StartError, plugins::Plugins},
        control::server::{NoSocket, Socket},
        local::LocalScheduler,
        state::{Place, StateError, Store, row::RunRow, writer::Writer},
        workdir::{Existing, Workdir, WorkdirError},
    },
    flow::{
        control::{Feeding, LiveControl},
        dispatch::Counts,
        engine::{
            Engine, Lines, Mail, Parts,
            book::{Book, FeedError, Feeder, check_env},
            publisher::Subscribers,
        },
    },
    model::{job::JobSpec, path::SpecPath, record::Origin, run::Run, settings::Settings},
    ports::{
        hooks::{Hooks, NoHooks},
        journal::{Journal, Listener},
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
    state: Option<Utf8PathBuf>,
    plugins: Plugins,
    jobs: Vec<JobSpec>,
    subscribers: Subscribers,
    listen: bool,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            scheduler: LOCAL.to_owned(),
            workdir: ".xqute".into(),
            existing: Existing::Refuse,
            state: None,
            plugins: Plugins::default(),
            jobs: Vec::new(),
            subscribers: Subscribers::default(),
            listen: false,
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

    /// Where the run's state is kept: a file on a disk of this machine. Default: `run.db` in the workdir.
    #[must_use]
    pub fn state(mut self, file: impl Into<Utf8PathBuf>) -> Self {
        self.state = Some(file.into());
        self
    }

    /// Somebody who is to hear what happens to jobs, once it has been recorded.
    #[must_use]
    pub fn listener(self, listener: impl Listener + 'static) -> Self {
        self.subscribers.listen(Box::new(listener));
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

    /// Whether other processes may feed the run while it goes, over the socket in its workdir. The run has to be kept open
    /// for them: see [`Xqute::keep_feeding`]. Default: they may not; killing jobs over the socket is always possible.
    #[must_use]
    pub fn listen(mut self, listen: bool) -> Self {
        self.listen = listen;
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
            state,
            plugins,
            jobs,
            subscribers,
            listen,
        } = self;
        let path = absolute(&workdir)?;
        let state = state.as_deref().map(absolute).transpose()?;
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
            None => Arc::new(local_scheduler(&run.settings)),
        };
        scheduler.check_options(&run.settings.options)?;
        let (sender, inbox) = mpsc::unbounded_channel();
        let feeder = Feeder::new(book.clone(), scheduler.clone(), sender.clone());
        check_jobs(&feeder, &jobs)?;
        let workdir = Workdir::open(&path, mounted.as_deref(), existing)?;
        let store = new_state(&run, &path, state.as_deref(), existing, clock)?;
        let socket = open_socket(&path, listen)?;
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
            clock,
        };
        for job in jobs {
            feeder.feed_checked(job, Origin::Given)?;
        }
        let mail = Mail(sender);
        let feeding = if listen { Feeding::Open } else { Feeding::Never };
        let control = LiveControl::new(feeder.clone(), parts.book.clone(), mail.clone(), feeding);
        let (progress, watcher) = watch::channel(Counts::default());
        let lines = Lines {
            inbox,
            mail: mail.clone(),
            progress,
            subscribers: subscribers.clone(),
            recorded: watch::Sender::default(),
        };
        let engine = Engine::new(parts, lines, |publisher| {
            Ok::<_, BuildError>(Box::new(Writer::start(store, clock, publisher)?) as Box<dyn Journal>)
        })?;
        Ok(Xqute {
            engine,
            subscribers,
            feeder,
            mail,
            progress: watcher,
            clock,
            reports: PluginReports(started.hooks),
            socket,
            control: Arc::new(control),
        })
    }
}

/// The state of a new run, in the workdir that is locked for it.
fn new_state(
    run: &Run,
    workdir: &Utf8Path,
    elsewhere: Option<&Utf8Path>,
    existing: Existing,
    clock: Clock,
) -> Result<Store, BuildError> {
    let place = Place::of(workdir, elsewhere);
    match existing {
        Existing::Refuse if place.is_taken() => {
            return Err(StateError::Taken {
                path: place.file().to_owned(),
            }
            .into());
        }
        Existing::Refuse | Existing::Resume => {}
        Existing::Overwrite => place.clear()?,
    }
    let row = RunRow {
        tag: run.tag.clone(),
        workdir: workdir.to_string(),
        scheduler: run.scheduler.clone(),
        started: clock.timestamp(),
    };
    Ok(Store::create(&place, &row)?)
}

fn local_scheduler(settings: &Settings) -> LocalScheduler {
    LocalScheduler::new(settings.wrapper_shell.clone(), settings.kill_grace, None)
}

/// A run that nobody wants to feed can do without being spoken to.
fn open_socket(workdir: &Utf8Path, listen: bool) -> Result<Option<Socket>, BuildError> {
    let here = absolute(Utf8Path::new("."))?;
    match Socket::bind(workdir, here) {
        Ok(socket) => Ok(Some(socket)),
        Err(error) if listen => Err(error.into()),
        Err(error) => {
            tracing::debug!("{error}");
            Ok(None)
        }
    }
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
    /// The state of the run cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The system has no thread left.
    #[error("cannot start the thread that records the run: {0}")]
    NoThread(#[from] std::io::Error),
    /// The run could not be fed from outside.
    #[error(transparent)]
    Socket(#[from] NoSocket),
}
