//! Opening and locking the run's directory. What happens inside job directories is elsewhere.

use std::{
    fs::{File, TryLockError},
    io::{self, Read, Seek, Write},
};

use camino::{Utf8Path, Utf8PathBuf};
use cap_std::{ambient_authority, fs::Dir};
use rustix::fs::{Access, AtFlags, OFlags, accessat, fstat};

use super::{files, reserve::Reserve};
use crate::{
    adapters::process::orphan,
    model::{path::SpecPath, run::variable},
};

const LOCK: &str = "run.lock";

/// A run's directory, locked. Everything below it is reached through a handle, never by its path.
#[derive(Debug)]
pub struct Workdir {
    pub(super) dir: Dir,
    path: SpecPath,
    pub(super) reserve: Reserve,
    /// Keeps other runs away until it is closed, by whatever end.
    lock: File,
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
    Relative { path: Utf8PathBuf },
    #[error("the workdir `{path}` is a file; choose a folder with `-w DIR`")]
    NotADirectory { path: Utf8PathBuf },
    #[error("cannot write to the workdir `{path}`: {source}; choose another one with `-w DIR`")]
    NotWritable { path: Utf8PathBuf, source: io::Error },
    #[error(
        "the workdir `{path}` already holds a run; go on with it by `--resume`, remove it with `--overwrite`, or choose another \
         folder with `-w DIR`"
    )]
    Used { path: Utf8PathBuf },
    #[error(
        "the workdir `{path}` has a `{name}` that is not a job directory of xqute's; choose another folder with `-w DIR`"
    )]
    Foreign { path: Utf8PathBuf, name: String },
    #[error(
        "job {name} of the run in the workdir `{path}` still runs, as process {pid}; wait for its end, or end it with \
         `kill -- -{pid}`"
    )]
    Alive { path: Utf8PathBuf, name: String, pid: u32 },
    #[error("the workdir `{path}` is in use by another xqute{}; wait for its end or choose another folder with `-w DIR`", process(*pid))]
    Busy { path: Utf8PathBuf, pid: Option<u32> },
    #[error("cannot use the workdir `{path}`: {source}")]
    Io { path: Utf8PathBuf, source: io::Error },
}

fn process(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}

impl Workdir {
    /// Opens the directory at the absolute `path` for a new run, and creates it if it is missing. Jobs see it as `mounted`.
    ///
    /// # Errors
    /// When it cannot be written to, holds a run that is to be left alone, or is in use by a live run.
    pub fn open(path: &Utf8Path, mounted: Option<&Utf8Path>, existing: Existing) -> Result<Self, WorkdirError> {
        let here = || path.to_owned();
        if !path.is_absolute() {
            return Err(WorkdirError::Relative { path: here() });
        }
        let dir = open_or_create(path).map_err(|source| refusal(here(), source))?;
        let mut lock = lock(&dir, path)?;
        let fresh = match existing {
            Existing::Resume => Reserve::remove(&dir).map_err(|source| WorkdirError::Io { path: here(), source }),
            Existing::Refuse | Existing::Overwrite => Self::clear(&dir, path, existing),
        };
        if matches!(fresh, Err(WorkdirError::Foreign { .. } | WorkdirError::Used { .. })) && is_empty(&lock) {
            // It was not there before.
            let _ = files::remove(&dir, LOCK);
        }
        fresh?;
        let reserve = write_pid(&mut lock).and_then(|()| Reserve::open(&dir));
        let reserve = reserve.map_err(|source| WorkdirError::NotWritable { path: here(), source })?;
        let path = match mounted {
            Some(mounted) => SpecPath::mounted_at(path, mounted),
            None => SpecPath::same(path),
        };
        Ok(Self {
            dir,
            path,
            reserve,
            lock,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &SpecPath {
        &self.path
    }

    /// Whether somebody has removed it. Nothing can be made in it then.
    pub fn is_gone(&self) -> bool {
        fstat(&self.dir).map_or(true, |stat| stat.st_nlink == 0)
    }

    /// Makes sure that nothing of an earlier run is in the way.
    fn clear(dir: &Dir, path: &Utf8Path, existing: Existing) -> Result<(), WorkdirError> {
        let here = || path.to_owned();
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
            refuse_if_alive(path)?;
        }
        for name in ours {
            remove_job_dir(dir, &name).map_err(failed)?;
        }
        Reserve::remove(dir).map_err(failed)
    }
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
        let mut file = File::open(path.join(LOCK)).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(Self {
                pid: read_pid(&mut file),
            }),
            Ok(()) | Err(TryLockError::Error(_)) => None,
        }
    }
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut pid = String::new();
    file.take(16).read_to_string(&mut pid).ok()?;
    pid.trim().parse().ok()
}

impl Drop for Workdir {
    fn drop(&mut self) {
        let _ = Reserve::remove(&self.dir);
        // A program that is being started right now has a copy of the handle for a moment; closing ours is not enough.
        let _ = self.lock.unlock();
    }
}

fn open_or_create(path: &Utf8Path) -> io::Result<Dir> {
    std::fs::create_dir_all(path)?;
    Dir::open_ambient_dir(path, ambient_authority())
}

fn refusal(path: Utf8PathBuf, source: io::Error) -> WorkdirError {
    match source.kind() {
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => WorkdirError::NotADirectory { path },
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            WorkdirError::NotWritable { path, source }
        }
        _ => WorkdirError::Io { path, source },
    }
}

fn lock(dir: &Dir, path: &Utf8Path) -> Result<File, WorkdirError> {
    let here = || path.to_owned();
    let file = files::open(dir, LOCK, OFlags::RDWR | OFlags::CREATE);
    let mut file = file.map_err(|source| refusal(here(), source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(WorkdirError::Busy {
            path: here(),
            pid: read_pid(&mut file),
        }),
        Err(TryLockError::Error(source)) => Err(WorkdirError::Io { path: here(), source }),
    }
}

fn is_empty(lock: &File) -> bool {
    lock.metadata().is_ok_and(|metadata| metadata.len() == 0)
}

fn write_pid(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    lock.write_all(format!("{}\n", std::process::id()).as_bytes())
}

fn is_index(name: &str) -> bool {
    name.parse::<u32>().is_ok_and(|index| index.to_string() == name)
}

/// Whether this is a directory that a run made for a job, or what a job made of it.
fn is_job_dir(dir: &Dir, name: &str) -> bool {
    match files::open_dir(dir, name) {
        Ok(job) => {
            let has_status = accessat(&job, "job.status", Access::EXISTS, AtFlags::empty()).is_ok();
            // A run that was killed may have left it empty.
            has_status || dir.read_dir(name).is_ok_and(|mut entries| entries.next().is_none())
        }
        Err(_) => dir.symlink_metadata(name).is_ok_and(|metadata| metadata.is_symlink()),
    }
}

/// Refuses when a job of a killed run still runs on this machine. It is found by what it was started with: a number that was
/// written down proves nothing, as others may bear it now.
fn refuse_if_alive(path: &Utf8Path) -> Result<(), WorkdirError> {
    let found = orphan::find(variable::WORKDIR, path.as_str());
    let found = found.map_err(|source| WorkdirError::Io {
        path: path.to_owned(),
        source,
    })?;
    match found.first() {
        None => Ok(()),
        Some(job) => Err(WorkdirError::Alive {
            path: path.to_owned(),
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
