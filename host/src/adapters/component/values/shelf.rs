//! The file where plugins' values outlive runs: one SQLite database for all plugins of a user, used by several runs at once.
//!
//! It is a convenience, so nothing about it ever fails a run: a file that is damaged, foreign, newer or not private is left
//! as it is, and values are kept in memory only.

use std::{
    fs::OpenOptions,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use super::Map;
use crate::adapters::private;

/// The version of the table.
const VERSION: i64 = 1;

/// Says in the file's head whose database this is: `xqkv`.
const APPLICATION: i64 = 0x7871_6b76;

const TABLE: &str = "
    CREATE TABLE value (
        plugin TEXT NOT NULL,
        key TEXT NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (plugin, key)
    ) WITHOUT ROWID;
";

/// How long a write waits for that of another run.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long opening and reading wait; a guest is waiting with them, and only repairs after a crash take longer.
const SHORT_PATIENCE: Duration = Duration::from_millis(500);

/// What changes when somebody has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version(i64);

/// The file, opened when somebody needs it.
pub(crate) struct Shelf {
    path: PathBuf,
    reader: Mutex<Reader>,
}

enum Reader {
    NotYet,
    Open(Connection),
    /// Values are kept in memory only.
    Unusable,
}

/// The file for values: `$XDG_STATE_HOME/xqute/key-value.db`, or that in `~/.local/state`.
pub(crate) fn default_file() -> Option<PathBuf> {
    Some(private::user_folder(VARIABLE, ".local/state")?.join("key-value.db"))
}

const VARIABLE: &str = "XDG_STATE_HOME";

impl Shelf {
    pub(crate) const fn at(path: PathBuf) -> Self {
        Self {
            path,
            reader: Mutex::new(Reader::NotYet),
        }
    }

    fn reader(&self) -> MutexGuard<'_, Reader> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All values of a plugin, if anybody has written since that version.
    pub(super) fn news(&self, plugin: &str, seen: Option<Version>) -> Option<(Version, Map)> {
        let mut reader = self.reader();
        if matches!(*reader, Reader::NotYet) {
            *reader = match open(&self.path) {
                Ok(connection) => Reader::Open(connection),
                Err(why) => self.unusable(&why),
            };
        }
        let Reader::Open(connection) = &*reader else {
            return None;
        };
        match read(connection, plugin, seen) {
            Ok(news) => news,
            // Another run is repairing it, or the like. What is known so far will do.
            Err(error) if is_busy(&error) => None,
            Err(error) => {
                *reader = self.unusable(&error.to_string());
                None
            }
        }
    }

    /// Stores values, or removes those that are `None`: all of them, or none when the plugin would have more than `most`
    /// bytes. Whether they are stored.
    pub(super) fn store(&self, plugin: &str, changes: &[(String, Option<Vec<u8>>)], most: usize) -> bool {
        if matches!(*self.reader(), Reader::Unusable) {
            return false;
        }
        let why = match write(&self.path, plugin, changes, most) {
            Ok(Written::All) => return true,
            Ok(Written::TooMuch) => format!("with what other runs stored it has more than {most} bytes"),
            Err(error) => format!("{}: {error}", self.path.display()),
        };
        tracing::warn!(plugin, "what it stored last is known in this run only: {why}");
        false
    }

    fn unusable(&self, why: &str) -> Reader {
        tracing::warn!(
            "what plugins store is forgotten at the end of this run: {}: {why}",
            self.path.display()
        );
        Reader::Unusable
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
    )
}

/// Opens the file, after making it where it is missing, and makes sure that it is ours and nobody else's.
fn open(path: &Path) -> Result<Connection, String> {
    let text = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
            format!("it is damaged ({error}); remove it, or put a good copy there")
        }
        _ => error.to_string(),
    };
    if let Some(folder) = path.parent() {
        private::secure_folder(folder, VARIABLE)?;
    }
    private::check_file(path)?;
    // SQLite would let everybody read what it makes; what it makes beside it gets the rights of this file.
    let made = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    made.map_err(|error| error.to_string())?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let mut connection = Connection::open_with_flags(path, flags).map_err(text)?;
    connection.busy_timeout(SHORT_PATIENCE).map_err(text)?;
    if number(&connection, "user_version").map_err(text)? == 0 {
        prepare(&mut connection).map_err(text)?;
    }
    let application = number(&connection, "application_id").map_err(text)?;
    match number(&connection, "user_version").map_err(text)? {
        _ if application != APPLICATION => Err("it is a database, but not one of xqute's".to_owned()),
        VERSION => Ok(connection),
        found => Err(format!(
            "a newer xqute wrote it (its version is {found}, this xqute knows {VERSION})"
        )),
    }
}

fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}

/// Makes the table in an empty file. Two runs may try at once; the second finds that it is there.
fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    let tables = "SELECT count(*) FROM sqlite_master";
    if connection.query_row(tables, (), |row| row.get::<_, i64>(0))? > 0 {
        return Ok(());
    }
    // Readers never wait for writers. Whoever comes second to this is told that it is busy, which does no harm.
    match connection.pragma_update(None, "journal_mode", "wal") {
        Err(error) if !is_busy(&error) => return Err(error),
        _ => {}
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if transaction.query_row(tables, (), |row| row.get::<_, i64>(0))? == 0 {
        transaction.execute_batch(TABLE)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()
}

fn read(connection: &Connection, plugin: &str, seen: Option<Version>) -> rusqlite::Result<Option<(Version, Map)>> {
    // Looked at before the values: what is written in between is news the next time.
    let version: i64 = connection
        .prepare_cached("PRAGMA data_version")?
        .query_row((), |row| row.get(0))?;
    let version = Version(version);
    if seen == Some(version) {
        return Ok(None);
    }
    let mut all = connection.prepare_cached("SELECT key, value FROM value WHERE plugin = ?")?;
    let rows = all.query_map([plugin], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Some((version, rows.collect::<rusqlite::Result<Map>>()?)))
}

/// What became of a write.
enum Written {
    All,
    TooMuch,
}

fn write(
    path: &Path,
    plugin: &str,
    changes: &[(String, Option<Vec<u8>>)],
    most: usize,
) -> Result<Written, rusqlite::Error> {
    let mut connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(PATIENCE)?;
    // A crash of the machine may cost the last values, but never the file.
    connection.pragma_update(None, "synchronous", "normal")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (key, value) in changes {
        match value {
            Some(value) => transaction
                .prepare_cached("INSERT OR REPLACE INTO value (plugin, key, value) VALUES (?, ?, ?)")?
                .execute(params![plugin, key, value])?,
            None => transaction
                .prepare_cached("DELETE FROM value WHERE plugin = ? AND key = ?")?
                .execute(params![plugin, key])?,
        };
    }
    let size = "SELECT coalesce(sum(length(CAST(key AS BLOB)) + length(value)), 0) FROM value WHERE plugin = ?";
    let size: i64 = transaction.query_row(size, [plugin], |row| row.get(0))?;
    if usize::try_from(size).is_ok_and(|size| size <= most) {
        transaction.commit()?;
        return Ok(Written::All);
    }
    transaction.rollback()?;
    Ok(Written::TooMuch)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    fn refusal(path: &Path) -> String {
        open(path).err().unwrap()
    }

    #[test]
    fn the_file_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/xqute/key-value.db");
        open(&path).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(refusal(&path).contains("others may write to it"));
    }

    #[test]
    fn damaged_foreign_and_newer_files_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key-value.db");
        let garbage = "no database at all ".repeat(100);
        fs::write(&path, &garbage).unwrap();
        assert!(refusal(&path).contains("it is damaged"), "{}", refusal(&path));
        assert_eq!(fs::read_to_string(&path).unwrap(), garbage);
        fs::remove_file(&path).unwrap();
        let foreign = Connection::open(&path).unwrap();
        foreign.execute_batch("CREATE TABLE theirs (a)").unwrap();
        assert!(refusal(&path).contains("not one of xqute's"));
        fs::remove_file(&path).unwrap();
        open(&path).unwrap().pragma_update(None, "user_version", 7).unwrap();
        insta::assert_snapshot!(refusal(&path), @"a newer xqute wrote it (its version is 7, this xqute knows 1)");
    }

    #[test]
    fn a_shelf_that_cannot_be_used_says_nothing_and_takes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key-value.db");
        fs::write(&path, "no database at all ".repeat(100)).unwrap();
        let shelf = Shelf::at(path);
        assert!(shelf.news("p", None).is_none());
        assert!(!shelf.store("p", &[("k".to_owned(), Some(vec![1]))], 100));
        assert!(shelf.news("p", None).is_none());
    }

    #[test]
    fn the_first_runs_may_start_together() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("xqute/key-value.db");
        std::thread::scope(|scope| {
            let opened: Vec<_> = (0..8).map(|_| scope.spawn(|| open(&path).map(drop))).collect();
            for opened in opened {
                assert_eq!(opened.join().unwrap(), Ok(()));
            }
        });
    }
}
