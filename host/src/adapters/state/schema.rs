//! The tables, and opening a file that has them.
//!
//! ```text
//! run      one row: tag, workdir, scheduler, started
//! job      one row for each job, written once: the request
//! attempt  one row for each attempt that got as far as the scheduler, or that ended before it did
//! ```
//!
//! A job without an attempt waits, as does one whose last attempt is marked `again`. All times are microseconds since 1970.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::error::StateError;

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
    Create,
    Write,
    Read,
}

/// Opens the file, makes sure that it is ours, and creates the tables if they are wanted.
pub(super) fn open(path: &Path, access: Access) -> Result<Connection, StateError> {
    if access != Access::Create && !path.exists() {
        return Err(StateError::Missing { path: path.to_owned() });
    }
    let failed = |error| StateError::of(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX
        | match access {
            Access::Create => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
            Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
            Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        };
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
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
    match access {
        Access::Create => create(&connection).map_err(failed)?,
        Access::Write | Access::Read => check(&connection, path)?,
    }
    Ok(connection)
}

fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "BEGIN; {TABLES} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; COMMIT;"
    ))
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
