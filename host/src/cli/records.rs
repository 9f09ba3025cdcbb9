//! The files that `--events` and `--report` name: looked at before anything runs, filled while the run goes and when it is
//! over. What stands in them is decided elsewhere.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Write as _},
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use camino::Utf8Path;
use xqute::{
    RunSummary,
    adapters::{
        clock::Clock,
        events::{EventsFile, Hurry, Start, Totals},
        state::{Reader, StateError, row::RunRow},
        workdir::{Existing, jobs::stderr_tail},
    },
    model::record::{Entry, Timestamp},
    ports::journal::Listener,
};

use super::{
    args::run::RunArgs,
    error::{Failure, Result},
    report::{self, Gather, Head},
};

/// How much of a failed job's stderr goes into the report.
const TAIL_LINES: usize = 20;
const TAIL_BYTES: usize = 8192;

/// The files of one run.
#[derive(Debug)]
pub(super) struct Records {
    events: Option<Events>,
    report: Option<PathBuf>,
}

/// The file of events, shared with the run that fills it.
#[derive(Clone, Debug)]
pub(super) struct Events(Arc<Mutex<Option<EventsFile>>>);

impl Records {
    /// Makes sure that the files can be written. Nothing in them changes yet.
    pub(super) fn open(args: &RunArgs, existing: Existing) -> Result<Self> {
        let start = match existing {
            Existing::Resume => Start::Continued,
            Existing::Refuse | Existing::Overwrite => Start::Anew,
        };
        let events = args.events.as_deref().map(|path| EventsFile::open(path, start));
        let events = events.transpose().map_err(|error| Failure::usage(error.to_string()))?;
        if let Some(path) = &args.report {
            check_report(path)?;
            if events.is_some() && is_same(path, args.events.as_deref()) {
                return Err(Failure::usage(format!(
                    "`{}` cannot hold both the events and the report",
                    path.display()
                )));
            }
        }
        Ok(Self {
            events: events.map(|events| Events(Arc::new(Mutex::new(Some(events))))),
            report: args.report.clone(),
        })
    }

    /// Whoever is to hear what happens in the run.
    pub(super) fn listener(&self) -> Option<Events> {
        self.events.clone()
    }

    /// A way to have an end of waiting for whoever reads the events.
    pub(super) fn hurry(&self) -> Option<Hurry> {
        Some(self.events.as_ref()?.file().as_ref()?.hurry())
    }

    /// The run in `workdir` is about to start or to go on.
    pub(super) fn begin(&self, workdir: &Utf8Path, prefix: Option<&str>) -> std::result::Result<(), StateError> {
        let Some(events) = &self.events else { return Ok(()) };
        let run = Reader::open(workdir)?.run()?;
        if let Some(events) = &mut *events.file() {
            events.begin(&run, prefix.unwrap_or(&run.scheduler), now());
        }
        Ok(())
    }

    /// The run is over. Returns what could not be written, in words. Blocks until those who read the events have them.
    pub(super) fn finish(self, summary: &RunSummary, prefix: Option<&str>) -> Vec<String> {
        let mut unwritten = Vec::new();
        if let Some(mut events) = self.events.and_then(|events| events.file().take()) {
            events.over(&totals(summary), now());
            unwritten.extend(events.finish().err().map(|error| error.to_string()));
        }
        if let Some(path) = self.report {
            let written = page(summary, prefix)
                .map_err(|error| error.to_string())
                .and_then(|page| write(&path, &page).map_err(|error| error.to_string()));
            let told = written.map_err(|error| format!("the report `{}`: {error}", path.display()));
            unwritten.extend(told.err());
        }
        unwritten
    }
}

impl Events {
    fn file(&self) -> MutexGuard<'_, Option<EventsFile>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for Events {
    fn recorded(&mut self, entries: &[Entry]) {
        if let Some(events) = &mut *self.file() {
            events.recorded(entries);
        }
    }
}

fn now() -> Timestamp {
    Clock::start().timestamp()
}

fn totals(summary: &RunSummary) -> Totals {
    let counts = &summary.counts;
    Totals {
        fed: counts.fed,
        succeeded: counts.succeeded,
        failed: counts.failed,
        cancelled: counts.cancelled,
        retries: counts.retries,
        stopped: summary.stopped,
    }
}

/// The page, made of what is recorded of the run.
fn page(summary: &RunSummary, prefix: Option<&str>) -> std::result::Result<String, StateError> {
    let workdir: &Utf8Path = &summary.home;
    let state = Reader::open(workdir)?;
    let run = state.run()?;
    let mut gather = Gather::new(head(run, summary, prefix));
    let mut failed = None;
    state.each_job(None, |job| {
        let earlier = match job.attempt.retries() {
            0 => Ok(Vec::new()),
            _ => state.earlier_attempts(job.index),
        };
        match earlier {
            Ok(earlier) => gather.add(&job, &earlier),
            Err(error) => failed = Some(error),
        }
        match failed {
            None => ControlFlow::Continue(()),
            Some(_) => ControlFlow::Break(()),
        }
    })?;
    match failed {
        None => Ok(report::page(gather, &|job| {
            stderr_tail(workdir, job, TAIL_LINES, TAIL_BYTES)
        })),
        Some(error) => Err(error),
    }
}

fn head(run: RunRow, summary: &RunSummary, prefix: Option<&str>) -> Head {
    Head {
        tag: run.tag,
        workdir: summary.workdir.to_string(),
        prefix: prefix.unwrap_or(&run.scheduler).to_owned(),
        scheduler: run.scheduler,
        started: run.started,
        over: now(),
        stopped: summary.stopped,
    }
}

/// As a shell's `>` would: in place, whatever is there.
fn write(path: &Path, page: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(page.as_bytes())
}

/// Makes sure that a report may be written to this place.
fn check_report(path: &Path) -> Result<()> {
    let unusable = |error: io::Error| {
        let why = match error.kind() {
            io::ErrorKind::NotFound => "there is no such folder".to_owned(),
            _ => error.to_string(),
        };
        Failure::usage(format!("cannot write a report to `{}`: {why}", path.display()))
            .help("name another file with --report FILE")
    };
    let is_new = path.symlink_metadata().is_err();
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .map_err(unusable)?;
    if is_new {
        return std::fs::remove_file(path).map_err(unusable);
    }
    if !file.metadata().map_err(unusable)?.is_file() {
        return Ok(());
    }
    let mut first = String::new();
    let wanted = report::MARK;
    // What is not even text is not ours either.
    let read = File::open(path)
        .map_err(unusable)?
        .take(wanted.len() as u64)
        .read_to_string(&mut first);
    match read {
        Ok(_) if first.is_empty() || first == wanted => Ok(()),
        _ => Err(Failure::usage(format!(
            "`{}` is not a report of xqute's, and writing one to it would destroy it",
            path.display()
        ))
        .help("name another file with --report FILE, or remove it")),
    }
}

fn is_same(one: &Path, other: Option<&Path>) -> bool {
    let place = |path: &Path| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
        path.canonicalize()
            .ok()
            .or_else(|| Some(folder.join(path.file_name()?)))
    };
    other.is_some_and(|other| place(one).is_some() && place(one) == place(other) && !is_device(other))
}

fn is_device(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| !metadata.is_file())
}
