//! Where the state of a run is: in its workdir, or where that says.

use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use camino::Utf8Path;

use super::{error::StateError, schema};
use crate::adapters::lock::{Lock, NotLocked};

/// The usual name, inside the workdir.
const FILE: &str = "run.db";

/// Holds the path of a state that is elsewhere.
const POINTER: &str = "run.state";

/// Where the state of a run is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    file: PathBuf,
    /// The workdir's file that says so, if the state is not in the workdir.
    pointer: Option<PathBuf>,
}

impl Place {
    /// The place for the state of the run in `workdir`: the absolute path `elsewhere`, if the user named one; else where
    /// an earlier run said; else in the workdir.
    pub fn of(workdir: &Utf8Path, elsewhere: Option<&Utf8Path>) -> Self {
        let pointer = workdir.as_std_path().join(POINTER);
        let elsewhere = match elsewhere {
            Some(file) => Some(file.as_std_path().to_owned()),
            None => fs::read_to_string(&pointer).ok().map(|line| line.trim_end().into()),
        };
        match elsewhere {
            Some(file) => Self {
                file,
                pointer: Some(pointer),
            },
            None => Self {
                file: workdir.as_std_path().join(FILE),
                pointer: None,
            },
        }
    }

    /// The database.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Whether it is in the workdir.
    pub(super) const fn is_usual(&self) -> bool {
        self.pointer.is_none()
    }

    /// Whether a state is there.
    pub fn is_taken(&self) -> bool {
        self.file.exists()
    }

    /// Whether the workdir says that its state is elsewhere.
    pub fn is_announced(&self) -> bool {
        self.pointer.as_ref().is_some_and(|pointer| pointer.exists())
    }

    /// Keeps every other run away from the state, until what this returns is dropped. Reading it is always possible.
    ///
    /// # Errors
    /// When another run has it, or nothing can be written there.
    pub fn hold(&self) -> Result<Held, StateError> {
        // A link to a state is that state. The database itself is none of ours to lock: closing it once more would end
        // SQLite's own locks.
        let file = fs::canonicalize(&self.file).unwrap_or_else(|_| self.file.clone());
        let mut name = file.into_os_string();
        name.push(".lock");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(name).map_err(|error| self.unusable(&error))?;
        let mut lock = Lock::take(file).map_err(|error| match error {
            NotLocked::Busy(pid) => StateError::Busy {
                path: self.file.clone(),
                pid,
            },
            NotLocked::Io(error) => self.unusable(&error),
        })?;
        lock.sign().map_err(|error| self.unusable(&error))?;
        Ok(Held {
            place: self.clone(),
            lock,
        })
    }

    /// Leaves word in the workdir, unless it is there. Whoever reads it meanwhile sees all of it.
    fn announce(&self) -> Result<(), StateError> {
        let Some(pointer) = &self.pointer else { return Ok(()) };
        let text = format!("{}\n", self.file.display());
        if fs::read(pointer).is_ok_and(|there| there == text.as_bytes()) {
            return Ok(());
        }
        let unfinished = schema::unfinished(pointer);
        fs::write(&unfinished, text)
            .and_then(|()| fs::rename(unfinished, pointer))
            .map_err(|error| self.unusable(&error))
    }

    fn unusable(&self, error: &io::Error) -> StateError {
        StateError::Unusable {
            path: self.file.clone(),
            what: error.to_string(),
        }
    }
}

/// A place that no other run can use.
#[derive(Debug)]
pub struct Held {
    place: Place,
    lock: Lock,
}

impl Held {
    /// The place.
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// What keeps others away, for whoever needs nothing else any more. Leaves word in the workdir where the state is.
    pub(super) fn announced(self) -> Result<Lock, StateError> {
        self.place.announce()?;
        Ok(self.lock)
    }

    /// Removes the state and the word about it.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn clear(&self) -> Result<(), StateError> {
        let Place { file, pointer } = &self.place;
        let unfinished = schema::files(&schema::unfinished(file));
        let [file, companions @ ..] = schema::files(file);
        for file in companions
            .into_iter()
            .chain(unfinished)
            .chain([file])
            .chain(pointer.clone())
        {
            match fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(self.place.unusable(&error)),
                _ => {}
            }
        }
        Ok(())
    }
}
