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
        state::{Place, Reader, StateError, Store, row::RunRow, writer::Writer},
        workdir::{Existing, Workdir},
    },
    builder::{BuildError, Builder, LOCAL},
    flow::{
        control::{Feeding, LiveControl},
        dispatch::Counts,
        engine::{
            Engine, Lines, Mail, Parts,
            book::{Audience, Book, Feeder, check_env},
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
    resume::{self, Failed, Found, ResumeError, Resumed},
    xqute::{PluginReports, Xqute},
};

/// Checks everything, starts the plugins and opens the workdir. Nothing is touched before all checks are passed.
pub(crate) async fn assemble(asked: Builder) -> Result<Xqute, BuildError> {
    let Builder {
        mut settings,
        scheduler,
        own_scheduler,
        workdir,
        existing,
        state,
        plugins,
        jobs,
        subscribers,
        listen,
        failed,
    } = asked;
    let path = absolute(&workdir)?;
    let place = Place::of(&path, state.as_deref().map(absolute).transpose()?.as_deref());
    let earlier = earlier_run(&place, existing, &scheduler)?;
    let mounted: Option<Utf8PathBuf> = settings.options.take("mounted-workdir").map(Into::into);
    let run = Arc::new(Run {
        tag: earlier.as_ref().map_or_else(new_tag, |earlier| earlier.tag.clone()),
        workdir: faces(&path, mounted.as_deref()),
        scheduler,
        settings,
    });
    check_settings(&run)?;
    check_scripts(&run).await?;
    let clock = Clock::start();
    let book = Arc::new(Book::new(run.clone()));
    let started = plugins
        .start(
            run.clone(),
            book.clone(),
            clock,
            own_scheduler.is_none().then_some(&*run.scheduler),
        )
        .await?;
    let scheduler = own_scheduler.unwrap_or_else(|| scheduler_of(&run, &started));
    scheduler.check_options(&run.settings.options)?;
    let (sender, inbox) = mpsc::unbounded_channel();
    let mail = Mail(sender);
    let recorded = watch::Sender::default();
    let audience = Audience {
        subscribers: subscribers.clone(),
        recorded: recorded.subscribe(),
    };
    let feeder = Feeder::new(book.clone(), scheduler.clone(), mail.0.clone(), audience);
    feeder.check_all(&jobs)?;
    let existing = match (existing, &earlier) {
        // There is nothing to go on with, so nothing may be in the way either.
        (Existing::Resume, None) => Existing::Refuse,
        (existing, _) => existing,
    };
    let workdir = Workdir::open(&path, mounted.as_deref(), existing)?;
    let socket = open_socket(&path, listen)?;
    let ground = Ground {
        store: open_state(&run, &path, &place, existing, clock)?,
        workdir,
    };
    let beginning = ground.begin(jobs, existing, &*scheduler, failed).await?;
    let Ground { store, workdir } = ground;
    let parts = Parts {
        run,
        book,
        workdir,
        scheduler,
        hooks: hooks_of(started.hooks.clone()),
        clock,
    };
    let (progress, watcher) = watch::channel(Counts::default());
    let lines = Lines {
        inbox,
        mail: mail.clone(),
        progress,
        subscribers: subscribers.clone(),
        recorded,
    };
    let mut engine = Engine::new(parts, lines, |publisher| {
        Ok::<_, BuildError>(Box::new(Writer::start(store, clock, publisher)?) as Box<dyn Journal>)
    })?;
    let resumed = beginning.feed(&mut engine, &feeder)?;
    let feeding = if listen { Feeding::Open } else { Feeding::Never };
    let control = LiveControl::new(feeder.clone(), engine.parts().book.clone(), mail.clone(), feeding);
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
        resumed,
    })
}

/// Where a run leaves what lasts.
struct Ground {
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
        existing: Existing,
        scheduler: &dyn Scheduler,
        failed: Failed,
    ) -> Result<Beginning, ResumeError> {
        let found = match existing {
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

/// The state of the run, in the workdir that is locked for it.
fn open_state(
    run: &Run,
    workdir: &Utf8Path,
    place: &Place,
    existing: Existing,
    clock: Clock,
) -> Result<Store, StateError> {
    match existing {
        Existing::Refuse if place.is_taken() => {
            let path = place.file().to_owned();
            return Err(StateError::Taken { path });
        }
        Existing::Refuse => {}
        Existing::Overwrite => place.clear()?,
        Existing::Resume => return Store::open(place, &run.tag),
    }
    let row = RunRow {
        tag: run.tag.clone(),
        workdir: workdir.to_string(),
        scheduler: run.scheduler.clone(),
        started: clock.timestamp(),
    };
    Store::create(place, &row)
}

fn hooks_of(hooks: Option<Arc<ComponentHooks>>) -> Arc<dyn Hooks> {
    match hooks {
        Some(hooks) => hooks,
        None => Arc::new(NoHooks),
    }
}

fn scheduler_of(run: &Arc<Run>, started: &Started) -> Arc<dyn Scheduler> {
    match &started.scheduler {
        Some(scheduler) => scheduler.clone(),
        None => Arc::new(local_scheduler(run, started.hooks.as_deref())),
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
