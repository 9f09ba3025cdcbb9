//! What is in a job directory: its regular files, wherever they are below it. Jobs may do there what they like, so no link is
//! followed and no pipe is waited for.

use std::{collections::BTreeMap, fs::File, io, path::Path};

use cap_std::{
    ambient_authority,
    fs::{Dir, DirEntry, Metadata, MetadataExt as _, OpenOptions, OpenOptionsExt as _},
};
use rustix::fs::OFlags;

/// Files by their names, with slashes between those of folders.
pub(in crate::adapters::objects) type Tree = BTreeMap<String, Stamp>;

/// What tells one version of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::adapters::objects) struct Stamp {
    inode: u64,
    pub(super) size: u64,
    modified: (i64, i64),
}

/// How deep folders may be in each other.
const DEEPEST: usize = 32;

/// The regular files below a folder that have names which stores take. None, if it does not exist any more.
pub(in crate::adapters::objects) fn look(folder: &Path) -> io::Result<Option<Tree>> {
    let mut tree = Tree::new();
    match Dir::open_ambient_dir(folder, ambient_authority()) {
        Ok(dir) => collect(&dir, "", DEEPEST, &mut tree)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }
    Ok(Some(tree))
}

fn collect(dir: &Dir, prefix: &str, deeper: usize, tree: &mut Tree) -> io::Result<()> {
    for entry in dir.entries()? {
        match take(&entry?, prefix, deeper, tree) {
            // It went while the folder was read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            taken => taken?,
        }
    }
    Ok(())
}

fn take(entry: &DirEntry, prefix: &str, deeper: usize, tree: &mut Tree) -> io::Result<()> {
    let name = entry.file_name();
    let Some(name) = name.to_str().filter(|name| !name.chars().any(char::is_control)) else {
        tracing::debug!("{name:?} in a job directory has a name that stores do not take");
        return Ok(());
    };
    let (metadata, name) = (entry.metadata()?, format!("{prefix}{name}"));
    if metadata.is_dir() {
        let Some(deeper) = deeper.checked_sub(1) else {
            return Ok(());
        };
        return collect(&entry.open_dir()?, &format!("{name}/"), deeper, tree);
    }
    if metadata.is_file() {
        tree.insert(name, Stamp::of(&metadata));
    }
    Ok(())
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

/// The stamp of one file; none, if there is no such regular file.
pub(super) fn stamp(folder: &Path, name: &str) -> Option<Stamp> {
    let metadata = Dir::open_ambient_dir(folder, ambient_authority())
        .ok()?
        .symlink_metadata(name)
        .ok()?;
    metadata.is_file().then(|| Stamp::of(&metadata))
}

/// Opens one of them to be read, if it is a regular file still.
pub(super) fn open(folder: &Path, name: &str) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options
        .read(true)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or_default());
    let dir = Dir::open_ambient_dir(folder, ambient_authority())?;
    let file = dir.open_with(name, &options)?.into_std();
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other(format!("`{name}` is no regular file"))),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn regular_files_are_found_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::create_dir_all(path("job.retry/1")).unwrap();
        for name in ["job.rc", "job.retry/1/job.rc", "a b", "new\nline"] {
            fs::write(path(name), name).unwrap();
        }
        symlink("/etc/passwd", path("link")).unwrap();
        symlink("/etc", path("folder")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, path("pipe"), 0o600.into()).unwrap();
        let tree = look(dir.path()).unwrap().unwrap();
        assert_eq!(tree.keys().collect::<Vec<_>>(), ["a b", "job.rc", "job.retry/1/job.rc"]);
        assert_eq!(tree.values().map(|stamp| stamp.size).sum::<u64>(), 3 + 6 + 18);
        for name in ["link", "pipe", "folder", "folder/passwd"] {
            assert!(open(dir.path(), name).is_err(), "{name}");
        }
        assert!(open(dir.path(), "a b").is_ok());
        assert_eq!(look(&path("none")).unwrap(), None);
    }

    #[test]
    fn another_version_has_another_stamp() {
        let dir = tempfile::tempdir().unwrap();
        let stamp = || look(dir.path()).unwrap().unwrap().remove("f").unwrap();
        fs::write(dir.path().join("f"), "one").unwrap();
        let first = stamp();
        assert_eq!(stamp(), first);
        fs::write(dir.path().join("g"), "two").unwrap();
        fs::rename(dir.path().join("g"), dir.path().join("f")).unwrap();
        assert_ne!(stamp(), first);
    }
}
