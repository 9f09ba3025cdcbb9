//! Space for outcomes on a disk that is full: small files, written beforehand, that become what must be recorded.
//!
//! There is one for each job in flight. Such a file is overwritten in place and renamed, which takes no new space; space
//! that was merely given free would be eaten at once by the jobs that filled the disk. Jobs that never got one, because
//! the disk was full before they started, cannot take that of another.

use std::{
    collections::BTreeSet,
    io::{self, Seek, Write},
    sync::{Mutex, MutexGuard, PoisonError},
};

use cap_std::fs::Dir;
use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{OFlags, renameat},
};

use super::files;
use crate::model::job::JobIndex;

const NAME: &str = ".reserve";

/// The files in reserve.
#[derive(Debug)]
pub(super) struct Reserve {
    dir: OwnedFd,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    in_flight: BTreeSet<JobIndex>,
    files: usize,
}

impl Reserve {
    pub(super) fn open(workdir: &Dir) -> io::Result<Self> {
        Ok(Self {
            dir: files::ensure_dir(workdir, NAME)?,
            counts: Mutex::default(),
        })
    }

    /// Removes what a reserve left.
    pub(super) fn remove(workdir: &Dir) -> io::Result<()> {
        match workdir.remove_dir_all(NAME) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// One more job is in flight.
    pub(super) fn job_starts(&self, job: JobIndex) -> io::Result<()> {
        let mut counts = self.counts();
        if counts.files <= counts.in_flight.len() {
            let name = counts.files.to_string();
            let mut file = files::open(&self.dir, &name, OFlags::WRONLY | OFlags::CREATE)?;
            file.write_all(b"space for an exit code\n")?;
            counts.files = counts.files.saturating_add(1);
        }
        counts.in_flight.insert(job);
        Ok(())
    }

    /// One less is, or it never was.
    pub(super) fn job_ended(&self, job: JobIndex) {
        self.counts().in_flight.remove(&job);
    }

    /// Makes sure that a small file of a job holds `content`; if it is in flight, also on a full disk.
    pub(super) fn put(&self, job: JobIndex, dir: impl AsFd, name: &str, content: &[u8]) -> io::Result<()> {
        match files::put(&dir, name, content) {
            Err(error) if is_full(&error) && self.counts().in_flight.contains(&job) => {
                self.spend(&dir, name, content).map_err(|_| error)
            }
            done => done,
        }
    }

    fn spend(&self, dir: impl AsFd, name: &str, content: &[u8]) -> io::Result<()> {
        let mut counts = self.counts();
        let last = counts.files.checked_sub(1).ok_or(io::ErrorKind::StorageFull)?;
        let spare = last.to_string();
        let mut file = files::open(&self.dir, &spare, OFlags::WRONLY)?;
        file.rewind()?;
        file.write_all(content)?;
        file.set_len(content.len() as u64)?;
        renameat(&self.dir, spare.as_str(), dir, name)?;
        counts.files = last;
        Ok(())
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether there is no space left.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_file_for_each_job_in_flight() {
        let temp = tempfile::tempdir().unwrap();
        let workdir = Dir::open_ambient_dir(temp.path(), cap_std::ambient_authority()).unwrap();
        let reserve = Reserve::open(&workdir).unwrap();
        let spares = || std::fs::read_dir(temp.path().join(NAME)).unwrap().count();
        for _ in 0..5 {
            reserve.job_starts(JobIndex(1)).unwrap();
            reserve.job_starts(JobIndex(2)).unwrap();
            reserve.job_ended(JobIndex(1));
            reserve.job_ended(JobIndex(2));
        }
        assert_eq!(spares(), 2);
        reserve.spend(&workdir, "job.rc", b"143\n").unwrap();
        assert_eq!(std::fs::read(temp.path().join("job.rc")).unwrap(), b"143\n");
        assert_eq!(spares(), 1);
        reserve.spend(&workdir, "job.rc", b"7\n").unwrap();
        assert_eq!(std::fs::read(temp.path().join("job.rc")).unwrap(), b"7\n");
        assert!(reserve.spend(&workdir, "job.rc", b"0\n").is_err());
        reserve.job_starts(JobIndex(3)).unwrap();
        assert_eq!(spares(), 1);
        Reserve::remove(&workdir).unwrap();
        Reserve::remove(&workdir).unwrap();
    }
}
