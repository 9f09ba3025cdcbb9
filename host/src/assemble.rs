//! Puts a run together: checks what can be checked before anything is touched, then opens the workdir and starts plugins.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::Arc,
};

use camino::{Utf8Path, Utf8PathBuf};
use tokio::sync::{mpsc, watch};

use crate::{
    adapters::{
        bash,
        clock::Clock,
        component::{hooks::ComponentHooks, plugins::Started},
        control::server::Socket,
        local::{LocalScheduler, Starting},
        state::{Held, Place, Reader, StateError, Store, row::RunRow, writer::Writer},
        workdir::{Existing, Workdir, WorkdirError},
    },
    builder::{BuildError, Builder, LOCAL},
    flow::{
        control::{Feeding, LiveControl},
        dispatch::Counts,
        engine::{
            Engine, Mail, Parts, Wiring,
            book::Book,
            feeder::{Confirmations, Feeder, check_env},
        },
        restore::Restored,
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
        journal::Journal,
        scheduler::Scheduler,
    },
    resume::{self, FailedJobs, Found, ResumeError, Resumed},
    xqute::{PluginReports, Xqute},
};

/// Checks everything, starts the plugins and opens the workdir. Nothing is touched before all checks are passed.
pub(crate) async fn assemble(asked: Builder) -> Result<Xqute, BuildError> {
    let site = Site::find(&asked)?;
    check_settings(&site.run)?;
    check_scripts(&site.run).await?;
    let started = site.start(&asked).await?;
    let scheduler = asked.own_scheduler.unwrap_or_else(|| scheduler_of(&site, &started));
    scheduler.check_options(&site.run.settings.options)?;
    let (sender, inbox) = mpsc::unbounded_channel();
    let mail = Mail(sender);
    let recorded = watch::Sender::default();
    let confirmations = Confirmations {
        subscribers: asked.subscribers.clone(),
        recorded: recorded.subscribe(),
    };
    let feeder = Feeder::new(site.book.clone(), scheduler.clone(), mail.0.clone(), confirmations);
    feeder.check_all(&asked.jobs)?;
    let mut ground = site.open(asked.existing, asked.listen)?;
    let beginning = ground.begin(asked.jobs, &*scheduler, asked.failed).await?;
    recorded.send_replace(beginning.recorded());
    let (progress, watcher) = watch::channel(Counts::default());
    let signals = watch::Sender::default();
    let wiring = Wiring {
        inbox,
        mail: mail.clone(),
        progress,
        subscribers: asked.subscribers.clone(),
        recorded,
        signals: signals.subscribe(),
    };
    let (clock, book, bound) = (site.clock, site.book.clone(), ground.socket.take());
    let mut engine = site.engine(ground, scheduler, hooks_of(started.hooks.clone()), wiring)?;
    // Dropped before the engine, and with it the workdir.
    let socket = bound;
    let resumed = beginning.feed(&mut engine, &feeder)?;
    let feeding = if asked.listen { Feeding::Open } else { Feeding::Never };
    let control = LiveControl::new(feeder.clone(), book, mail.clone(), feeding);
    Ok(Xqute {
        socket,
        engine,
        subscribers: asked.subscribers,
        feeder,
        mail,
        signals,
        progress: watcher,
        clock,
        reports: PluginReports(started),
        control: Arc::new(control),
        resumed,
    })
}

/// What is known of a run before anything of it exists.
struct Site {
    path: Utf8PathBuf,
    mounted: Option<Utf8PathBuf>,
    place: Place,
    /// The run that is to go on, if there is one.
    earlier: Option<RunRow>,
    run: Arc<Run>,
    book: Arc<Book>,
    clock: Clock,
}

impl Site {
    fn find(asked: &Builder) -> Result<Self, BuildError> {
        let path = absolute(&asked.workdir)?;
        let place = Place::of(&path, asked.state.as_deref().map(absolute).transpose()?.as_deref());
        let earlier = earlier_run(&place, asked.existing, &asked.scheduler)?;
        let mut settings = asked.settings.clone();
        let mounted: Option<Utf8PathBuf> = settings.options.take("mounted-workdir").map(Into::into);
        let run = Arc::new(Run {
            tag: earlier.as_ref().map_or_else(new_tag, |earlier| earlier.tag.clone()),
            workdir: faces(&path, mounted.as_deref()),
            scheduler: asked.scheduler.clone(),
            settings,
        });
        Ok(Self {
            path,
            mounted,
            place,
            earlier,
            book: Arc::new(Book::new(run.clone())),
            run,
            clock: Clock::start(),
        })
    }

    async fn start(&self, asked: &Builder) -> Result<Started, BuildError> {
        let named = asked.own_scheduler.is_none().then_some(&*self.run.scheduler);
        let started = asked
            .plugins
            .start(self.run.clone(), self.book.clone(), self.clock, named);
        Ok(started.await?)
    }

    /// Locks the workdir and opens what lasts in it.
    fn open(&self, existing: Existing, listen: bool) -> Result<Ground, BuildError> {
        let (path, mounted) = (&self.path, self.mounted.as_deref());
        let (existing, mut workdir) = match (existing, &self.earlier) {
            // There is nothing to go on with, so nothing may be in the way either.
            (Existing::Resume, None) => (Existing::Refuse, open_new(path, mounted, &self.place)?),
            (existing, _) => (existing, Workdir::open(path, mounted, existing)?),
        };
        let socket = open_socket(path, listen)?;
        let held = self.place.hold()?;
        if existing == Existing::Overwrite {
            // In this order: a state without job directories would say that jobs are done whose files are gone.
            held.clear()?;
            workdir.clear()?;
        }
        Ok(Ground {
            socket,
            existing,
            store: open_state(&self.run, path, held, existing, self.clock)?,
            workdir,
        })
    }

    fn engine(
        self,
        ground: Ground,
        scheduler: Arc<dyn Scheduler>,
        hooks: Arc<dyn Hooks>,
        wiring: Wiring,
    ) -> Result<Engine, BuildError> {
        let Ground { store, workdir, .. } = ground;
        let Self { run, book, clock, .. } = self;
        let parts = Parts {
            run,
            book,
            workdir,
            scheduler,
            hooks,
            clock,
        };
        Engine::new(parts, wiring, |publisher| {
            Ok(Box::new(Writer::start(store, clock, publisher)?) as Box<dyn Journal>)
        })
    }
}

/// Where a run leaves what lasts, and where it can be spoken to.
struct Ground {
    /// The first to go: another run in the workdir has a socket of the same name.
    socket: Option<Socket>,
    /// What became of the wish about an earlier run.
    existing: Existing,
    store: Store,
    workdir: Workdir,
}

/// What a run starts with.
struct Beginning {
    /// What an earlier process left, if this run goes on with it.
    found: Option<Found>,
    /// The jobs that are new.
    given: Vec<JobSpec>,
}

impl Ground {
    async fn begin(
        &self,
        mut given: Vec<JobSpec>,
        scheduler: &dyn Scheduler,
        failed: FailedJobs,
    ) -> Result<Beginning, ResumeError> {
        let found = match self.existing {
            Existing::Refuse | Existing::Overwrite => None,
            Existing::Resume => {
                resume::compare(&self.store, &mut given)?;
                Some(resume::find(&self.store, &self.workdir, scheduler, failed).await?)
            }
        };
        Ok(Beginning { found, given })
    }
}

impl Beginning {
    /// How many jobs are recorded already.
    fn recorded(&self) -> u32 {
        let found = self.found.as_ref().map_or(0, |found| found.jobs.len());
        u32::try_from(found).unwrap_or(u32::MAX)
    }

    /// Hands all jobs over, the earlier ones first.
    fn feed(self, engine: &mut Engine, feeder: &Feeder) -> Result<Option<Resumed>, BuildError> {
        let Self { found, given } = self;
        let resumed = match found {
            None => None,
            Some(found) => {
                let recorded = found.jobs.iter().map(|job| (job.spec.clone(), job.attempt)).collect();
                let after = engine.parts().book.restore(recorded, &given);
                let after = after.map_err(|(_, bad)| ResumeError::Predecessor(bad))?;
                let jobs = found.jobs.into_iter().zip(after).map(|(job, after)| Restored {
                    spec: job.spec,
                    after,
                    attempt: job.attempt,
                    standing: job.standing,
                });
                engine.restore(jobs, found.abandoned);
                let added = u64::try_from(given.len()).unwrap_or(u64::MAX);
                Some(Resumed { added, ..found.resumed })
            }
        };
        feeder.feed_checked(given, Origin::Given)?;
        Ok(resumed)
    }
}

/// The run that is to go on, if there is one.
fn earlier_run(place: &Place, existing: Existing, scheduler: &str) -> Result<Option<RunRow>, BuildError> {
    if existing != Existing::Resume || !place.is_taken() {
        return Ok(None);
    }
    let earlier = Reader::at(place)?.run()?;
    if earlier.scheduler != scheduler {
        let (was, is) = (earlier.scheduler, scheduler.to_owned());
        return Err(ResumeError::Scheduler { was, is }.into());
    }
    Ok(Some(earlier))
}

/// The workdir of a run that was to go on, but is not there. What jobs left tells that it was.
fn open_new(path: &Utf8Path, mounted: Option<&Utf8Path>, place: &Place) -> Result<Workdir, BuildError> {
    Workdir::open(path, mounted, Existing::Refuse).map_err(|error| match error {
        WorkdirError::Used { .. } => {
            let path = place.file().to_owned();
            StateError::Missing { path }.into()
        }
        error => error.into(),
    })
}

/// The state of the run, in the place that is held for it.
fn open_state(
    run: &Run,
    workdir: &Utf8Path,
    held: Held,
    existing: Existing,
    clock: Clock,
) -> Result<Store, StateError> {
    match existing {
        Existing::Refuse if held.place().is_taken() => {
            let path = held.place().file().to_owned();
            return Err(StateError::Taken { path });
        }
        Existing::Refuse | Existing::Overwrite => {}
        Existing::Resume => return Store::open(held, &run.tag),
    }
    let row = RunRow {
        tag: run.tag.clone(),
        workdir: workdir.to_string(),
        scheduler: run.scheduler.clone(),
        started: clock.timestamp(),
    };
    Store::create(held, &row)
}

fn hooks_of(hooks: Option<Arc<ComponentHooks>>) -> Arc<dyn Hooks> {
    match hooks {
        Some(hooks) => hooks,
        None => Arc::new(NoHooks),
    }
}

fn scheduler_of(site: &Site, started: &Started) -> Arc<dyn Scheduler> {
    match &started.scheduler {
        Some(scheduler) => scheduler.clone(),
        None => Arc::new(local_scheduler(&site.run, started.hooks.as_deref()).knowing(site.book.clone())),
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
