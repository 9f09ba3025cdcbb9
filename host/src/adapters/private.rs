//! The user's own folders, where plugins lie, and their compiled code and values and what was fetched are kept, and whether
//! nobody else has a hand in them.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::{Timespec, Timestamps, UTIME_NOW, futimens};

/// `xqute` in the folder that this variable names, or else in this one of the home folder.
pub(super) fn user_folder(variable: &str, in_home: &str) -> Option<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let base = absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(in_home)))?;
    Some(base.join("xqute"))
}

/// The time of a file's last change is that of the last use of what it stands for: what was used longest ago goes first.
pub(super) fn mark_as_used(file: &File) {
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: UTIME_NOW,
    };
    let times = Timestamps {
        last_access: now,
        last_modification: now,
    };
    // The worst is that it goes too early; on a file system that is read-only nothing can be removed either.
    let _ = futimens(file, &times);
}

/// Makes a folder that only its owner may use, or makes sure that nobody else may write to the one that is there. `variable`
/// is what the user may set to have another one.
pub(super) fn secure_folder(folder: &Path, variable: &str) -> Result<(), String> {
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent).map_err(|error| error.to_string())?;
    }
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error.to_string()),
        _ => {}
    }
    let found = fs::symlink_metadata(folder).map_err(|error| error.to_string())?;
    if !found.is_dir() {
        return Err("it is not a folder".to_owned());
    }
    let remedy = format!("remove it or set {variable}");
    check_owner(&found, &remedy)
}

/// Makes sure that a file, if it is there, is a regular one that nobody else may write to.
pub(super) fn check_file(file: &Path) -> Result<(), String> {
    match fs::symlink_metadata(file) {
        Ok(found) if !found.is_file() => Err("it is not a regular file".to_owned()),
        Ok(found) => check_owner(&found, "remove it"),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// Puts a file of the user's own in its place, all of it or nothing.
pub(super) fn put(place: &Path, content: &[u8]) -> io::Result<()> {
    let new = place.with_extension(format!("{}.new", std::process::id()));
    let written = write(&new, content).and_then(|()| fs::rename(&new, place));
    if written.is_err() {
        // What is left of it is not worth a second error.
        let _ = fs::remove_file(&new);
    }
    written
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    // What another process of this number has left is in the way.
    let _ = fs::remove_file(path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)
}

/// Whether nobody else may write to what has this metadata.
pub(super) fn check_owner(found: &fs::Metadata, remedy: &str) -> Result<(), String> {
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(format!("it belongs to another user; {remedy}"));
    }
    if found.mode() & 0o022 != 0 {
        return Err(
            "others may write to it; take that right away from them, after looking at what is inside".to_owned(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    const VARIABLE: &str = "XDG_CACHE_HOME";

    #[test]
    fn folders_that_are_made_are_private() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("a/xqute");
        secure_folder(&folder, VARIABLE).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        secure_folder(&folder, VARIABLE).unwrap();
    }

    #[test]
    fn a_folder_that_others_may_write_to_is_refused() {
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o770)).unwrap();
        let why = secure_folder(home.path(), VARIABLE).unwrap_err();
        assert!(why.contains("others may write"), "{why}");
    }

    #[test]
    fn a_link_or_a_file_is_no_folder() {
        let home = tempfile::tempdir().unwrap();
        let (link, file) = (home.path().join("link"), home.path().join("file"));
        symlink(home.path(), &link).unwrap();
        fs::write(&file, "").unwrap();
        assert_eq!(secure_folder(&link, VARIABLE).unwrap_err(), "it is not a folder");
        assert_eq!(secure_folder(&file, VARIABLE).unwrap_err(), "it is not a folder");
    }

    #[test]
    fn files_are_looked_at_too() {
        let home = tempfile::tempdir().unwrap();
        let (file, link) = (home.path().join("file"), home.path().join("link"));
        assert_eq!(check_file(&file), Ok(()), "there is nothing to be wary of");
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(check_file(&file), Ok(()));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(check_file(&file).unwrap_err().contains("others may write"));
        symlink(&file, &link).unwrap();
        assert_eq!(check_file(&link).unwrap_err(), "it is not a regular file");
    }
}
