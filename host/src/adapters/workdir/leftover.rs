//! What an earlier process left in job directories, for a run that is resumed.

use std::io;

use super::{JobDirError, Workdir, files, names::RETRY};
use crate::model::job::{Attempt, JobIndex};

impl Workdir {
    /// Which of the first `count` jobs have a directory.
    ///
    /// # Errors
    /// When the workdir cannot be listed.
    pub fn job_dirs(&self, count: usize) -> io::Result<Vec<bool>> {
        let mut present = vec![false; count];
        for entry in self.dir.entries()? {
            let name = entry?.file_name();
            let index = name.to_str().and_then(|name| name.parse::<usize>().ok());
            if let Some(slot) = index.and_then(|index| present.get_mut(index)) {
                *slot = true;
            }
        }
        Ok(present)
    }

    /// The attempt whose files are in the directory of this job: the one after those that were moved aside.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn left_by(&self, job: JobIndex) -> Result<Attempt, JobDirError> {
        let failed = |source| JobDirError {
            job,
            action: "look for earlier attempts",
            source,
        };
        let dir = files::open_dir(&self.dir, &job.to_string()).map_err(failed)?;
        let names = match files::names(&dir, RETRY) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            names => names.map_err(failed)?,
        };
        let moved_aside = names.iter().filter_map(|name| name.parse::<u32>().ok()).max();
        Ok(moved_aside.map_or(Attempt::FIRST, |last| Attempt::new(last).next()))
    }
}
