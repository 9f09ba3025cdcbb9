//! The state of a run, opened by the run that it belongs to.

use rusqlite::params;

use super::{
    error::StateError,
    place::Place,
    reader::Reader,
    row::RunRow,
    schema::{self, Access},
    writer,
};
use crate::model::{
    job::{Attempt, JobIndex},
    run::JobRef,
};

/// The state of a run, opened by the run that it belongs to, which holds the lock of its workdir.
#[derive(Debug)]
pub struct Store(Reader);

impl Store {
    /// Starts the state of a new run.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(place: &Place, run: &RunRow) -> Result<Self, StateError> {
        place.announce()?;
        schema::create(place.file(), run)?;
        let connection = schema::open(place.file(), Access::Write)?;
        Ok(Self(Reader::over(connection, place.file())))
    }

    /// Opens the state of the run with this tag, which is resumed.
    ///
    /// # Errors
    /// When it is not there, not ours, damaged, of a newer version, or of another run.
    pub fn open(place: &Place, tag: &str) -> Result<Self, StateError> {
        let store = Self(Reader::over(schema::open(place.file(), Access::Write)?, place.file()));
        if store.0.run()?.tag != tag {
            return Err(StateError::Replaced {
                path: place.file().to_owned(),
            });
        }
        place.announce()?;
        Ok(store)
    }

    /// What is recorded.
    pub const fn rows(&self) -> &Reader {
        &self.0
    }

    /// These jobs, which were over, get another attempt: the one that is given. What an attempt of that number left is
    /// forgotten; earlier ones are kept.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn revive(&self, jobs: &[(JobIndex, Attempt)]) -> Result<(), StateError> {
        let failed = |error| StateError::of(&self.0.path, &error);
        let transaction = self.0.connection.unchecked_transaction().map_err(failed)?;
        for (job, next) in jobs {
            for sql in [
                "DELETE FROM attempt WHERE job = ? AND attempt >= ?",
                "UPDATE attempt SET again = 1 WHERE job = ? AND attempt < ?",
            ] {
                transaction
                    .prepare_cached(sql)
                    .and_then(|mut statement| statement.execute(params![job.0, next.get()]))
                    .map_err(failed)?;
            }
        }
        transaction.commit().map_err(failed)
    }

    /// These attempts are with the scheduler, which had not been recorded.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn adopt(&self, attempts: &[JobRef]) -> Result<(), StateError> {
        let failed = |error| StateError::of(&self.0.path, &error);
        let transaction = self.0.connection.unchecked_transaction().map_err(failed)?;
        for JobRef { job, attempt, id } in attempts {
            writer::submitted(&transaction, *job, *attempt, id, None).map_err(failed)?;
        }
        transaction.commit().map_err(failed)
    }
}
