//! Opening and locking the run's directory. What happens inside job directories is elsewhere.

use std::{fs::File, io};

use camino::Utf8Path;
use cap_std::{ambient_authority, fs::Dir};
use rustix::fs::{Access, AtFlags, OFlags, accessat, fstat};

use super::{
    files,
    names::{RETRY, STATUS},
    reserve::Reserve,
};
use crate::{
    adapters::{
        lock::{Holder, Lock, NotLocked, by_process},
        process::orphan,
    },
    model::{path::Location, run::variable},
};

const LOCK: &str = "run.lock";

/// A run's directory, locked. Everything below it is reached through a handle, never by its path.
#[derive(Debug)]
pub struct Workdir {
    pub(super) dir: Dir,
    /// What it is called before people.
    name: Location,
    pub(super) reserve: Reserve,
    /// Directories of jobs of an earlier run, which are to be removed.
    earlier: Vec<String>,
    /// Keeps other runs away.
    _lock: Lock,
}

/// What happens when the directory holds a run already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It is left alone, with an error.
    Refuse,
    /// What that run left is removed; other files are not touched.
    Overwrite,
    /// The run goes on.
    Resume,
}

/// Why a directory cannot be used for a run.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it; the path is the run's directory")]
pub enum WorkdirError {
    #[error("the workdir `{path}` is not an absolute path")]
    Relative { path: Location },
    #[error("the workdir `{path}` is a file; choose a folder with `-w DIR`")]
    NotADirectory { path: Location },
    #[error("cannot write to the workdir `{path}`: {source}; choose another one with `-w DIR`")]
    NotWritable { path: Location, source: io::Error },
    #[error(
        "the workdir `{path}` already holds a run; go on with it by `--resume`, remove it with `--overwrite`, or choose another \
         folder with `-w DIR`"
    )]
    Used { path: Location },
    #[error(
        "the workdir `{path}` has a `{name}` that is not a job directory of xqute's; choose another folder with `-w DIR`"
    )]
    Foreign { path: Location, name: String },
    #[error(
        "job {name} of the run in the workdir `{path}` still runs, as process {pid}; wait for its end, or end it with \
         `kill -- -{pid}`"
    )]
    Alive { path: Location, name: String, pid: u32 },
    #[error("the workdir `{path}` is in use by another xqute{}; wait for its end or choose another folder with `-w DIR`", by_process(*pid))]
    Busy { path: Location, pid: Option<u32> },
    #[error("cannot use the workdir `{path}`: {source}")]
    Io { path: Location, source: io::Error },
}

impl Workdir {
    /// Opens the directory at the absolute `path` for a new run, and creates it if it is missing. Errors call it `name`.
    /// What is to be overwritten is there until [`clear`](Self::clear).
    ///
    /// # Errors
    /// When it cannot be written to, holds a run that is to be left alone, or is in use by a live run.
    pub fn open(path: &Utf8Path, name: &Location, existing: Existing) -> Result<Self, WorkdirError> {
        let here = || name.clone();
        if !path.is_absolute() {
            return Err(WorkdirError::Relative { path: here() });
        }
        let dir = open_or_create(path).map_err(|source| refusal(here(), source))?;
        let mut lock = lock(&dir, name)?;
        let earlier = match existing {
            Existing::Resume => Ok(Vec::new()),
            Existing::Refuse | Existing::Overwrite => job_dirs(&dir, path, name, existing),
        };
        if matches!(earlier, Err(WorkdirError::Foreign { .. } | WorkdirError::Used { .. })) && lock.is_blank() {
            // It was not there before.
            let _ = files::remove(&dir, LOCK);
        }
        let earlier = earlier?;
        Reserve::remove(&dir).map_err(|source| WorkdirError::Io { path: here(), source })?;
        let reserve = lock.sign().and_then(|()| Reserve::open(&dir));
        let reserve = reserve.map_err(|source| WorkdirError::NotWritable { path: here(), source })?;
        Ok(Self {
            dir,
            name: here(),
            reserve,
            earlier,
            _lock: lock,
        })
    }

    /// Removes what is to be overwritten. Whoever keeps a record of it removes that first: what is left when this is
    /// interrupted is not taken for a run that is done.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn clear(&mut self) -> Result<(), WorkdirError> {
        let Self { dir, name, earlier, .. } = self;
        let mut names = std::mem::take(earlier).into_iter();
        names
            .try_for_each(|name| remove_job_dir(dir, &name))
            .map_err(|source| WorkdirError::Io {
                path: name.clone(),
                source,
            })
    }

    /// Whether somebody has removed it. Nothing can be made in it then.
    pub fn is_gone(&self) -> bool {
        fstat(&self.dir).map_or(true, |stat| stat.st_nlink == 0)
    }
}

/// The job directories of an earlier run. None of them may be in the way of a run that overwrites nothing.
fn job_dirs(dir: &Dir, path: &Utf8Path, shown: &Location, existing: Existing) -> Result<Vec<String>, WorkdirError> {
    let here = || shown.clone();
    let failed = |source| WorkdirError::Io { path: here(), source };
    let mut ours = Vec::new();
    for entry in dir.entries().map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let Some(name) = name.to_str().filter(|name| is_index(name)) else {
            continue;
        };
        if !is_job_dir(dir, name) {
            return Err(WorkdirError::Foreign {
                path: here(),
                name: name.to_owned(),
            });
        }
        if existing == Existing::Refuse {
            return Err(WorkdirError::Used { path: here() });
        }
        ours.push(name.to_owned());
    }
    if !ours.is_empty() {
        refuse_if_alive(path, shown)?;
    }
    Ok(ours)
}

/// Who holds the workdir of a run that lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The process, if it said.
    pub pid: Option<u32>,
}

impl Owner {
    /// The owner of the workdir at `path`; none, when nobody has it.
    pub fn of(path: &Utf8Path) -> Option<Self> {
        let Holder { pid } = Holder::of(&File::open(path.join(LOCK)).ok()?)?;
        Some(Self { pid })
    }
}

impl Drop for Workdir {
    fn drop(&mut self) {
        let _ = Reserve::remove(&self.dir);
    }
}

fn open_or_create(path: &Utf8Path) -> io::Result<Dir> {
    std::fs::create_dir_all(path)?;
    Dir::open_ambient_dir(path, ambient_authority())
}

fn refusal(path: Location, source: io::Error) -> WorkdirError {
    match source.kind() {
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => WorkdirError::NotADirectory { path },
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            WorkdirError::NotWritable { path, source }
        }
        _ => WorkdirError::Io { path, source },
    }
}

fn lock(dir: &Dir, name: &Location) -> Result<Lock, WorkdirError> {
    let here = || name.clone();
    let file = files::open(dir, LOCK, OFlags::RDWR | OFlags::CREATE);
    let file = file.map_err(|source| refusal(here(), source))?;
    Lock::take(file).map_err(|error| match error {
        NotLocked::Busy(pid) => WorkdirError::Busy { path: here(), pid },
        NotLocked::Io(source) => WorkdirError::Io { path: here(), source },
    })
}

fn is_index(name: &str) -> bool {
    name.parse::<u32>().is_ok_and(|index| index.to_string() == name)
}

/// Whether this is a directory that a run made for a job, or what a job made of it.
fn is_job_dir(dir: &Dir, name: &str) -> bool {
    match files::open_dir(dir, name) {
        Ok(job) => {
            let has = |name| accessat(&job, name, Access::EXISTS, AtFlags::empty()).is_ok();
            // A run that was killed may have left it empty, or with what it had moved aside for another attempt.
            has(STATUS) || has(RETRY) || dir.read_dir(name).is_ok_and(|mut entries| entries.next().is_none())
        }
        Err(_) => dir.symlink_metadata(name).is_ok_and(|metadata| metadata.is_symlink()),
    }
}

/// Refuses when a job of a killed run still runs on this machine. It is found by what it was started with: a number that was
/// written down proves nothing, as others may bear it now.
fn refuse_if_alive(path: &Utf8Path, shown: &Location) -> Result<(), WorkdirError> {
    let found = orphan::find(variable::WORKDIR, path.as_str());
    let found = found.map_err(|source| WorkdirError::Io {
        path: shown.clone(),
        source,
    })?;
    match found.first() {
        None => Ok(()),
        Some(job) => Err(WorkdirError::Alive {
            path: shown.clone(),
            name: String::from_utf8_lossy(job.variable(variable::JOB_INDEX).unwrap_or(b"?")).into_owned(),
            pid: job.id(),
        }),
    }
}

fn remove_job_dir(dir: &Dir, name: &str) -> io::Result<()> {
    if dir.symlink_metadata(name)?.is_dir() {
        dir.remove_dir_all(name)
    } else {
        dir.remove_file(name)
    }
}
