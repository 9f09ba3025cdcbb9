//! Runs whose journals do not keep up, break down, or never get to record anything.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use camino::Utf8Path;
use tokio::sync::{Notify, mpsc, watch};

use crate::{
    adapters::{
        clock::Clock,
        workdir::{Existing, Workdir, lookout::Lookout},
    },
    flow::{
        dispatch::Counts,
        engine::{
            Engine, Mail, Parts, Report, Wiring,
            book::Book,
            breaker::Breaker,
            feeder::{Confirmations, Feeder},
            publisher::{Publisher, Subscribers},
            reasons::Reasons,
        },
        event::Event,
    },
    model::{
        access::Access,
        job::JobSpec,
        options::Options,
        outcome::{FailureCause, Observation, Outcome},
        path::SpecPath,
        record::{Change, Origin, Usage},
        run::{BackendJobId, JobAttempt, JobRef, Run},
        settings::Settings,
    },
    ports::{
        hooks::NoHooks,
        journal::{Audience as _, Batch, Journal, NotRecorded, NotTaken},
        scheduler::{CallError, Cancel, Preparation, Scheduler, Watching, Wrapping},
    },
};

/// Jobs run until they are cancelled.
#[derive(Default)]
struct Endless {
    submitted: AtomicUsize,
    starts: Notify,
    cancelled: Notify,
}

#[async_trait]
impl Scheduler for Endless {
    fn name(&self) -> &'static str {
        "endless"
    }

    fn watching(&self) -> Watching {
        Watching::Wait
    }

    fn preparation(&self) -> Preparation {
        Preparation::Directory
    }

    fn check_options(&self, _options: &Options) -> Result<(), CallError> {
        Ok(())
    }

    async fn wrap(&self, jobs: &[JobAttempt]) -> Vec<Result<Wrapping, CallError>> {
        jobs.iter().map(|_| Ok(Wrapping::default())).collect()
    }

    async fn submit(&self, jobs: &[JobAttempt]) -> Vec<Result<BackendJobId, CallError>> {
        self.submitted.fetch_add(jobs.len(), Ordering::Relaxed);
        self.starts.notify_one();
        jobs.iter().map(|job| Ok(job.job.to_string().into())).collect()
    }

    async fn poll(&self, jobs: &[JobRef]) -> Result<Vec<Observation>, CallError> {
        Ok(vec![Observation::Running; jobs.len()])
    }

    async fn wait(&self, _job: &JobRef) -> (Observation, Option<Usage>) {
        self.cancelled.notified().await;
        let outcome = Outcome::Failed(FailureCause::Signal(15));
        (Observation::Ended(outcome), None)
    }

    async fn find(&self) -> Result<Vec<JobRef>, CallError> {
        Ok(Vec::new())
    }

    async fn cancel(&self, jobs: &[JobRef], _how: Cancel) -> Vec<Result<(), CallError>> {
        self.cancelled.notify_one();
        jobs.iter().map(|_| Ok(())).collect()
    }
}

/// What becomes of batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// They are taken, but not recorded before the end.
    Late,
    /// They are recorded, until a job has started; from then on none is taken.
    Stuck,
    /// There is nobody who takes them.
    Gone,
}

/// The batches that a journal took; the last one is what it got at its end.
type Taken = Arc<Mutex<Vec<Batch>>>;

struct Fake {
    fate: Fate,
    taken: Taken,
    took: Arc<Notify>,
    publisher: Mutex<Option<Publisher>>,
}

#[async_trait]
impl Journal for Fake {
    fn record(&self, batch: Batch) -> Result<(), NotTaken> {
        let mut taken = self.taken.lock().unwrap();
        let has_started = |batch: &Batch| {
            let mut entries = batch.entries.iter();
            entries.any(|entry| matches!(entry.change, Change::Started { .. }))
        };
        match self.fate {
            Fate::Gone => {
                *self.publisher.lock().unwrap() = None;
                return Err(NotTaken::Gone);
            }
            Fate::Stuck if taken.iter().any(has_started) => return Err(NotTaken::Behind(batch)),
            Fate::Stuck => {
                let entries = batch.entries.clone();
                let facts = Vec::new();
                let mut publisher = self.publisher.lock().unwrap();
                publisher.as_mut().unwrap().recorded(Batch { entries, facts });
            }
            Fate::Late => {}
        }
        taken.push(batch);
        self.took.notify_one();
        Ok(())
    }

    async fn room(&self) {
        std::future::pending::<()>().await;
    }

    async fn finish(self: Box<Self>, rest: Batch) -> Result<(), NotRecorded> {
        self.taken.lock().unwrap().push(rest);
        match self.fate {
            Fate::Gone => Err(NotRecorded("it broke down".into())),
            Fate::Late | Fate::Stuck => Ok(()),
        }
    }
}

/// A run, and the ways to it.
struct Scene {
    dir: tempfile::TempDir,
    scheduler: Arc<Endless>,
    engine: Engine,
    feeder: Feeder,
    mail: Mail,
    taken: Taken,
    /// The journal took a batch.
    took: Arc<Notify>,
}

impl Scene {
    fn new(fate: Fate) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap();
        let run = Arc::new(Run {
            tag: "t".into(),
            workdir: SpecPath::same(path),
            home: path.to_owned(),
            access: Access::Shared,
            scheduler: "endless".into(),
            settings: Settings::default(),
        });
        let (scheduler, book) = (Arc::new(Endless::default()), Arc::new(Book::new(run.clone())));
        let parts = Parts {
            lookout: Lookout::default(),
            breaker: Breaker::default(),
            reasons: Reasons::default(),
            run,
            book: book.clone(),
            workdir: Workdir::open(path, &path.into(), Existing::Refuse).unwrap(),
            scheduler: scheduler.clone(),
            hooks: Arc::new(NoHooks),
            clock: Clock::start(),
        };
        let (sender, inbox) = mpsc::unbounded_channel();
        let (mail, recorded, subscribers) = (Mail(sender), watch::Sender::default(), Subscribers::default());
        let confirmations = Confirmations {
            subscribers: subscribers.clone(),
            recorded: recorded.subscribe(),
        };
        let wiring = Wiring {
            signals: watch::channel(0).1,
            inbox,
            mail: mail.clone(),
            progress: watch::Sender::new(Counts::default()),
            subscribers,
            recorded,
        };
        let (taken, took) = (Taken::default(), Arc::new(Notify::new()));
        let start = |publisher| -> Result<Box<dyn Journal>, std::convert::Infallible> {
            Ok(Box::new(Fake {
                fate,
                taken: taken.clone(),
                took: took.clone(),
                publisher: Mutex::new(Some(publisher)),
            }))
        };
        let Ok(engine) = Engine::new(parts, wiring, start);
        Self {
            dir,
            feeder: Feeder::new(book, scheduler.clone(), mail.0.clone(), confirmations),
            scheduler,
            engine,
            mail,
            taken: taken.clone(),
            took: took.clone(),
        }
    }

    /// Feeds jobs that somebody gives while the run goes.
    fn feed(&self, jobs: usize) {
        let jobs = vec![JobSpec::from("true"); jobs];
        self.feeder.feed_checked(jobs, Origin::Fed).unwrap();
    }
}

#[tokio::test]
async fn a_stop_starts_nothing() {
    let scene = Scene::new(Fate::Late);
    scene.feed(2);
    let engine = tokio::spawn(scene.engine.run());
    // Its submission waits for its record by then, which never comes.
    scene.took.notified().await;
    scene.mail.send(Event::Signalled(15));
    let Report { counts, .. } = engine.await.unwrap();
    assert_eq!(counts.cancelled, 2);
    assert_eq!(scene.scheduler.submitted.load(Ordering::Relaxed), 0);
    assert!(!scene.dir.path().join("0").exists(), "no attempt was used up");
}

#[tokio::test]
async fn nothing_starts_when_nobody_records_it() {
    let scene = Scene::new(Fate::Gone);
    scene.feed(2);
    let waiting = scene.feeder.feed_job("true").unwrap();
    let Report { counts, unrecorded, .. } = scene.engine.run().await;
    assert_eq!((counts.queued, counts.done()), (3, 0));
    assert_eq!(unrecorded, Some(NotRecorded("it broke down".into())));
    assert_eq!(scene.scheduler.submitted.load(Ordering::Relaxed), 0);
    assert_eq!(waiting.await, None);
}

#[tokio::test]
async fn a_journal_that_is_stuck_keeps_nobody_from_stopping_a_run() {
    let scene = Scene::new(Fate::Stuck);
    scene.feed(1);
    let engine = tokio::spawn(scene.engine.run());
    scene.scheduler.starts.notified().await;
    scene.mail.send(Event::Signalled(15));
    let Report { counts, .. } = engine.await.unwrap();
    assert_eq!(counts.cancelled, 1);
    let taken = scene.taken.lock().unwrap();
    let rest = &taken.last().unwrap().entries;
    assert!(matches!(rest.last().unwrap().change, Change::Ended { .. }), "{rest:?}");
}

#[tokio::test]
async fn what_is_fed_together_is_recorded_together() {
    const JOBS: usize = 5000;
    let scene = Scene::new(Fate::Late);
    scene.feed(JOBS);
    scene.mail.send(Event::Signalled(15));
    scene.engine.run().await;
    let taken = scene.taken.lock().unwrap();
    let fed = |batch: &Batch| {
        let entries = batch.entries.iter();
        entries
            .filter(|entry| matches!(entry.change, Change::Fed { .. }))
            .count()
    };
    let fed: Vec<_> = taken.iter().map(fed).filter(|fed| *fed > 0).collect();
    assert_eq!(fed, [JOBS]);
}

#[tokio::test]
async fn jobs_that_are_left_are_told_of() {
    let scene = Scene::new(Fate::Late);
    scene.feed(2);
    scene.mail.send(Event::Recording(false));
    let Report { counts, unrecorded, .. } = scene.engine.run().await;
    assert_eq!(counts.queued, 2);
    insta::assert_snapshot!(unrecorded.unwrap(), @"2 jobs were not started, because for a while nothing could be recorded");
}
