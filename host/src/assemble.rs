//! Puts a run together: checks what can be checked before anything is touched, then opens the workdir and starts plugins.

use std::sync::Arc;

use camino::Utf8Path;
use tokio::sync::{mpsc, watch};

use crate::{
    adapters::{
        clock::Clock,
        control::server::Socket,
        objects::{
            Folder,
            courier::Courier,
            mirror::{InStore, Mirror, Share},
        },
        state::{Held, Place, StateError, Store, row::RunRow, writer::Writer},
        workdir::{Existing, Workdir, WorkdirError},
    },
    builder::{BuildError, Builder},
    flow::{
        control::{Feeding, LiveControl},
        dispatch::Counts,
        engine::{
            Engine, Mail, Parts, Wiring,
            breaker::Breaker,
            feeder::{Confirmations, Feeder},
            notices::lookout,
            publisher::Subscribers,
            reasons::Reasons,
        },
        restore::Restored,
    },
    model::{
        access::Access,
        job::{JobIndex, JobSpec},
        path::Location,
        record::Origin,
        run::Run,
    },
    ports::{hooks::Hooks, journal::Journal, scheduler::Scheduler},
    resume::{self, FailedJobs, Found, ResumeError, Resumed},
    site::{Site, absolute, check_scripts, check_settings, hooks_of, scheduler_of},
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
    let claim = site.look_there(asked.existing).await?;
    let mut ground = site.open(asked.existing, asked.listen)?;
    let beginning = ground.begin(asked.jobs, &*scheduler, asked.failed).await?;
    let (scheduler, mirror) = match claim {
        None => (scheduler, None),
        Some(claim) => {
            let folder = claim.take(ground.existing).await?;
            beginning
                .reach(folder, &site.run, scheduler, &asked.subscribers)
                .await?
        }
    };
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
        mirror,
        control: Arc::new(control),
        resumed,
    })
}

impl Site {
    /// Locks the workdir and opens what lasts in it.
    fn open(&self, existing: Existing, listen: bool) -> Result<Ground, BuildError> {
        let (home, name) = (&self.run.home, self.run.workdir.spec());
        let (existing, mut workdir) = match (existing, &self.earlier) {
            // There is nothing to go on with, so nothing may be in the way either.
            (Existing::Resume, None) => (Existing::Refuse, open_new(home, name, &self.place)?),
            (existing, _) => (existing, Workdir::open(home, name, existing)?),
        };
        let socket = open_socket(home, listen)?;
        let held = self.place.hold()?;
        if existing == Existing::Overwrite {
            // In this order: a state without job directories would say that jobs are done whose files are gone.
            held.clear()?;
            workdir.clear()?;
        }
        Ok(Ground {
            socket,
            existing,
            store: open_state(&self.run, held, existing, self.clock)?,
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
            lookout: lookout(&*scheduler),
            breaker: Breaker::default(),
            reasons: Reasons::default(),
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

    /// Lets jobs come to the run's workdir, which is in a store, and has what is left on this machine copied there.
    async fn reach(
        &self,
        folder: Folder,
        run: &Run,
        scheduler: Arc<dyn Scheduler>,
        subscribers: &Subscribers,
    ) -> Result<(Arc<dyn Scheduler>, Option<Mirror>), BuildError> {
        if run.access == Access::Shared {
            let mirror = self.mirror(run, folder, Share::All, subscribers)?;
            return Ok((scheduler, Some(mirror)));
        }
        let in_store = InStore::default();
        let courier = Courier::new(scheduler, run, folder.clone(), in_store.clone());
        if let Some(found) = &self.found {
            courier.bring_ends(found.abandoned.iter().map(|job| job.job)).await;
        }
        let mirror = self.mirror(run, folder, Share::Own(in_store), subscribers)?;
        Ok((Arc::new(courier), Some(mirror)))
    }

    /// Has what jobs leave copied to the run's workdir, which is in a store.
    fn mirror(&self, run: &Run, folder: Folder, share: Share, subscribers: &Subscribers) -> Result<Mirror, BuildError> {
        let earlier = self.found.as_ref().map(|found| {
            let jobs = found.jobs.iter().enumerate();
            jobs.map(|(index, job)| {
                let index = JobIndex(u32::try_from(index).unwrap_or(u32::MAX));
                (index, job.attempt, &job.standing)
            })
        });
        let started = Mirror::start(&run.home, folder, share, earlier);
        let (mirror, listener) = started.map_err(|source| WorkdirError::Io {
            path: run.workdir.spec().clone(),
            source,
        })?;
        subscribers.listen(listener);
        Ok(mirror)
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

/// The workdir of a run that was to go on, but is not there. What jobs left tells that it was.
fn open_new(home: &Utf8Path, name: &Location, place: &Place) -> Result<Workdir, BuildError> {
    Workdir::open(home, name, Existing::Refuse).map_err(|error| match error {
        WorkdirError::Used { .. } => {
            let path = place.file().to_owned();
            StateError::Missing { path }.into()
        }
        error => error.into(),
    })
}

/// The state of the run, in the place that is held for it.
fn open_state(run: &Run, held: Held, existing: Existing, clock: Clock) -> Result<Store, StateError> {
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
        workdir: run.workdir.to_string(),
        scheduler: run.scheduler.clone(),
        started: clock.timestamp(),
    };
    Store::create(held, &row)
}

/// A run that nobody wants to feed can do without being spoken to.
fn open_socket(home: &Utf8Path, listen: bool) -> Result<Option<Socket>, BuildError> {
    let here = absolute(Utf8Path::new("."))?;
    match Socket::bind(home, here) {
        Ok(socket) => Ok(Some(socket)),
        Err(error) if listen => Err(error.into()),
        Err(error) => {
            tracing::debug!("{error}");
            Ok(None)
        }
    }
}
