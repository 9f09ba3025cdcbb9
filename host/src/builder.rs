//! How a run is asked for, piece by piece, and why one cannot be had. Putting it together is the business of `assemble`.

use std::{sync::Arc, time::Duration};

use camino::Utf8PathBuf;

use crate::{
    adapters::{
        bash::BadScript,
        component::{error::StartError, plugins::Plugins},
        control::server::NoSocket,
        objects::{claim::ClaimError, home::NoHome},
        state::StateError,
        workdir::{Existing, WorkdirError},
    },
    assemble,
    dry_run::{self, DryRun},
    flow::engine::{
        book::{BatchError, FeedError},
        publisher::Subscribers,
    },
    model::{
        access::BadAccess,
        job::JobSpec,
        path::{BadLocation, Location},
        settings::Settings,
    },
    ports::{
        journal::Listener,
        scheduler::{CallError, Scheduler},
    },
    probe::{self, NoAnswer},
    resume::{FailedJobs, ResumeError},
    xqute::Xqute,
};

/// The name of the native scheduler.
pub const LOCAL: &str = "local";

/// How a run is to behave, piece by piece.
pub struct Builder {
    pub(crate) settings: Settings,
    pub(crate) scheduler: String,
    pub(crate) own_scheduler: Option<Arc<dyn Scheduler>>,
    pub(crate) workdir: Result<Location, BadLocation>,
    pub(crate) existing: Existing,
    pub(crate) state: Option<Utf8PathBuf>,
    pub(crate) plugins: Plugins,
    pub(crate) jobs: Vec<JobSpec>,
    pub(crate) subscribers: Subscribers,
    pub(crate) listen: bool,
    pub(crate) failed: FailedJobs,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            scheduler: LOCAL.to_owned(),
            own_scheduler: None,
            workdir: Ok(Location::Local(".xqute".into())),
            existing: Existing::Refuse,
            state: None,
            plugins: Plugins::default(),
            jobs: Vec::new(),
            subscribers: Subscribers::default(),
            listen: false,
            failed: FailedJobs::Stay,
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

    /// A scheduler that is no plugin but part of the program that uses this library.
    #[must_use]
    pub fn own_scheduler(mut self, scheduler: Arc<dyn Scheduler>) -> Self {
        scheduler.name().clone_into(&mut self.scheduler);
        self.own_scheduler = Some(scheduler);
        self
    }

    /// The run's directory: a folder, or a place in a store, like `gs://bucket/run`. Default: `.xqute`.
    #[must_use]
    pub fn workdir(mut self, place: impl AsRef<str>) -> Self {
        self.workdir = place.as_ref().parse();
        self
    }

    /// What to do about a run that the workdir holds already. Default: refuse.
    #[must_use]
    pub fn existing(mut self, existing: Existing) -> Self {
        self.existing = existing;
        self
    }

    /// What to do about jobs that have failed when the run is resumed. Default: they stay as they are.
    #[must_use]
    pub fn failed(mut self, failed: FailedJobs) -> Self {
        self.failed = failed;
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

    /// Jobs to feed first. Unlike jobs that are fed later, all of them are checked before the workdir is touched. Whoever
    /// resumes a run gives the same jobs again, new ones behind them; or none, to go on with what is recorded.
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
        assemble::assemble(self).await
    }

    /// Starts the plugins and asks the backend whether it is there. Returns how long its answer took; nothing for `local`.
    ///
    /// # Errors
    /// What stands in the way, or what came instead of an answer.
    pub async fn ask_backend(self) -> Result<Duration, NoAnswer> {
        probe::ask(self).await
    }

    /// Thinks the run through instead of starting it: the same checks, and then what would happen to each job. What the
    /// workdir holds does not matter.
    ///
    /// # Errors
    /// What stands in the way.
    pub async fn dry_run(self) -> Result<DryRun, BuildError> {
        dry_run::rehearse(self).await
    }
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
    #[error(transparent)]
    Job(#[from] BatchError),
    /// The scheduler does not take these options.
    #[error("{}", .0.message)]
    Options(#[from] CallError),
    /// A plugin could not be started.
    #[error(transparent)]
    Plugin(#[from] StartError),
    /// The workdir's place makes no sense.
    #[error("cannot use the workdir: {0}")]
    BadWorkdir(#[from] BadLocation),
    /// Jobs cannot come to the workdir as they should.
    #[error(transparent)]
    Access(#[from] BadAccess),
    /// The workdir is in a store, and there is no place for its state.
    #[error(transparent)]
    NoHome(#[from] NoHome),
    /// The workdir is in a store, and cannot be that of the run.
    #[error(transparent)]
    Claim(#[from] ClaimError),
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
    /// The run cannot be gone on with.
    #[error(transparent)]
    Resume(#[from] ResumeError),
    /// The system has no thread left.
    #[error("cannot start the thread that records the run: {0}")]
    NoThread(#[from] std::io::Error),
    /// The run could not be fed from outside.
    #[error(transparent)]
    Socket(#[from] NoSocket),
}
