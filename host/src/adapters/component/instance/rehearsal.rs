//! What plugins would start, were it not for a dry run.

use std::sync::{Mutex, PoisonError};

/// What plugins would have started, in the order in which they wanted to.
#[derive(Debug, Default)]
pub struct Rehearsal(Mutex<Vec<Planned>>);

/// A program that would have been started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The plugin that would have done it.
    pub plugin: String,
    /// Its name, as the plugin gave it.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// What it would have been given to read.
    pub stdin: Vec<u8>,
}

impl Rehearsal {
    pub(crate) fn note(&self, planned: Planned) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(planned);
    }

    /// What was noted since this was asked last.
    pub fn take(&self) -> Vec<Planned> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
