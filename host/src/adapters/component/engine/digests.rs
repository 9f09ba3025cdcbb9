//! The digests of big plugin files that were read before: to hash 18 MB takes longer than to start what is in them.
//!
//! A file is known by its place on the disk, its size, and the time of its last change, which nobody can set back.

use std::{
    fs::{self, Metadata},
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use crate::adapters::private::{check_file, put};

/// Smaller files are hashed sooner than their digests are found.
const BIG: u64 = 1 << 20;

/// A file that changed so recently may change again without being told from what it is now: some file systems count in
/// seconds.
const SETTLED: Duration = Duration::from_secs(3);

/// A folder with one small file for each big plugin file.
pub(super) struct Digests {
    folder: PathBuf,
}

impl Digests {
    pub(super) const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The digest of a file that has not changed since it was kept.
    pub(super) fn recall(&self, file: &Metadata) -> Option<String> {
        let place = self.place(file)?;
        check_file(&place).ok()?;
        let kept = fs::read_to_string(place).ok()?;
        let digest = kept.strip_prefix(&stamp(file))?;
        let whole = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        whole.then(|| digest.to_owned())
    }

    /// Keeps the digest of a file, whose metadata is from before it was read.
    pub(super) fn remember(&self, file: &Metadata, digest: &str, now: SystemTime) {
        let Some(place) = self.place(file).filter(|_| is_settled(file, now)) else {
            return;
        };
        if let Err(error) = put(&place, format!("{}{digest}", stamp(file)).as_bytes()) {
            tracing::debug!("the digest of a plugin is not kept in {}: {error}", place.display());
        }
    }

    fn place(&self, file: &Metadata) -> Option<PathBuf> {
        let name = format!("{:x}-{:x}", file.dev(), file.ino());
        (file.len() >= BIG).then(|| self.folder.join(name))
    }
}

fn is_settled(file: &Metadata, now: SystemTime) -> bool {
    let seconds = u64::try_from(file.ctime()).unwrap_or_default();
    let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    // The clock of another machine may be ahead.
    now.duration_since(changed).is_ok_and(|age| age > SETTLED)
}

/// What is another after each change.
fn stamp(file: &Metadata) -> String {
    format!("{} {}.{:09} ", file.len(), file.ctime(), file.ctime_nsec())
}

#[cfg(test)]
mod tests {
    use std::{fs::File, path::Path};

    use super::*;

    struct Place {
        folder: tempfile::TempDir,
        digests: Digests,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let digests = Digests::new(folder.path().to_owned());
            Self { folder, digests }
        }

        fn file(&self, name: &str, size: u64) -> PathBuf {
            let path = self.folder.path().join(name);
            File::create(&path).unwrap().set_len(size).unwrap();
            path
        }
    }

    fn metadata(path: &Path) -> Metadata {
        fs::metadata(path).unwrap()
    }

    /// When the file has long been what it is.
    fn later(file: &Metadata) -> SystemTime {
        file.modified().unwrap() + 2 * SETTLED
    }

    #[test]
    fn a_file_that_has_not_changed_is_known() {
        let place = Place::new();
        let (file, other) = (place.file("a", BIG), place.file("b", BIG));
        let found = metadata(&file);
        assert_eq!(place.digests.recall(&found), None);
        let digest = "0a".repeat(32);
        place.digests.remember(&found, &digest, later(&found));
        assert_eq!(place.digests.recall(&metadata(&file)), Some(digest));
        assert_eq!(place.digests.recall(&metadata(&other)), None);
        File::options()
            .append(true)
            .open(&file)
            .unwrap()
            .set_len(BIG + 1)
            .unwrap();
        assert_eq!(place.digests.recall(&metadata(&file)), None, "it changed");
    }

    #[test]
    fn what_may_change_unseen_or_is_small_is_not_kept() {
        let place = Place::new();
        for (size, pause) in [(BIG, Duration::ZERO), (BIG - 1, 2 * SETTLED)] {
            let file = metadata(&place.file("a", size));
            let now = file.modified().unwrap() + pause;
            place.digests.remember(&file, &"0a".repeat(32), now);
            assert_eq!(place.digests.recall(&file), None, "{size}");
        }
    }

    #[test]
    fn garbage_is_no_digest() {
        let place = Place::new();
        let file = metadata(&place.file("a", BIG));
        for bad in ["", "0a", &"0g".repeat(32), &"0a".repeat(33)] {
            place.digests.remember(&file, bad, later(&file));
            assert_eq!(place.digests.recall(&file), None, "{bad}");
        }
    }
}
