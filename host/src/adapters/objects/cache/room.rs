//! What has to go when there is too much: what is left of fetching that was cut short, then what was used longest ago. What is
//! in use stays, and so does what is not the cache's own.

use std::{collections::BTreeSet, io, time::SystemTime};

use cap_std::fs::Dir;

use super::{
    error::CacheError,
    shelf::{Entry, Shelf},
};

/// What there is of an entry. They are in the order in which they go.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    is_file: bool,
    used: SystemTime,
    size: u64,
    hash: String,
}

impl Shelf {
    /// Removes others until there is room for an entry. Whoever calls this has the lock for it.
    pub(super) fn make_room(&self, entry: &Entry) -> Result<(), CacheError> {
        let found = self.found().map_err(|error| CacheError::Folder {
            folder: self.path.to_string(),
            why: error.to_string(),
        })?;
        let mut used: u64 = found.iter().map(|found| found.size).sum();
        for Found {
            is_file, size, hash, ..
        } in found
        {
            if hash == entry.hash {
                continue;
            }
            let fits = used.checked_add(entry.size).is_some_and(|all| all <= self.most);
            if is_file && fits {
                return Ok(());
            }
            match self.evict(&hash) {
                Ok(true) => used -= size,
                Ok(false) => {}
                Err(error) => tracing::debug!("cannot remove {hash} from the cache: {error}"),
            }
        }
        match used.checked_add(entry.size) {
            Some(all) if all <= self.most => Ok(()),
            _ => Err(CacheError::Full {
                place: entry.object.clone(),
                size: entry.size,
                used,
                most: self.most,
            }),
        }
    }

    /// Removes all of an entry, unless it is in use.
    fn evict(&self, hash: &str) -> io::Result<bool> {
        let Some(lock) = self.lock(hash)? else {
            return Ok(false);
        };
        self.clear(hash)?;
        // The last thing: whoever finds no lock finds nothing else.
        self.locks.remove_file(hash)?;
        drop(lock);
        Ok(true)
    }

    fn found(&self) -> io::Result<Vec<Found>> {
        let mut hashes = BTreeSet::new();
        for folder in [&self.files, &self.parts, &self.locks] {
            for entry in folder.entries()? {
                if let Ok(name) = entry?.file_name().into_string()
                    && is_hash(&name)
                {
                    hashes.insert(name);
                }
            }
        }
        let mut found: Vec<Found> = hashes.into_iter().map(|hash| self.look_at(hash)).collect();
        found.sort();
        Ok(found)
    }

    /// What is removed meanwhile has no size.
    fn look_at(&self, hash: String) -> Found {
        let file = size_in(&self.files, &hash);
        let part = self.parts.symlink_metadata(&hash).map_or(0, |part| part.len());
        let lock = self.locks.symlink_metadata(&hash).and_then(|lock| lock.modified());
        Found {
            is_file: file.is_some(),
            used: lock.map_or(SystemTime::UNIX_EPOCH, cap_std::time::SystemTime::into_std),
            size: file.unwrap_or(0) + part,
            hash,
        }
    }
}

/// How many bytes the files of a folder have; none, if there are none.
fn size_in(folder: &Dir, name: &str) -> Option<u64> {
    let is_dir = folder.symlink_metadata(name).is_ok_and(|found| found.is_dir());
    let files = folder.read_dir(name).ok().filter(|_| is_dir)?.flatten();
    let sizes = files.filter_map(|file| Some(file.metadata().ok()?.len()));
    sizes.reduce(u64::saturating_add)
}

fn is_hash(name: &str) -> bool {
    name.len() == 64
        && name
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}
