//! The tables, and opening a file that has them.
//!
//! ```text
//! run      one row: tag, workdir, scheduler, started
//! job      one row for each job, written once: the request
//! attempt  one row for each attempt that got as far as the scheduler, or that ended before it did
//! ```
//!
//! A job without an attempt waits, as does one whose last attempt is marked `again`. All times are microseconds since 1970.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags, params};

use super::{error::StateError, row::RunRow};

/// The version of these tables; older ones are brought up to it when they are opened.
pub(super) const VERSION: i64 = 1;

/// Says in the file's head whose database this is: `xqut`.
const APPLICATION: i64 = 0x7871_7574;

const TABLES: &str = "
    CREATE TABLE run (
        tag TEXT NOT NULL,
        workdir TEXT NOT NULL,
        scheduler TEXT NOT NULL,
        started INTEGER NOT NULL
    );
    CREATE TABLE job (
        id INTEGER PRIMARY KEY,
        shell INTEGER NOT NULL,
        command BLOB NOT NULL,
        extras TEXT,
        fed_live INTEGER NOT NULL,
        fed INTEGER NOT NULL
    );
    CREATE TABLE attempt (
        job INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        state INTEGER NOT NULL,
        backend_id TEXT,
        started INTEGER,
        ended INTEGER,
        outcome TEXT,
        again INTEGER NOT NULL DEFAULT 0,
        user INTEGER,
        system INTEGER,
        memory INTEGER,
        PRIMARY KEY (job, attempt)
    ) WITHOUT ROWID;
";

/// What somebody wants to do with a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Write,
    Read,
}

/// Opens the file, and makes sure that it is ours.
pub(super) fn open(path: &Path, access: Access) -> Result<Connection, StateError> {
    if !path.exists() {
        return Err(StateError::Missing { path: path.to_owned() });
    }
    let failed = |error| StateError::of(path, &error);
    let flags = match access {
        Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_NO_MUTEX | flags).map_err(failed)?;
    connection
        .busy_timeout(std::time::Duration::from_secs(5))
        .map_err(failed)?;
    if access != Access::Read {
        // A commit is not flushed to the disk by itself, only in the order in which it has to be: a crash of the process
        // loses nothing, one of the machine at most the last seconds, and never the whole.
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")
            .map_err(failed)?;
    }
    check(&connection, path)?;
    Ok(connection)
}

/// Creates the file with the state of a new run. Whoever is killed meanwhile leaves none, rather than one that makes no
/// sense: it gets its name when it is complete.
pub(super) fn create(path: &Path, run: &RunRow) -> Result<(), StateError> {
    let unfinished = unfinished(path);
    let unusable = |error: io::Error| StateError::Unusable {
        path: path.to_owned(),
        what: error.to_string(),
    };
    for file in files(&unfinished) {
        match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unusable(error)),
            _ => {}
        }
    }
    fill(&unfinished, run).map_err(|error| StateError::of(path, &error))?;
    fs::rename(unfinished, path).map_err(unusable)
}

/// What the file is called until it is complete.
pub(super) fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

/// A database, and what SQLite puts beside it while it is in use, and leaves there when it is killed.
pub(super) fn files(path: &Path) -> [PathBuf; 4] {
    ["", "-wal", "-shm", "-journal"].map(|end| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        name.into()
    })
}

/// Nothing is left to do to the file later that only somebody who may write could undo: it stays in WAL mode.
fn fill(path: &Path, run: &RunRow) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = NORMAL; BEGIN; {TABLES} \
         PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION};"
    ))?;
    connection.execute(
        "INSERT INTO run (tag, workdir, scheduler, started) VALUES (?, ?, ?, ?)",
        params![run.tag, run.workdir, run.scheduler, run.started.0],
    )?;
    connection.execute_batch("COMMIT; PRAGMA journal_mode = WAL;")
}

fn check(connection: &Connection, path: &Path) -> Result<(), StateError> {
    let number = |pragma: &str| {
        connection
            .pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))
            .map_err(|error| StateError::of(path, &error))
    };
    if number("application_id")? != APPLICATION {
        return Err(StateError::Foreign { path: path.to_owned() });
    }
    match number("user_version")? {
        VERSION => Ok(()),
        found if found > VERSION => Err(StateError::Newer {
            path: path.to_owned(),
            found,
        }),
        found => Err(StateError::Damaged {
            path: path.to_owned(),
            what: format!("its version is {found}"),
        }),
    }
}
