//! The folder of a cache: what is in it, and whose turn it is. All of this blocks.

use std::{
    fs::{File, Permissions, TryLockError},
    io::{self, ErrorKind},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    thread,
    time::Duration,
};

use camino::{Utf8Path, Utf8PathBuf};
use cap_std::{
    ambient_authority,
    fs::{Dir, MetadataExt as _, OpenOptions, OpenOptionsExt as _},
};
use sha2::{Digest as _, Sha256};

use super::{FOLDER, Fetched, Limits, error::CacheError};
use crate::{
    adapters::{
        objects::Version,
        private::{mark_as_used, secure_folder},
    },
    model::path::ObjectPath,
};

/// How long to wait for somebody who has a lock, and is not to be waited for by locking: at first, and at most.
const PAUSES: [Duration; 2] = [Duration::from_millis(2), Duration::from_millis(200)];

/// The longest name that usual file systems take.
const LONGEST_NAME: usize = 255;

/// The lock for whoever makes room.
const LOCK: &str = "lock";

/// The folder of a cache. No path below it leads outside, whatever is there.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) path: Utf8PathBuf,
    top: Dir,
    pub(super) files: Dir,
    pub(super) parts: Dir,
    pub(super) locks: Dir,
    pub(super) most: u64,
}

/// One version of an object, and where it belongs.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) object: ObjectPath,
    pub(super) hash: String,
    /// The object's last name, which its file has as well.
    name: String,
    pub(super) size: u64,
}

/// What is to be done about an entry.
#[derive(Debug)]
pub(super) enum Turn {
    /// It is there.
    There(Fetched),
    /// It has to be fetched, and nobody else does.
    Fetch(Part),
}

impl Entry {
    pub(super) fn new(object: &ObjectPath, version: &Version) -> Result<Self, CacheError> {
        let name = object.key().rsplit('/').next().unwrap_or_default();
        if name.is_empty() || name.len() > LONGEST_NAME {
            return Err(CacheError::Name(object.clone()));
        }
        // No name of an object has a line break.
        let digest = Sha256::digest(format!("{object}\n{}\n{}", version.size, version.tag));
        Ok(Self {
            object: object.clone(),
            hash: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            name: name.to_owned(),
            size: version.size,
        })
    }

    fn failed(&self) -> impl Fn(io::Error) -> CacheError {
        |error| CacheError::File {
            place: self.object.clone(),
            why: error.to_string(),
        }
    }
}

impl Shelf {
    pub(super) fn open(path: &Utf8Path, limits: Limits) -> Result<Self, CacheError> {
        let unusable = |path: &Utf8Path, why: String| CacheError::Folder {
            folder: path.to_string(),
            why,
        };
        let dir = |path: &Utf8Path| {
            secure_folder(path.as_std_path(), FOLDER).map_err(|why| unusable(path, why))?;
            Dir::open_ambient_dir(path, ambient_authority()).map_err(|error| unusable(path, error.to_string()))
        };
        Ok(Self {
            top: dir(path)?,
            files: dir(&path.join("files"))?,
            parts: dir(&path.join("parts"))?,
            locks: dir(&path.join("locks"))?,
            path: path.to_owned(),
            most: limits.most,
        })
    }

    /// Waits until the entry is there, or nobody else fetches it.
    pub(super) fn turn(&self, entry: &Entry) -> Result<Turn, CacheError> {
        if entry.size > self.most {
            return Err(CacheError::TooLarge {
                place: entry.object.clone(),
                size: entry.size,
                most: self.most,
            });
        }
        let [mut pause, longest] = PAUSES;
        loop {
            let lock = self.share(entry).map_err(entry.failed())?;
            if self.has(entry) {
                mark_as_used(&lock);
                let path = self.path.join("files").join(&entry.hash).join(&entry.name);
                return Ok(Turn::There(Fetched { path, lock }));
            }
            drop(lock);
            if let Some(lock) = self.lock(&entry.hash).map_err(entry.failed())? {
                // Somebody else may have been faster.
                if !self.has(entry) {
                    return self.begin(entry, lock).map(Turn::Fetch);
                }
                continue;
            }
            // Others look at the same, for a moment; or they use a file that somebody has damaged since.
            thread::sleep(pause);
            pause = (pause * 2).min(longest);
        }
    }

    /// Whether all of it is there.
    fn has(&self, entry: &Entry) -> bool {
        let folder = self.files.symlink_metadata(&entry.hash);
        let file = self
            .files
            .symlink_metadata(Utf8Path::new(&entry.hash).join(&entry.name));
        folder.is_ok_and(|folder| folder.is_dir()) && file.is_ok_and(|file| file.is_file() && file.len() == entry.size)
    }

    /// The lock of an entry, with others who use it. Waits for whoever fetches it.
    fn share(&self, entry: &Entry) -> io::Result<File> {
        loop {
            let file = self.open_lock(&entry.hash)?;
            match file.try_lock_shared() {
                Ok(()) => {}
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) => {
                    tracing::info!(target: "xqute::patience", "waiting for {}, which is being fetched already", entry.object);
                    uninterrupted(|| file.lock_shared())?;
                }
            }
            if self.is_current(&file, &entry.hash) {
                return Ok(file);
            }
        }
    }

    /// The lock of an entry, for nobody else; none, when somebody uses it.
    pub(super) fn lock(&self, hash: &str) -> io::Result<Option<File>> {
        loop {
            let file = self.open_lock(hash)?;
            match file.try_lock() {
                Ok(()) if self.is_current(&file, hash) => return Ok(Some(file)),
                Ok(()) => {}
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) => return Ok(None),
            }
        }
    }

    fn open_lock(&self, hash: &str) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).mode(0o600);
        Ok(self.locks.open_with(hash, &options)?.into_std())
    }

    /// Whether a lock is still the one that others find: an entry that is removed takes its lock along.
    fn is_current(&self, lock: &File, hash: &str) -> bool {
        match (lock.metadata(), self.locks.symlink_metadata(hash)) {
            (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
            _ => false,
        }
    }

    /// Makes room for an entry, and begins to fetch it. The lock is that of the entry.
    fn begin(&self, entry: &Entry, lock: File) -> Result<Part, CacheError> {
        let failed = entry.failed();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).mode(0o600);
        let turn = self.top.open_with(LOCK, &options).map_err(&failed)?.into_std();
        uninterrupted(|| turn.lock()).map_err(&failed)?;
        self.clear(&entry.hash).map_err(&failed)?;
        self.make_room(entry)?;
        options.create_new(true);
        let file = self.parts.open_with(&entry.hash, &options).map_err(&failed)?;
        let part = Part {
            file: file.into_std(),
            kept: false,
            parts: self.parts.try_clone().map_err(&failed)?,
            files: self.files.try_clone().map_err(&failed)?,
            entry: entry.clone(),
            lock,
        };
        // What comes counts from now on.
        part.file.set_len(entry.size).map_err(&failed)?;
        mark_as_used(&part.lock);
        Ok(part)
    }

    /// Removes what is there of an entry, but not its lock.
    pub(super) fn clear(&self, hash: &str) -> io::Result<()> {
        remove(&self.files, hash)?;
        remove(&self.parts, hash)
    }
}

/// An object that is being fetched. What has come goes when this is dropped.
#[derive(Debug)]
pub(super) struct Part {
    file: File,
    kept: bool,
    parts: Dir,
    files: Dir,
    entry: Entry,
    lock: File,
}

impl Part {
    /// Where its content goes.
    pub(super) const fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// All of it has come, so many bytes: it becomes a file.
    pub(super) fn keep(mut self, came: u64) -> Result<(), CacheError> {
        let Entry { hash, name, size, .. } = &self.entry;
        if came != *size {
            return Err(CacheError::Size {
                place: self.entry.object.clone(),
                announced: *size,
                came,
            });
        }
        // Programs that write to their inputs would change what others get.
        let kept = self
            .file
            .set_permissions(Permissions::from_mode(0o400))
            .and_then(|()| self.files.create_dir(hash))
            .and_then(|()| self.files.open_dir(hash))
            .and_then(|folder| self.parts.rename(hash, &folder, name));
        kept.map_err(self.entry.failed())?;
        self.kept = true;
        mark_as_used(&self.lock);
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed is no file all the same.
            let _ = remove(&self.parts, &self.entry.hash);
        }
        // Not left to closing it, as with those that are fetched.
        let _ = self.lock.unlock();
    }
}

/// Removes a file, or a folder with all that is in it, but nothing that a link in it leads to.
fn remove(from: &Dir, name: &str) -> io::Result<()> {
    let removed = match from.symlink_metadata(name) {
        Ok(found) if found.is_dir() => from.remove_dir_all(name),
        Ok(_) => from.remove_file(name),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn uninterrupted(lock: impl Fn() -> io::Result<()>) -> io::Result<()> {
    loop {
        match lock() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            locked => return locked,
        }
    }
}
