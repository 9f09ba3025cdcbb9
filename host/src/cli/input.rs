//! The jobs that a command line names: those that are there, and a pipe that more come from while the run goes.

use std::{
    ffi::OsString,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
};

use tokio::{sync::watch, task::spawn_blocking};
use xqute::{
    BatchError, Command, Counts, FeedError, Feeder, JobSpec,
    adapters::{
        jobfile::{self, BadJobFile, Pipe, Places, Rules},
        state::{Place, Reader, StateError},
    },
};

use super::{
    args::run::RunArgs,
    error::{Failure, Result},
    exit::Exit,
    fetch,
};

/// How many jobs from a pipe may wait for their turn. Whoever fills it is made to wait beyond that.
const AHEAD: u64 = 10_000;

/// How many jobs from a pipe are fed at once.
const BATCH: usize = 1000;

/// The jobs of a run.
pub(super) struct Input {
    /// Those that are there.
    pub(super) jobs: Vec<JobSpec>,
    /// Where those stand.
    pub(super) places: Places,
    /// Where more come from, while the others run.
    pub(super) pipe: Option<Pipe>,
}

/// Reads what is there, before anything else happens.
pub(super) fn read(args: &RunArgs, rules: &Rules) -> Result<Input> {
    let mut files = args.files.clone();
    let pipe = Pipe::stdin(rules).filter(|_| files.iter().filter(|file| is_stdin(file)).count() == 1);
    if pipe.is_some() {
        files.retain(|file| !is_stdin(file));
    }
    let (jobs, places) = read_all(&files, &args.command, rules)?;
    tracing::debug!(jobs = jobs.len(), pipe = pipe.is_some(), "jobs are read");
    Ok(Input { jobs, places, pipe })
}

/// Reads job files to their ends, those in stores from the cache, and the command behind `--` if there is one.
pub(super) fn read_all(files: &[PathBuf], command: &[OsString], rules: &Rules) -> Result<(Vec<JobSpec>, Places)> {
    let fetched = fetch::job_files(files)?;
    let named = files.iter().zip(&fetched).map(|(file, fetched)| {
        let here = fetched.as_ref().map(|fetched| fetched.path().as_std_path());
        (file.display().to_string(), here.unwrap_or(file))
    });
    let (mut jobs, places) = jobfile::read_named(named, rules).map_err(bad_file)?.split();
    if !command.is_empty() {
        let command = Command::argv(command.iter().cloned().map(OsStringExt::into_vec));
        command
            .check()
            .map_err(|bad| Failure::usage(format!("{bad} behind --")))?;
        jobs.push(JobSpec::new(command));
    }
    Ok((jobs, places))
}

fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

fn bad_file(bad: BadJobFile) -> Failure {
    let help = bad.help();
    let failure = Failure::new(Exit::Usage, bad);
    match help {
        Some(help) => failure.help(help),
        None => failure,
    }
}

impl Input {
    /// Reads as many jobs from the pipe as the run that goes on has recorded: they are compared before anything runs.
    pub(super) fn catch_up(&mut self, place: &Place) -> Result<()> {
        let Some(pipe) = self.pipe.as_mut().filter(|_| place.is_taken()) else {
            return Ok(());
        };
        let unusable = |error: StateError| Failure::new(Exit::Workdir, error);
        let recorded = Reader::at(place).and_then(|state| state.given()).map_err(unusable)?;
        let recorded = usize::try_from(recorded).unwrap_or(usize::MAX);
        while self.jobs.len() < recorded {
            let more = pipe.next(recorded - self.jobs.len()).map_err(bad_file)?;
            if more.is_empty() {
                break;
            }
            self.jobs.extend(more);
        }
        Ok(())
    }
}

/// Feeds what comes from a pipe, as fast as jobs are done, until nothing more comes or the run is over.
pub(super) async fn pour(mut pipe: Pipe, feeder: Feeder, mut progress: watch::Receiver<Counts>) -> Result<()> {
    loop {
        if progress.wait_for(|counts| counts.queued < AHEAD).await.is_err() {
            return Ok(());
        }
        let reading = spawn_blocking(move || {
            let jobs = pipe.next(BATCH);
            (pipe, jobs)
        });
        let (back, jobs) = reading
            .await
            .map_err(|error| Failure::new(Exit::Usage, anyhow::Error::new(error)))?;
        pipe = back;
        let jobs = jobs.map_err(|bad| bad_file(bad).help("the jobs before it are run all the same"))?;
        if jobs.is_empty() {
            return Ok(());
        }
        match feeder.give(jobs) {
            Ok(_) => {}
            Err(BatchError::All(FeedError::RunIsOver)) => return Ok(()),
            Err(error) => {
                return Err(
                    Failure::usage(format!("standard input: {error}")).help("the jobs before it are run all the same")
                );
            }
        }
    }
}
