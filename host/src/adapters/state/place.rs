//! Where the state of a run is: in its workdir, or where that says.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use camino::Utf8Path;

use super::{error::StateError, schema};

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

    /// Leaves word in the workdir.
    pub(super) fn announce(&self) -> Result<(), StateError> {
        let Some(pointer) = &self.pointer else { return Ok(()) };
        let text = format!("{}\n", self.file.display());
        fs::write(pointer, text).map_err(|error| self.unusable(&error))
    }

    /// Removes the state and the word about it.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn clear(&self) -> Result<(), StateError> {
        let unfinished = schema::files(&schema::unfinished(&self.file));
        let [file, companions @ ..] = schema::files(&self.file);
        for file in companions
            .into_iter()
            .chain(unfinished)
            .chain([file])
            .chain(self.pointer.clone())
        {
            match fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(self.unusable(&error)),
                _ => {}
            }
        }
        Ok(())
    }

    fn unusable(&self, error: &io::Error) -> StateError {
        StateError::Unusable {
            path: self.file.clone(),
            what: error.to_string(),
        }
    }
}
