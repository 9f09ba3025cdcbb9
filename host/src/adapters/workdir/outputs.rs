//! Job directories as a scheduler needs them that starts jobs itself: the files for their output, and the ids that were
//! recorded for them.

use std::{fs::File, io, sync::OnceLock};

use camino::Utf8PathBuf;
use rustix::{
    fd::OwnedFd,
    fs::{CWD, Mode, OFlags, openat},
};

use super::{
    files,
    names::{JID, STDERR, STDOUT},
};
use crate::model::job::JobIndex;

/// The job directories of a run.
#[derive(Debug)]
pub struct Outputs {
    path: Utf8PathBuf,
    /// Opened when it is first needed: a scheduler is there before its run's directory is.
    workdir: OnceLock<OwnedFd>,
}

impl Outputs {
    /// Those of the run in the directory `workdir`.
    pub fn new(workdir: impl Into<Utf8PathBuf>) -> Self {
        Self {
            path: workdir.into(),
            workdir: OnceLock::new(),
        }
    }

    /// Creates the files for a job's standard output and standard error.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn create(&self, job: JobIndex) -> io::Result<(File, File)> {
        let dir = self.job(job)?;
        Ok((files::open_output(&dir, STDOUT)?, files::open_output(&dir, STDERR)?))
    }

    /// The id that was recorded for the latest attempt of a job, if it is a number.
    pub fn recorded_id(&self, job: JobIndex) -> Option<u32> {
        files::read_number(self.job(job).ok()?, JID)
    }

    fn job(&self, job: JobIndex) -> io::Result<OwnedFd> {
        let name = job.to_string();
        if let Some(workdir) = self.workdir.get() {
            return files::open_dir(workdir, &name);
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let workdir = openat(CWD, self.path.as_str(), flags, Mode::empty())?;
        files::open_dir(self.workdir.get_or_init(|| workdir), &name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, io::Write, os::unix::fs::symlink};

    #[test]
    fn outputs_are_new_files_whatever_was_there() {
        let temp = tempfile::tempdir().unwrap();
        let outputs = Outputs::new(camino::Utf8Path::from_path(temp.path()).unwrap());
        assert!(outputs.create(JobIndex(7)).is_err());
        let (dir, secret) = (temp.path().join("7"), temp.path().join("secret"));
        fs::create_dir(&dir).unwrap();
        fs::write(&secret, "kept").unwrap();
        symlink(&secret, dir.join("job.stdout")).unwrap();
        fs::write(dir.join("job.stderr"), "earlier").unwrap();
        let (mut stdout, _stderr) = outputs.create(JobIndex(7)).unwrap();
        stdout.write_all(b"out").unwrap();
        assert_eq!(fs::read(dir.join("job.stdout")).unwrap(), b"out");
        assert_eq!(fs::read(dir.join("job.stderr")).unwrap(), b"");
        assert_eq!(fs::read(&secret).unwrap(), b"kept");
        symlink(&dir, temp.path().join("8")).unwrap();
        assert!(outputs.create(JobIndex(8)).is_err());
    }

    #[test]
    fn ids_are_read_as_far_as_they_are_numbers() {
        let temp = tempfile::tempdir().unwrap();
        let outputs = Outputs::new(camino::Utf8Path::from_path(temp.path()).unwrap());
        fs::create_dir(temp.path().join("7")).unwrap();
        assert_eq!(outputs.recorded_id(JobIndex(7)), None);
        for (content, id) in [("123\n", Some(123)), ("none\n", None)] {
            fs::write(temp.path().join("7/job.jid"), content).unwrap();
            assert_eq!(outputs.recorded_id(JobIndex(7)), id);
        }
    }
}
