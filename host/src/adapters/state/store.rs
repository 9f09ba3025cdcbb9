//! The state of a run, opened by the run that it belongs to.

use rusqlite::params;

use super::{
    error::StateError,
    place::Held,
    reader::Reader,
    row::RunRow,
    schema::{self, Access},
    writer,
};
use crate::{
    adapters::lock::Lock,
    model::{
        job::{Attempt, JobIndex},
        run::JobRef,
    },
};

/// The state of a run, opened by the run that it belongs to. No other run can use it meanwhile.
#[derive(Debug)]
pub struct Store {
    rows: Reader,
    /// Given free when the state is closed.
    _lock: Lock,
}

impl Store {
    /// Starts the state of a new run.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(held: Held, run: &RunRow) -> Result<Self, StateError> {
        let path = held.place().file().to_owned();
        let lock = held.announced()?;
        schema::create(&path, run)?;
        let connection = schema::open(&path, Access::Write)?;
        Ok(Self {
            rows: Reader::over(connection, &path),
            _lock: lock,
        })
    }

    /// Opens the state of the run with this tag, which is resumed.
    ///
    /// # Errors
    /// When it is not there, not ours, damaged, of a newer version, or of another run.
    pub fn open(held: Held, tag: &str) -> Result<Self, StateError> {
        let path = held.place().file().to_owned();
        let rows = Reader::over(schema::open(&path, Access::Write)?, &path);
        if rows.run()?.tag != tag {
            return Err(StateError::Replaced { path });
        }
        let lock = held.announced()?;
        Ok(Self { rows, _lock: lock })
    }

    /// What is recorded.
    pub const fn rows(&self) -> &Reader {
        &self.rows
    }

    /// These jobs, which were over, get another attempt: the one that is given. What an attempt of that number left is
    /// forgotten; earlier ones are kept.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn revive(&self, jobs: &[(JobIndex, Attempt)]) -> Result<(), StateError> {
        let failed = |error| StateError::of(&self.rows.path, &error);
        let transaction = self.rows.connection.unchecked_transaction().map_err(failed)?;
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
        let failed = |error| StateError::of(&self.rows.path, &error);
        let transaction = self.rows.connection.unchecked_transaction().map_err(failed)?;
        for JobRef { job, attempt, id } in attempts {
            writer::submitted(&transaction, *job, *attempt, id, None).map_err(failed)?;
        }
        transaction.commit().map_err(failed)
    }
}
