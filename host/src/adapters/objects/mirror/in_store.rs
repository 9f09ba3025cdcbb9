//! What the store has of the host's own files: whoever brings one there, or fetches one from there, tells it, so that it is not
//! brought there again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use camino::Utf8Path;

use super::tree::{self, Tree};
use crate::model::job::JobIndex;

/// By job, the files as they were then.
#[derive(Clone, Debug, Default)]
pub(crate) struct InStore(Arc<Mutex<HashMap<JobIndex, Tree>>>);

impl InStore {
    /// The store has a file of this job directory as it is now.
    pub(crate) fn learn(&self, dir: &Utf8Path, job: JobIndex, file: &str) {
        if let Some(stamp) = tree::stamp(dir.as_std_path(), file) {
            self.jobs().entry(job).or_default().insert(file.to_owned(), stamp);
        }
    }

    /// Whether the store has a file of this job directory as it is now.
    pub(crate) fn has(&self, dir: &Utf8Path, job: JobIndex, file: &str) -> bool {
        let now = tree::stamp(dir.as_std_path(), file);
        now.is_some() && now == self.jobs().get(&job).and_then(|files| files.get(file).copied())
    }

    /// What the store has of a job that is over. It is asked for once.
    pub(super) fn take(&self, job: JobIndex) -> Tree {
        self.jobs().remove(&job).unwrap_or_default()
    }

    fn jobs(&self) -> MutexGuard<'_, HashMap<JobIndex, Tree>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
