//! What is recorded of a run, for anybody who may read the file: while the run lives, when it is over, or dead.

use std::{
    iter::Peekable,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use camino::Utf8Path;
use rusqlite::{Connection, MappedRows, Params, Row, params};

use super::{
    code,
    error::StateError,
    place::Place,
    row::{AttemptRow, JobRow, RunRow, Tally},
    schema::{self, Access},
};
use crate::model::{
    job::{Attempt, JobIndex},
    outcome::Outcome,
    record::{Origin, Timestamp, Usage},
    run::BackendJobId,
    state::State,
};

const JOBS: &str = "SELECT id, shell, command, extras, fed_live, fed FROM job";
const ATTEMPTS: &str =
    "SELECT job, attempt, state, backend_id, started, ended, outcome, again, user, system, memory FROM attempt";

/// The state of a run, open for reading.
#[derive(Debug)]
pub struct Reader {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
}

impl Reader {
    /// Opens the state of the run in the absolute path `workdir`.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open(workdir: &Utf8Path) -> Result<Self, StateError> {
        let place = Place::of(workdir, None);
        if !place.is_taken() && place.is_usual() {
            return Err(StateError::NoRun {
                workdir: workdir.to_owned(),
            });
        }
        Self::at(&place)
    }

    /// Opens the state in this place.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn at(place: &Place) -> Result<Self, StateError> {
        Ok(Self::over(schema::open(place.file(), Access::Read)?, place.file()))
    }

    pub(super) fn over(connection: Connection, path: &Path) -> Self {
        Self {
            connection,
            path: path.to_owned(),
        }
    }

    /// The run itself.
    ///
    /// # Errors
    /// When the file cannot be read, or what is there makes no sense.
    pub fn run(&self) -> Result<RunRow, StateError> {
        let row = |row: &Row<'_>| {
            Ok(RunRow {
                tag: row.get(0)?,
                workdir: row.get(1)?,
                scheduler: row.get(2)?,
                started: Timestamp(row.get(3)?),
            })
        };
        let run = self
            .connection
            .query_row("SELECT tag, workdir, scheduler, started FROM run", [], row);
        run.map_err(|error| self.failed(&error))
    }

    /// How many jobs stand where.
    ///
    /// # Errors
    /// When the file cannot be read, or what is there makes no sense.
    pub fn tally(&self) -> Result<Tally, StateError> {
        self.count().map_err(|error| self.failed(&error))
    }

    fn count(&self) -> rusqlite::Result<Tally> {
        let jobs = self
            .connection
            .query_row("SELECT count(*) FROM job", [], |row| number(row, 0))?;
        let mut tally = Tally::default();
        let mut statement = self.connection.prepare(
            "SELECT state, outcome LIKE '{\"cancelled\"%', count(*) FROM attempt WHERE again = 0 GROUP BY 1, 2",
        )?;
        let mut rows = statement.query([])?;
        let mut begun = 0;
        while let Some(row) = rows.next()? {
            let (cancelled, count) = (row.get::<_, Option<bool>>(1)?.unwrap_or(false), number(row, 2)?);
            begun += count;
            match (code::state(row, 0)?, cancelled) {
                (State::Finished, _) => tally.succeeded += count,
                (State::Failed, false) => tally.failed += count,
                (State::Failed, true) => tally.cancelled += count,
                (State::Running, _) => tally.running += count,
                _ => tally.submitted += count,
            }
        }
        tally.waiting = jobs.saturating_sub(begun);
        Ok(tally)
    }

    /// How many jobs were given by the command that started the run.
    ///
    /// # Errors
    /// When the file cannot be read, or what is there makes no sense.
    pub fn given(&self) -> Result<u64, StateError> {
        let sql = "SELECT count(*) FROM job WHERE fed_live = 0";
        let given = self.connection.query_row(sql, [], |row| number(row, 0));
        given.map_err(|error| self.failed(&error))
    }

    /// One job, if there is one of this index.
    ///
    /// # Errors
    /// When the file cannot be read, or what is there makes no sense.
    pub fn job(&self, job: JobIndex) -> Result<Option<JobRow>, StateError> {
        let mut found = None;
        self.visit(" WHERE id = ?1", " WHERE job = ?1", params![job.0], |row| {
            found = Some(row);
            ControlFlow::Break(())
        })?;
        Ok(found)
    }

    /// The jobs of this name.
    ///
    /// # Errors
    /// When the file cannot be read, or what is there makes no sense.
    pub fn named(&self, name: &str) -> Result<Vec<JobIndex>, StateError> {
        let sql = "SELECT id FROM job WHERE extras ->> 'name' = ? ORDER BY id";
        let named = self.connection.prepare(sql).and_then(|mut statement| {
            let rows = statement.query_map([name], |row| code::index(row, 0))?;
            rows.collect()
        });
        named.map_err(|error| self.failed(&error))
    }

    /// The attempts of a job that were followed by others, oldest first.
    ///
    /// # Errors
    /// When the file cannot be read, or what is there makes no sense.
    pub fn earlier_attempts(&self, job: JobIndex) -> Result<Vec<AttemptRow>, StateError> {
        let sql = format!("{ATTEMPTS} WHERE job = ? AND again = 1 ORDER BY attempt");
        let attempts = self.connection.prepare(&sql).and_then(|mut statement| {
            let rows = statement.query_map([job.0], Try::read)?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        });
        let attempts = attempts.map_err(|error| self.failed(&error))?;
        Ok(attempts.into_iter().filter_map(Try::earlier).collect())
    }

    /// Visits all jobs, or those in one state, in the order of their indices, until `visit` has seen enough.
    ///
    /// # Errors
    /// When the file cannot be read, or what is there makes no sense.
    pub fn each_job(
        &self,
        state: Option<State>,
        mut visit: impl FnMut(JobRow) -> ControlFlow<()>,
    ) -> Result<(), StateError> {
        self.visit("", "", params![], |row| match state {
            Some(state) if row.state != state => ControlFlow::Continue(()),
            _ => visit(row),
        })
    }

    fn visit(
        &self,
        jobs: &str,
        attempts: &str,
        columns: impl Params + Copy,
        visit: impl FnMut(JobRow) -> ControlFlow<()>,
    ) -> Result<(), StateError> {
        self.merge(jobs, attempts, columns, visit)
            .map_err(|error| self.failed(&error))
    }

    /// Walks over jobs and attempts side by side. Both are in order, so nothing is searched.
    fn merge(
        &self,
        jobs: &str,
        attempts: &str,
        columns: impl Params + Copy,
        mut visit: impl FnMut(JobRow) -> ControlFlow<()>,
    ) -> rusqlite::Result<()> {
        // Both walks see the same moment of a run that lives.
        let _moment = self.connection.unchecked_transaction()?;
        let mut jobs = self.connection.prepare(&format!("{JOBS}{jobs} ORDER BY id"))?;
        let mut tries = self
            .connection
            .prepare(&format!("{ATTEMPTS}{attempts} ORDER BY job, attempt"))?;
        let mut jobs = jobs.query(columns)?;
        let mut tries = tries.query_map(columns, Try::read)?.peekable();
        while let Some(row) = jobs.next()? {
            let index = code::index(row, 0)?;
            let job = job_row(index, row, latest(&mut tries, index)?)?;
            if visit(job).is_break() {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn failed(&self, error: &rusqlite::Error) -> StateError {
        match error {
            rusqlite::Error::SqliteFailure(..) => StateError::of(&self.path, error),
            nonsense => StateError::Damaged {
                path: self.path.clone(),
                what: nonsense.to_string(),
            },
        }
    }
}

/// Takes the attempts of this job, and returns the last.
fn latest<F>(tries: &mut Peekable<MappedRows<'_, F>>, job: JobIndex) -> rusqlite::Result<Option<Try>>
where
    F: FnMut(&Row<'_>) -> rusqlite::Result<Try>,
{
    let mut last = None;
    while let Some(next) = tries.next_if(|next| next.as_ref().map_or(true, |next| next.job <= job)) {
        let next = next?;
        last = (next.job == job).then_some(next);
    }
    Ok(last)
}

fn job_row(index: JobIndex, row: &Row<'_>, latest: Option<Try>) -> rusqlite::Result<JobRow> {
    let waiting = JobRow {
        index,
        spec: code::spec(row, 1)?,
        origin: if row.get(4)? { Origin::Fed } else { Origin::Given },
        state: State::Queued,
        attempt: Attempt::FIRST,
        id: None,
        outcome: None,
        fed: Timestamp(row.get(5)?),
        started: None,
        ended: None,
        usage: None,
    };
    Ok(match latest {
        None => waiting,
        Some(latest) if latest.again => JobRow {
            attempt: latest.attempt.next(),
            ..waiting
        },
        Some(latest) => JobRow {
            state: latest.state,
            attempt: latest.attempt,
            id: latest.id,
            outcome: latest.outcome,
            started: latest.started,
            ended: latest.ended,
            usage: latest.usage,
            ..waiting
        },
    })
}

fn number(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(at).map(i64::unsigned_abs)
}

/// One row of the table of attempts.
struct Try {
    job: JobIndex,
    attempt: Attempt,
    state: State,
    id: Option<BackendJobId>,
    started: Option<Timestamp>,
    ended: Option<Timestamp>,
    outcome: Option<Outcome>,
    again: bool,
    usage: Option<Usage>,
}

impl Try {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let state = code::state(row, 2)?;
        Ok(Self {
            job: code::index(row, 0)?,
            attempt: code::attempt(row, 1)?,
            state,
            id: row.get_ref(3)?.as_str_or_null()?.map(Into::into),
            started: code::time(row, 4)?,
            ended: code::time(row, 5)?,
            outcome: code::read_outcome(row, 6, state)?,
            again: row.get(7)?,
            usage: code::read_usage(row, 8)?,
        })
    }

    fn earlier(self) -> Option<AttemptRow> {
        Some(AttemptRow {
            attempt: self.attempt,
            outcome: self.outcome?,
            started: self.started,
            ended: self.ended?,
            usage: self.usage,
        })
    }
}
