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
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, ErrorCode, OpenFlags, params};

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
    let connection = match access {
        Access::Write => open_to_write(path).map_err(|error| StateError::of(path, &error))?,
        Access::Read => open_to_read(path)?,
    };
    check(&connection, path)?;
    Ok(connection)
}

fn open_to_write(path: &Path) -> rusqlite::Result<Connection> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // A commit is not flushed to the disk by itself, only in the order in which it has to be: a crash of the process
    // loses nothing, one of the machine at most the last seconds, and never the whole. Commits of new jobs are.
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")?;
    Ok(connection)
}

/// Where nothing can be written beside the file, SQLite cannot tell whether somebody else does. So nobody can, and it is
/// read as it is; unless changes lie beside it that its last process did not come to put in.
fn open_to_read(path: &Path) -> Result<Connection, StateError> {
    let failed = |error: rusqlite::Error| StateError::of(path, &error);
    let begun = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY).and_then(|connection| {
        connection.query_row("PRAGMA application_id", [], |_| Ok(()))?;
        Ok(connection)
    });
    match begun {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::CannotOpen) => {
            fs::File::open(path).map_err(|error| unusable(path, &error))?;
            let [_, wal, ..] = files(path);
            if fs::metadata(wal).is_ok_and(|wal| wal.len() > 0) {
                return Err(StateError::Unwritable { path: path.to_owned() });
            }
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
            connect(unchanging(path).as_ref(), flags).map_err(failed)
        }
        begun => begun.map_err(failed),
    }
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_NO_MUTEX | flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    Ok(connection)
}

/// What SQLite calls a file that nobody changes.
fn unchanging(path: &Path) -> String {
    let mut name = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => name.push(char::from(*byte)),
            byte => name.push_str(&format!("%{byte:02X}")),
        }
    }
    name + "?immutable=1"
}

fn unusable(path: &Path, error: &io::Error) -> StateError {
    StateError::Unusable {
        path: path.to_owned(),
        what: error.to_string(),
    }
}

/// Creates the file with the state of a new run. Whoever is killed meanwhile leaves none, rather than one that makes no
/// sense: it gets its name when it is complete.
pub(super) fn create(path: &Path, run: &RunRow) -> Result<(), StateError> {
    let unfinished = unfinished(path);
    let unusable = |error: io::Error| unusable(path, &error);
    // Neither what another one left unfinished, nor what belongs to a state that somebody removed: SQLite would take its
    // changes for those of the new one.
    let [_, companions @ ..] = files(path);
    for file in files(&unfinished).into_iter().chain(companions) {
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
