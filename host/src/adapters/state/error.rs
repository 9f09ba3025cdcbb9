//! Why the state of a run cannot be used.

use std::path::PathBuf;

use camino::Utf8PathBuf;

use super::schema::VERSION;
use crate::adapters::lock::by_process;

/// Why the state of a run cannot be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it; the path is that of the state")]
pub enum StateError {
    #[error("there is no run in `{workdir}`; choose its folder with `-w DIR`")]
    NoRun { workdir: Utf8PathBuf },
    #[error(
        "the state of the run should be at `{path}`, but nothing is there; if the file was moved, name it with `--state FILE`"
    )]
    Missing { path: PathBuf },
    #[error(
        "`{path}` holds the state of a run already; go on with that run by `--resume`, remove it with `--overwrite`, or \
         choose another place with `--state FILE`"
    )]
    Taken { path: PathBuf },
    #[error(
        "the state in `{path}` is in use by another xqute{}; wait for its end or choose another place with `--state FILE`",
        by_process(*pid)
    )]
    Busy { path: PathBuf, pid: Option<u32> },
    #[error("another run has just begun in `{path}`; look at it with `xqute status`")]
    Replaced { path: PathBuf },
    #[error("`{path}` is a database, but not one of xqute's; choose another place with `--state FILE`")]
    Foreign { path: PathBuf },
    #[error(
        "the state in `{path}` was written by a newer xqute (its version is {found}, this xqute reads up to {VERSION}); \
         use that xqute, or start anew with `--overwrite`"
    )]
    Newer { path: PathBuf, found: i64 },
    #[error(
        "the state in `{path}` is damaged: {what}; restore the file, or start anew with `--overwrite`; what jobs left is \
         in their directories"
    )]
    Damaged { path: PathBuf, what: String },
    #[error(
        "the state in `{path}` is locked by another program; where locks do not work, keep it elsewhere with `--state FILE`"
    )]
    Locked { path: PathBuf },
    #[error(
        "the state in `{path}` cannot be read where nothing can be written: its run was killed, and left changes beside it \
         that have to be put in first; make its folder writable, or copy the whole folder to where it is"
    )]
    Unwritable { path: PathBuf },
    #[error("there is no space left for the state in `{path}`; make room, then go on with `--resume`")]
    Full { path: PathBuf },
    #[error("cannot use the state in `{path}`: {what}; `--state FILE` keeps it elsewhere")]
    Unusable { path: PathBuf, what: String },
}

impl StateError {
    /// What SQLite says, in our words.
    pub(super) fn of(path: &std::path::Path, error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        let (path, what) = (path.to_owned(), error.to_string());
        match error.sqlite_error_code() {
            Some(Code::NotADatabase | Code::DatabaseCorrupt) => Self::Damaged { path, what },
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => Self::Locked { path },
            Some(Code::DiskFull) => Self::Full { path },
            _ => Self::Unusable { path, what },
        }
    }
}
