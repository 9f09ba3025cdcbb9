//! Reads a job directory as a script of a user would.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::machine::wait_for;

/// One job's directory.
pub struct JobDir {
    path: PathBuf,
}

impl JobDir {
    /// The one at this place.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// A file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Whether there is such a directory.
    pub fn exists(&self) -> bool {
        self.path.is_dir()
    }

    /// The bytes of a file in it.
    #[track_caller]
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        let path = self.path(name);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The text of a file in it.
    #[track_caller]
    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).unwrap()
    }

    /// What the backend calls the attempt, as soon as that is written down: a job may be quicker.
    #[track_caller]
    pub fn id(&self) -> String {
        let read = || fs::read_to_string(self.path("job.jid")).ok();
        let id = wait_for("the id of the job is written down", || {
            read().filter(|id| id.ends_with('\n'))
        });
        id.trim().to_owned()
    }

    /// What the command wrote to its standard output.
    #[track_caller]
    pub fn stdout(&self) -> String {
        self.text("job.stdout")
    }

    /// What everything wrote to standard error.
    #[track_caller]
    pub fn stderr(&self) -> String {
        self.text("job.stderr")
    }

    /// Checks the exit code, and that the state fits it.
    #[track_caller]
    pub fn ended(self, rc: i32) -> Self {
        let state = if rc == 0 { "6\n" } else { "7\n" };
        let found = (self.text("job.rc"), self.text("job.status"));
        assert_eq!(found, (format!("{rc}\n"), state.to_owned()), "{}", self.path.display());
        self
    }

    /// The earlier attempt with this number.
    pub fn attempt(&self, number: u32) -> Self {
        Self::new(self.path("job.retry").join(number.to_string()))
    }

    /// Everything below it, sorted.
    pub fn files(&self) -> Vec<String> {
        let mut all = Vec::new();
        list(&self.path, &self.path, &mut all);
        all.sort();
        all
    }
}

fn list(top: &Path, dir: &Path, all: &mut Vec<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(top, &path, all);
        } else {
            all.push(path.strip_prefix(top).unwrap().display().to_string());
        }
    }
}
