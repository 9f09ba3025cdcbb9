//! What is written to and read from job directories.

use std::io;

use camino::Utf8Path;
use cap_std::{ambient_authority, fs::Dir};
use rustix::{
    fd::OwnedFd,
    fs::{AtFlags, Mode, mkdirat, renameat, statat},
    io::Errno,
};

use super::{
    Workdir, files,
    names::{JID, RC, RETRY, STATUS, STDERR, STDOUT},
    reserve::is_full,
    tail,
};
use crate::model::{
    job::JobIndex,
    outcome::{FailureCause, Outcome},
    run::{JobAttempt, JobRef},
    state::State,
};

/// A job directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} in the directory of job {job}: {source}")]
pub struct JobDirError {
    /// Which job.
    pub job: JobIndex,
    /// What was tried.
    pub action: &'static str,
    /// What the operating system says.
    pub source: io::Error,
}

/// All of these block, but only as long as the file system takes.
impl Workdir {
    /// Makes a job directory ready for an attempt: what an earlier one left is moved aside, the script and the state
    /// `submitted` are written. The job itself only ever overwrites the state in place.
    ///
    /// # Errors
    /// When the file system says no, or a first attempt finds its directory taken.
    pub fn prepare(&self, attempt: &JobAttempt, script: &[u8]) -> Result<(), JobDirError> {
        self.make_ready(attempt, "write the script", State::Submitted, |job| {
            files::create(job, attempt.script_name(), script, Mode::from(0o777))
        })
    }

    /// Makes a job directory ready for an attempt that has no script. Such a job cannot show that it runs, so its state
    /// tells that beforehand.
    ///
    /// # Errors
    /// As for [`prepare`](Self::prepare).
    pub fn prepare_without_script(&self, attempt: &JobAttempt) -> Result<(), JobDirError> {
        self.make_ready(attempt, "write the state", State::Running, |_| Ok(()))
    }

    fn make_ready(
        &self,
        attempt: &JobAttempt,
        action: &'static str,
        state: State,
        write_script: impl FnOnce(&OwnedFd) -> io::Result<()>,
    ) -> Result<(), JobDirError> {
        let make = || {
            self.reserve.job_starts(attempt.job)?;
            let job = self.open_for(attempt)?;
            // First what shows whose directory it is.
            files::create(&job, STATUS, status(state).as_bytes(), Mode::from(0o666))?;
            write_script(&job)
        };
        make().map_err(|source| JobDirError {
            job: attempt.job,
            action,
            source,
        })
    }

    /// Records what the backend calls an attempt.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn record_id(&self, job: &JobRef) -> Result<(), JobDirError> {
        self.record(job.job, "record the backend's id", |dir| {
            files::put_new(dir, JID, format!("{}\n", job.id).as_bytes())
        })
    }

    /// Records a state, in place.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn record_state(&self, job: JobIndex, state: State) -> Result<(), JobDirError> {
        self.record(job, "record the state", |dir| {
            files::put(dir, STATUS, status(state).as_bytes())
        })
    }

    /// Records how a job ended. What it wrote itself stays when it says the same. A job that wrote nothing to its stderr
    /// because it was never allowed or able to gets the reason there.
    ///
    /// # Errors
    /// When the file system says no, even with what is in reserve for a full disk.
    pub fn record_outcome(&self, job: JobIndex, outcome: &Outcome) -> Result<(), JobDirError> {
        self.record(job, "record the outcome", |dir| {
            self.reserve
                .put(job, dir, RC, format!("{}\n", outcome.rc()).as_bytes())?;
            self.reserve.put(job, dir, STATUS, status(outcome.state()).as_bytes())
        })?;
        let Some(reason) = reason(outcome) else { return Ok(()) };
        self.record(job, "record the reason", |dir| {
            let text = format!("xqute: {reason}\n");
            match files::create(dir, STDERR, text.as_bytes(), Mode::from(0o666)) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists || is_full(&error) => Ok(()),
                done => done,
            }
        })
    }

    /// Nothing more will be recorded of this job: what was in reserve for it serves another.
    pub fn job_ended(&self, job: JobIndex) {
        self.reserve.job_ended(job);
    }

    /// The exit code that the job itself recorded, if it did. Numbers below zero are our words for what has none: who was
    /// killed when it had written one had not come to decide what follows.
    pub fn reported_rc(&self, job: JobIndex) -> Option<i32> {
        let dir = files::open_dir(&self.dir, &job.to_string()).ok()?;
        files::read_number(&dir, RC).filter(|code| *code >= 0)
    }

    /// Whether the job's script says that it runs.
    pub fn shows_running(&self, job: JobIndex) -> bool {
        files::open_dir(&self.dir, &job.to_string())
            .is_ok_and(|dir| files::read_number(&dir, STATUS) == Some(State::Running.code()))
    }

    /// Whether the job's script began and yet never came to its command, whose output is the first thing that it creates.
    /// Only of a script that has ended, and has left no exit code, does this say anything.
    pub fn stopped_before_command(&self, job: JobIndex) -> bool {
        let Ok(dir) = files::open_dir(&self.dir, &job.to_string()) else {
            return false;
        };
        let began = files::read_number(&dir, STATUS) == Some(State::Running.code());
        began && matches!(statat(&dir, STDOUT, AtFlags::SYMLINK_NOFOLLOW), Err(Errno::NOENT))
    }

    /// The last lines that the job wrote to its stderr, fit to be shown; empty if there are none.
    pub fn stderr_tail(&self, job: JobIndex, max_lines: usize, max_bytes: usize) -> String {
        tail_of(&self.dir, job, max_lines, max_bytes)
    }

    /// The directory of an attempt, with nothing in the way of its files.
    fn open_for(&self, attempt: &JobAttempt) -> io::Result<OwnedFd> {
        let name = attempt.job.to_string();
        if attempt.attempt.retries() == 0 {
            mkdirat(&self.dir, name.as_str(), Mode::from(0o777))?;
            return files::open_dir(&self.dir, &name);
        }
        let job = files::ensure_dir(&self.dir, &name)?;
        let retry = files::ensure_dir(&job, RETRY)?;
        // The number says that nothing of the earlier attempt is left in the job directory. Until that is so, also for
        // whoever comes after a process that was killed meanwhile, another name holds what was moved.
        let number = attempt.attempt.retries().to_string();
        let moving = format!("{number}.moving");
        let earlier = files::ensure_dir(&retry, &moving)?;
        for file in files::names(&job, ".")?.into_iter().filter(|name| is_of_attempt(name)) {
            match renameat(&job, &*file, &earlier, &*file) {
                Ok(()) | Err(Errno::NOENT) => (),
                Err(error) => return Err(error.into()),
            }
        }
        renameat(&retry, moving, &retry, number)?;
        Ok(job)
    }

    /// Writes to a job directory, which is made if it is missing: a job can fail before it gets one.
    fn record(
        &self,
        job: JobIndex,
        action: &'static str,
        write: impl FnOnce(&OwnedFd) -> io::Result<()>,
    ) -> Result<(), JobDirError> {
        let name = job.to_string();
        let dir = match files::open_dir(&self.dir, &name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => files::ensure_dir(&self.dir, &name),
            dir => dir,
        };
        dir.and_then(|dir| write(&dir))
            .map_err(|source| JobDirError { job, action, source })
    }
}

/// Whether a file in a job directory belongs to one attempt: all that xqute, a job script or a backend writes there does.
fn is_of_attempt(name: &str) -> bool {
    name.starts_with("job.") && name != RETRY
}

/// The last lines that a job of the run in `workdir` wrote to its stderr, fit to be shown; empty if there are none. Takes no
/// part in who may use the workdir.
pub fn stderr_tail(workdir: &Utf8Path, job: JobIndex, max_lines: usize, max_bytes: usize) -> String {
    match Dir::open_ambient_dir(workdir, ambient_authority()) {
        Ok(dir) => tail_of(&dir, job, max_lines, max_bytes),
        Err(_) => String::new(),
    }
}

fn tail_of(workdir: &Dir, job: JobIndex, max_lines: usize, max_bytes: usize) -> String {
    let dir = files::open_dir(workdir, &job.to_string());
    let end = dir.and_then(|dir| files::read_end(&dir, STDERR, max_bytes));
    end.map(|(bytes, cut)| tail::last_lines(&bytes, cut, max_lines))
        .unwrap_or_default()
}

fn status(state: State) -> String {
    format!("{}\n", state.code())
}

/// What there is to say beyond an exit code or a signal.
fn reason(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Succeeded | Outcome::Failed(FailureCause::ExitCode(_) | FailureCause::Signal(_)) => None,
        Outcome::Failed(cause) => Some(cause.to_string()),
        Outcome::Cancelled(reason) => Some(reason.to_string()),
    }
}
