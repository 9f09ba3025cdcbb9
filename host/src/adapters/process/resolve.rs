//! Where a program is.

use std::{
    ffi::OsStr,
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
    fn paths_are_taken_as_they_are() {
        assert_eq!(found("/bin/sh", ""), Some("/bin/sh".into()));
        assert_eq!(found("./sh", "/bin"), None);
        assert_eq!(found("", "/bin"), None);
    }
}
