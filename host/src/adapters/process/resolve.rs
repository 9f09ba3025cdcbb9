//! Where a program is.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};

/// Finds a program in the folders of `path`, a value of `PATH`. Folders that are not absolute are passed over: what they
/// mean changes with the working directory. A name with a `/` in it is a path already, and must be absolute too.
pub fn find(name: &OsStr, path: &OsStr) -> Option<PathBuf> {
    if name.is_empty() {
        return None;
    }
    if Path::new(name).components().count() > 1 {
        return Some(PathBuf::from(name)).filter(|file| file.is_absolute() && is_program(file));
    }
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|file| is_program(file))
}

/// Finds a program in the folders of `path` where there can be no doubt which one bash would run. Where there can, it is
/// better to ask bash. A name with a `/` in it is a path already.
pub fn surely(name: &OsStr, path: &OsStr) -> Option<PathBuf> {
    if name.as_bytes().contains(&b'/') {
        return Some(PathBuf::from(name));
    }
    for folder in std::env::split_paths(path) {
        if !folder.is_absolute() {
            return None;
        }
        let file = folder.join(name);
        if is_program(&file) {
            return Some(file);
        }
    }
    None
}

fn is_program(file: &Path) -> bool {
    file.is_file() && access(file, Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, path: &str) -> Option<PathBuf> {
        find(OsStr::new(name), OsStr::new(path))
    }

    #[test]
    fn the_first_folder_that_has_it_wins() {
        assert_eq!(found("sh", "/no/such:/bin:/usr/bin"), Some("/bin/sh".into()));
        assert_eq!(found("sh", "bin::."), None);
        assert_eq!(found("no-such-program", "/bin:/usr/bin"), None);
    }

    #[test]
    fn folders_and_plain_files_are_no_programs() {
        assert_eq!(found("bin", "/usr"), None);
        assert_eq!(found("passwd", "/etc"), None);
    }

    #[test]
    fn nothing_is_guessed() {
        let surely = |name: &str, path: &str| super::surely(OsStr::new(name), OsStr::new(path));
        assert_eq!(surely("sh", "/no/such:/bin"), Some("/bin/sh".into()));
        assert_eq!(surely("./any", ""), Some("./any".into()));
        for path in ["", ".:/bin", ":/bin", "~/bin:/bin", "/no/such"] {
            assert_eq!(surely("sh", path), None, "{path}");
        }
    }

    #[test]
    fn paths_are_taken_as_they_are() {
        assert_eq!(found("/bin/sh", ""), Some("/bin/sh".into()));
        assert_eq!(found("./sh", "/bin"), None);
        assert_eq!(found("", "/bin"), None);
    }
}
