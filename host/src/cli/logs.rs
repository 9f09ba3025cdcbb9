//! `xqute logs`: what an attempt of a job wrote, byte for byte.

use std::{io, num::NonZeroU32};

use camino::Utf8Path;
use tokio::runtime::{Builder, Runtime};
use xqute::{
    Attempt, JobIndex,
    adapters::{
        objects::{Folder, StoreError, Whereabouts, claim::Marker, pull::Pull},
        process::orphan::{self, Found},
        state::{Reader, row::JobRow},
        workdir::{
            dir::Owner,
            output::{Output, Stream},
        },
    },
    builder::LOCAL,
    model::{path::Location, run::variable, state::State},
};

use super::{
    args::live::LogsArgs,
    error::{Failure, Result},
    exit::Exit,
    live, out,
};

/// Shows it; with `--follow` until the attempt has ended.
pub(super) fn logs(args: &LogsArgs, run: &Whereabouts) -> Result<Exit> {
    let reader = live::open(run)?;
    let job = one(&reader, &args.job)?;
    let attempt = choose(&job, args.attempt.map(NonZeroU32::get), args.follow)?;
    let stream = if args.stderr { Stream::Stderr } else { Stream::Stdout };
    let source = Source::of(run, job.index, attempt, stream)?;
    let output = Output::of(source.workdir(run), job.index, attempt, stream);
    let follower = Follower {
        reader,
        run,
        job: job.index,
        attempt,
        output: output.map_err(|error| unreadable(job.index, error))?,
        source,
    };
    match args.follow {
        true => follower.follow(),
        false => follower.show(),
    }
}

fn one(reader: &Reader, word: &str) -> Result<JobRow> {
    let mut jobs = live::find(reader, word)?;
    match (jobs.pop(), jobs.first()) {
        (Some(last), Some(first)) => {
            let message = format!("the jobs {} to {} share the name `{word}`", first.index, last.index);
            Err(Failure::usage(message).help(format!("name one by its index, such as {}", first.index)))
        }
        (Some(job), None) => Ok(job),
        (None, _) => Err(Failure::usage(format!("this run has no job `{word}`"))),
    }
}

/// Which attempt to show. While a job waits for another one, that is the one before it, unless somebody wants to wait too.
fn choose(job: &JobRow, asked: Option<u32>, wait: bool) -> Result<Attempt> {
    let latest = match job.state {
        State::Queued if !wait && job.attempt > Attempt::FIRST => Attempt::new(job.attempt.retries()),
        _ => job.attempt,
    };
    let Some(asked) = asked else { return Ok(latest) };
    if asked > job.attempt.get() && (job.outcome.is_some() || !wait) {
        let attempts = if latest.get() == 1 { "attempt" } else { "attempts" };
        return Err(Failure::usage(format!(
            "job {} has had {latest} {attempts}, so there is no attempt {asked}",
            job.index
        )));
    }
    Ok(Attempt::new(asked))
}

/// How far an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Waits,
    Goes,
    Ended,
}

fn progress(job: &JobRow, attempt: Attempt) -> Progress {
    match job.attempt.cmp(&attempt) {
        _ if job.outcome.is_some() => Progress::Ended,
        std::cmp::Ordering::Greater => Progress::Ended,
        std::cmp::Ordering::Less => Progress::Waits,
        std::cmp::Ordering::Equal if job.state == State::Queued => Progress::Waits,
        std::cmp::Ordering::Equal => Progress::Goes,
    }
}

/// What came of showing what is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Copied {
    /// There is no such output.
    Nothing,
    /// All that was there.
    New,
    /// Nobody reads any more.
    Enough,
}

struct Follower<'a> {
    reader: Reader,
    run: &'a Whereabouts,
    job: JobIndex,
    attempt: Attempt,
    output: Output,
    source: Source,
}

/// Where the output comes from.
enum Source {
    /// It is on this machine.
    Home,
    /// Jobs leave it in a store.
    Store(Box<Pull>, Runtime),
}

impl Source {
    fn of(run: &Whereabouts, job: JobIndex, attempt: Attempt, stream: Stream) -> Result<Self> {
        let (Some(marker), Location::Stored(place)) = (Marker::kept(&run.home), &run.workdir) else {
            return Ok(Self::Home);
        };
        if !marker.jobs_are_afar() {
            return Ok(Self::Home);
        }
        let failed = |error: io::Error| unreadable(job, error);
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let folder = runtime.block_on(Folder::open(place)).map_err(in_store)?;
        let pull = Pull::new(folder, job, attempt, stream).map_err(failed)?;
        Ok(Self::Store(Box::new(pull), runtime))
    }

    fn workdir<'a>(&'a self, run: &'a Whereabouts) -> &'a Utf8Path {
        match self {
            Self::Home => &run.home,
            Self::Store(pull, _) => pull.workdir(),
        }
    }

    /// Sees to it that all that there is by now is on this machine.
    fn bring(&mut self) -> Result<()> {
        match self {
            Self::Home => Ok(()),
            Self::Store(pull, runtime) => runtime.block_on(pull.bring()).map_err(in_store),
        }
    }
}

fn in_store(error: StoreError) -> Failure {
    Failure::new(Exit::Workdir, error)
}

impl Follower<'_> {
    fn show(mut self) -> Result<Exit> {
        if self.progress()? == Progress::Waits {
            return Err(Failure::usage(format!(
                "attempt {} of job {} has not started yet",
                self.attempt, self.job
            ))
            .help("--follow waits for it"));
        }
        match self.copy()? {
            Copied::Nothing => Err(self.nothing()?),
            Copied::New | Copied::Enough => Ok(Exit::Success),
        }
    }

    fn follow(mut self) -> Result<Exit> {
        let mut look = true;
        let mut progress = Progress::Waits;
        loop {
            self.output.listen().map_err(|error| unreadable(self.job, error))?;
            // The state is asked only when the attempt seems to have ended, or nothing is heard of it: it may write often.
            if look || progress == Progress::Waits || self.output.has_exit_code() {
                progress = self.progress()?;
            }
            if progress != Progress::Waits {
                match (self.copy()?, progress) {
                    (Copied::Nothing, Progress::Ended) => return Err(self.nothing()?),
                    (Copied::Enough, _) | (_, Progress::Ended) => return Ok(Exit::Success),
                    (Copied::Nothing | Copied::New, _) => {}
                }
            }
            look = !self.output.wait().map_err(|error| unreadable(self.job, error))?;
        }
    }

    /// Shows what is new.
    fn copy(&mut self) -> Result<Copied> {
        self.source.bring()?;
        let mut to = Told::default();
        let copied = self.output.copy(&mut to);
        match (copied, to.failed) {
            (_, Some(error)) => out::done(Err(error)).map(|_| Copied::Enough),
            (Err(error), None) => Err(unreadable(self.job, error)),
            (Ok(false), None) => Ok(Copied::Nothing),
            (Ok(true), None) => Ok(Copied::New),
        }
    }

    /// An attempt that is over left no such file.
    fn nothing(&self) -> Result<Failure> {
        let row = self.reader.job(self.job).map_err(live::unreadable)?;
        let why = row.and_then(|row| row.outcome).map(|outcome| format!(": {outcome}"));
        let message = format!("job {} left no such output{}", self.job, why.unwrap_or_default());
        Ok(Failure::new(Exit::JobsFailed, anyhow::Error::msg(message)))
    }

    /// Whether the attempt of a dead run may still go on: jobs of this machine leave an exit code only if they have a script,
    /// but their processes can be looked for.
    fn may_live(&self) -> Result<bool> {
        let run = self.reader.run().map_err(live::unreadable)?;
        if run.scheduler != LOCAL {
            return Ok(true);
        }
        let found = orphan::find(variable::RUN_TAG, &run.tag).map_err(|error| unreadable(self.job, error))?;
        let is = |process: &Found, name, number: u32| process.variable(name) == Some(number.to_string().as_bytes());
        Ok(found.iter().any(|process| {
            is(process, variable::JOB_INDEX, self.job.0) && is(process, variable::JOB_ATTEMPT, self.attempt.get())
        }))
    }

    fn progress(&self) -> Result<Progress> {
        let row = self.reader.job(self.job).map_err(live::unreadable)?;
        let progress = row.map_or(Progress::Waits, |job| progress(&job, self.attempt));
        let nobody = || Owner::of(&self.run.home).is_none();
        match progress {
            // Nobody records the end of what a dead run left.
            Progress::Goes if nobody() && (self.output.has_exit_code() || !self.may_live()?) => Ok(Progress::Ended),
            Progress::Waits if nobody() => Err(Failure::new(
                Exit::Workdir,
                anyhow::Error::msg(format!(
                    "attempt {} of job {} has not started, and nobody is left to start it",
                    self.attempt, self.job
                )),
            )
            .help("no run lives in that workdir")),
            progress => Ok(progress),
        }
    }
}

/// Standard output, which remembers what went wrong, so that this is not taken for a trouble with the job's file.
#[derive(Default)]
struct Told {
    failed: Option<io::Error>,
}

impl Told {
    fn note(&mut self, done: io::Result<()>) -> io::Result<()> {
        done.map_err(|error| {
            let kind = error.kind();
            self.failed = Some(error);
            kind.into()
        })
    }
}

impl io::Write for Told {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let done = io::stdout().lock().write_all(bytes);
        self.note(done).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let done = io::stdout().lock().flush();
        self.note(done)
    }
}

fn unreadable(job: JobIndex, error: io::Error) -> Failure {
    let error = anyhow::Error::new(error).context(format!("cannot read what job {job} wrote"));
    Failure::new(Exit::Workdir, error)
}
