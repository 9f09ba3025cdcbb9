//! Files of this machine with what is in objects, for programs that need files.
//!
//! - this file: from an object to a file;
//! - `source`: the object;
//! - `shelf`: the folder, what is in it and whose turn it is;
//! - `room`: what has to go when there is too much;
//! - `limits`: how much that is;
//! - `error`: everything that can be wrong.
//!
//! The folder is all that there is, no file says what is in it:
//!
//! | | holds |
//! |---|---|
//! | `files/HASH/NAME` | an object, whole; HASH is that of its URL and its version, NAME its own last name |
//! | `parts/HASH` | one that is being fetched, as long as it will be, so that it counts already; or what is left of that |
//! | `locks/HASH` | a lock: shared by all who use the file, exclusive for whoever fetches or removes it. Its time is that of the last use |
//! | `lock` | a lock for whoever makes room |
//!
//! A process that is killed gives its locks free, and leaves nothing but a part, which never counts as a file, and is the first
//! to go when room is made.

mod error;
mod limits;
mod room;
mod shelf;
mod source;

use std::{fs::File, sync::Arc};

use camino::{Utf8Path, Utf8PathBuf};
use tokio::task::spawn_blocking;

pub use self::{error::CacheError, limits::Limits};
use self::{
    shelf::{Entry, Shelf, Turn},
    source::Source,
};
use crate::{adapters::private::user_folder, model::path::ObjectPath};

/// Who may say where the cache is.
const FOLDER: &str = "XDG_CACHE_HOME";

/// An object that is written to all the time is given up after so many versions.
const VERSIONS: u32 = 3;

/// From which size on people are told that something is fetched.
const BIG: u64 = 64 << 20;

/// A bounded folder of objects. Several processes may use it at once.
#[derive(Clone, Debug)]
pub struct Cache {
    shelf: Arc<Shelf>,
}

/// A file with what is in an object. It stays where it is for as long as this lives.
#[derive(Debug)]
pub struct Fetched {
    path: Utf8PathBuf,
    lock: File,
}

impl Cache {
    /// The user's own: `$XDG_CACHE_HOME/xqute/objects`, or `~/.cache/xqute/objects`.
    ///
    /// # Errors
    /// When the environment does not say where it belongs.
    pub fn default_folder() -> Result<Utf8PathBuf, CacheError> {
        let folder = user_folder(FOLDER, ".cache").ok_or(CacheError::NoHome)?;
        let folder = Utf8PathBuf::from_path_buf(folder).map_err(|folder| CacheError::Folder {
            folder: folder.to_string_lossy().into_owned(),
            why: "its path is not UTF-8".to_owned(),
        })?;
        Ok(folder.join("objects"))
    }

    /// The cache in this folder, which is made if it is not there.
    ///
    /// # Errors
    /// When it cannot be made, is not the user's own, or somebody else may write to it.
    pub fn open(folder: &Utf8Path, limits: Limits) -> Result<Self, CacheError> {
        let shelf = Arc::new(Shelf::open(folder, limits)?);
        Ok(Self { shelf })
    }

    /// A file with what is in an object now. It is fetched unless it is here already; whoever else wants the same waits for it.
    ///
    /// # Errors
    /// When there is no such object, it cannot be read, does not fit, or the cache cannot be used.
    pub async fn fetch(&self, object: &ObjectPath) -> Result<Fetched, CacheError> {
        let source = Source::open(object).await?;
        let mut version = source.version().await?;
        let mut versions = 1;
        loop {
            let mut part = match self.turn(Entry::new(object, &version)?).await? {
                Turn::There(fetched) => return Ok(fetched),
                Turn::Fetch(part) => part,
            };
            if version.size >= BIG {
                let size = version.size >> 20;
                tracing::info!(target: "xqute::patience", "fetching {object} ({size} MiB)");
            }
            let copied = source.download(part.file()).await;
            // What was written to while it was read may be a bit of each version.
            let now = source.version().await?;
            if now == version {
                part.keep(copied?)?;
            } else if versions < VERSIONS {
                versions += 1;
                version = now;
            } else {
                return Err(CacheError::Changing(object.clone()));
            }
        }
    }

    /// Waits while somebody else fetches the same.
    async fn turn(&self, entry: Entry) -> Result<Turn, CacheError> {
        let shelf = self.shelf.clone();
        let lost = |error: tokio::task::JoinError| CacheError::File {
            place: entry.object.clone(),
            why: error.to_string(),
        };
        let asked = entry.clone();
        spawn_blocking(move || shelf.turn(&asked)).await.map_err(lost)?
    }
}

impl Fetched {
    /// Where it is: an absolute path, with the object's own last name.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }
}

impl Drop for Fetched {
    fn drop(&mut self) {
        // A program that is being started right now has a copy of the handle for a moment; closing ours is not enough.
        let _ = self.lock.unlock();
    }
}

#[cfg(test)]
mod tests;
