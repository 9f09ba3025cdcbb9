//! The library's face: build a run, feed it, run it.

use std::sync::Arc;

use camino::Utf8PathBuf;
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
};

use crate::{
    adapters::{
        clock::Clock,
        component::{hooks::PluginReport, plugins::Started},
        control::server::{Limits, Socket},
        objects::mirror::Mirror,
    },
    builder::Builder,
    flow::{
        control::{HeldOpen, LiveControl},
        dispatch::Counts,
        engine::{
            Engine, Mail,
            book::{BatchError, FeedError},
            feeder::{Feeder, JobHandle},
            publisher::Subscribers,
        },
        event::Event,
    },
    model::{
        job::{JobIndex, JobSpec},
        record::Entry,
    },
    ports::journal::Listener,
    resume::Resumed,
    summary::{RunSummary, failed_jobs},
};

/// A run that is about to start.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::num::NonZeroU32;
/// use xqute::{Settings, Xqute};
///
/// let settings = Settings { forks: NonZeroU32::new(4).unwrap(), ..Settings::default() };
/// let xqute = Xqute::builder().settings(settings).workdir("my-run").build().await?;
/// xqute.feed("sort big.txt | uniq -c > counts.txt")?; // a string is a shell command line
/// xqute.feed(["gzip", "-k", "a file.txt"])?; // a list is an argv
/// let summary = xqute.run_until_complete().await;
/// assert!(summary.succeeded());
/// # Ok(()) }
/// ```
pub struct Xqute {
    /// Where the run can be spoken to, if anywhere. The first to go: another run in the workdir has a socket of the same
    /// name.
    pub(crate) socket: Option<Socket>,
    pub(crate) engine: Engine,
    pub(crate) subscribers: Subscribers,
    pub(crate) feeder: Feeder,
    pub(crate) mail: Mail,
    /// How many signals the run got.
    pub(crate) signals: watch::Sender<u32>,
    pub(crate) progress: watch::Receiver<Counts>,
    pub(crate) clock: Clock,
    pub(crate) reports: PluginReports,
    /// Copies what jobs leave to a workdir in a store.
    pub(crate) mirror: Option<Mirror>,
    pub(crate) control: Arc<LiveControl>,
    pub(crate) resumed: Option<Resumed>,
}

impl Xqute {
    /// Says how the run is to behave.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Feeds one job and returns its index.
    ///
    /// # Errors
    /// When the job could not be run as it is.
    pub fn feed(&self, job: impl Into<JobSpec>) -> Result<JobIndex, FeedError> {
        self.feeder.feed(job)
    }

    /// Feeds all of these jobs or, when one of them cannot be run, none. They may come after each other, in any order.
    ///
    /// # Errors
    /// When one of the jobs could not be run as it is.
    pub fn feed_all(&self, jobs: Vec<JobSpec>) -> Result<Vec<JobIndex>, BatchError> {
        self.feeder.feed_all(jobs)
    }

    /// Looks at a job without feeding it.
    ///
    /// # Errors
    /// What is wrong with it, if anything is.
    pub fn check(&self, job: &JobSpec) -> Result<(), FeedError> {
        self.feeder.check(job)
    }

    /// What the run goes on from, if it was resumed.
    pub const fn resumed(&self) -> Option<Resumed> {
        self.resumed
    }

    /// What happens to jobs from now on, in groups, once it has been recorded; it ends with the run. What nobody takes is
    /// held in memory.
    pub fn events(&self) -> mpsc::UnboundedReceiver<Vec<Entry>> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.subscribers.listen(Box::new(Stream(sender)));
        receiver
    }

    /// Feeds one job, and gives a handle on it that can be awaited while the run goes.
    ///
    /// # Errors
    /// When the job could not be run as it is.
    pub fn feed_job(&self, job: impl Into<JobSpec>) -> Result<JobHandle, FeedError> {
        self.feeder.feed_job(job)
    }

    /// Where this machine keeps the run's files: its workdir, unless that is in a store.
    pub fn home(&self) -> Utf8PathBuf {
        self.engine.parts().run.home.clone()
    }

    /// How many jobs are where, from now on until the end.
    pub fn progress(&self) -> watch::Receiver<Counts> {
        self.progress.clone()
    }

    /// A way to stop the run while it goes.
    pub fn stopper(&self) -> Stopper {
        Stopper {
            mail: self.mail.clone(),
            signals: self.signals.clone(),
        }
    }

    /// Runs what was fed, to the end. When this future is dropped before that, the run ends at once.
    pub async fn run_until_complete(self) -> RunSummary {
        self.control.close();
        // A task among the others: they hand over to it without waking another thread. The set ends it when it is dropped.
        let mut task = JoinSet::new();
        task.spawn(self.run());
        task.join_all().await.remove(0)
    }

    /// Starts to run while jobs may still be fed, until [`LiveRun::stop_feeding`].
    pub fn keep_feeding(self) -> LiveRun {
        let (feeder, stopper, progress) = (self.feeder.clone(), self.stopper(), self.progress());
        LiveRun {
            control: self.control.clone(),
            feeder,
            stopper,
            progress,
            task: tokio::spawn(self.run()),
        }
    }

    async fn run(self) -> RunSummary {
        let Self {
            engine,
            clock,
            reports,
            socket,
            control,
            mirror,
            signals,
            ..
        } = self;
        let parts = engine.parts();
        let server = socket.map(|socket| socket.serve(control, Limits::default()));
        let report = engine.run().await;
        // Before the workdir is given free: another run in it has a socket of the same name.
        if let Some(server) = server {
            server.close().await;
        }
        reports.0.keep_values().await;
        let uncopied = match mirror {
            Some(mirror) => mirror.finish(signals.subscribe()).await.err(),
            None => None,
        };
        RunSummary {
            counts: report.counts,
            elapsed: clock.elapsed(),
            failures: failed_jobs(&parts, &report),
            stopped: report.stopped,
            unrecorded: report.unrecorded,
            uncopied,
            plugins: reports.collect(),
            workdir: parts.run.workdir.spec().clone(),
            home: parts.run.home.clone(),
        }
    }
}

/// A listener that passes on what it hears.
struct Stream(mpsc::UnboundedSender<Vec<Entry>>);

impl Listener for Stream {
    fn recorded(&mut self, entries: &[Entry]) {
        // Whoever does not listen any more misses nothing.
        let _ = self.0.send(entries.to_vec());
    }
}

/// Where the plugins' reports come from, once the run is over.
pub(crate) struct PluginReports(pub(crate) Started);

impl PluginReports {
    /// One for each plugin that took part, lifecycle plugins in the order in which they are called.
    pub(crate) fn collect(&self) -> Vec<PluginReport> {
        let hooks = self.0.hooks.as_ref();
        let mut reports = hooks.map(|hooks| hooks.reports()).unwrap_or_default();
        let Some(scheduler) = self.0.scheduler.as_ref().map(|scheduler| scheduler.report()) else {
            return reports;
        };
        // Calls are counted together, whichever they are.
        match reports.iter_mut().find(|report| report.plugin == scheduler.plugin) {
            Some(both) => both.quarantined = scheduler.quarantined.or(both.quarantined.take()),
            None => reports.push(scheduler),
        }
        reports
    }
}

/// A run that is fed while it goes. Dropping it without [`stop_feeding`](Self::stop_feeding) lets the jobs fed so far run.
pub struct LiveRun {
    control: Arc<LiveControl>,
    feeder: Feeder,
    stopper: Stopper,
    progress: watch::Receiver<Counts>,
    task: JoinHandle<RunSummary>,
}

impl LiveRun {
    /// Feeds one job and returns its index.
    ///
    /// # Errors
    /// When the job could not be run as it is, or the run was stopped.
    pub fn feed(&self, job: impl Into<JobSpec>) -> Result<JobIndex, FeedError> {
        self.feeder.feed(job)
    }

    /// Feeds one job, and gives a handle on it that can be awaited.
    ///
    /// # Errors
    /// When the job could not be run as it is, or the run was stopped.
    pub fn feed_job(&self, job: impl Into<JobSpec>) -> Result<JobHandle, FeedError> {
        self.feeder.feed_job(job)
    }

    /// Waits for the end of the run, which comes before [`stop_feeding`](Self::stop_feeding) only when it is stopped.
    pub async fn over(&self) {
        let mut progress = self.progress.clone();
        while progress.changed().await.is_ok() {}
    }

    /// A way to feed the run from elsewhere.
    pub fn feeder(&self) -> Feeder {
        self.feeder.clone()
    }

    /// Until what this returns is dropped, nobody elsewhere ends the run by saying that no more jobs come: see
    /// [`Builder::listen`].
    pub fn hold_open(&self) -> HeldOpen {
        self.control.hold_open()
    }

    /// Feeds all of these jobs or, when one of them cannot be run, none. They may come after each other, in any order.
    ///
    /// # Errors
    /// When one of the jobs could not be run as it is, or the run was stopped.
    pub fn feed_all(&self, jobs: Vec<JobSpec>) -> Result<Vec<JobIndex>, BatchError> {
        self.feeder.feed_all(jobs)
    }

    /// How many jobs are where, from now on until the end.
    pub fn progress(&self) -> watch::Receiver<Counts> {
        self.progress.clone()
    }

    /// A way to stop the run while it goes.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Says that no more jobs come, and waits for those that came.
    ///
    /// # Errors
    /// When the run itself broke down, which is a bug.
    pub async fn stop_feeding(mut self) -> Result<RunSummary, tokio::task::JoinError> {
        self.control.close();
        (&mut self.task).await
    }

    /// Waits for the end of a run that others feed, until one of them, or a signal, says that no more jobs come: see
    /// [`Builder::listen`].
    ///
    /// # Errors
    /// When the run itself broke down, which is a bug.
    pub async fn wait(mut self) -> Result<RunSummary, tokio::task::JoinError> {
        (&mut self.task).await
    }
}

impl Drop for LiveRun {
    /// Nobody can say any more that no more jobs come.
    fn drop(&mut self) {
        self.control.close();
    }
}

/// Stops a run, or one of its jobs, from anywhere.
#[derive(Clone, Debug)]
pub struct Stopper {
    mail: Mail,
    signals: watch::Sender<u32>,
}

impl Stopper {
    /// Stops the run as this signal would: the first call gives jobs time to end, the second one does not, and observers
    /// that are slow miss the rest.
    pub fn stop(&self, signal: i32) {
        self.signals.send_modify(|signals| *signals = signals.saturating_add(1));
        self.mail.send(Event::Signalled(signal));
    }

    /// Cancels one job, wherever it is on its way.
    pub fn cancel(&self, job: JobIndex) {
        self.mail.send(Event::CancelRequested(job));
    }
}
