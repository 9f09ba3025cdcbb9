//! Files in directories that jobs can write to: no symbolic link is followed, no pipe waited for, nothing read without
//! a bound. Names have no `/` in them.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    str::FromStr,
};

use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{AtFlags, Dir, FileType, Mode, OFlags, fstat, mkdirat, openat, unlinkat},
    io::Errno,
};

const COMMON: OFlags = OFlags::CLOEXEC.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK);

/// Opens a directory.
pub(super) fn open_dir(dir: impl AsFd, name: &str) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(dir, name, flags, Mode::empty())?)
}

/// Creates a directory, unless there is one.
pub(super) fn ensure_dir(dir: impl AsFd, name: &str) -> io::Result<OwnedFd> {
    match mkdirat(&dir, name, Mode::from(0o777)) {
        Ok(()) | Err(Errno::EXIST) => open_dir(dir, name),
        Err(error) => Err(error.into()),
    }
}

/// The names in a directory that are text.
pub(super) fn names(dir: impl AsFd, name: &str) -> io::Result<Vec<String>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let dir = openat(dir, name, flags, Mode::empty())?;
    let mut names = Vec::new();
    for entry in Dir::new(dir)? {
        if let Ok(name) = entry?.file_name().to_str() {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// Opens a regular file, if that is what has this name.
pub(super) fn open(dir: impl AsFd, name: &str, flags: OFlags) -> io::Result<File> {
    let file = openat(dir, name, flags | COMMON, Mode::from(0o666))?;
    if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
        return Err(io::Error::other(format!("`{name}` is not a regular file")));
    }
    Ok(File::from(file))
}

/// Reads a file, at most `limit` bytes of it, from its start.
pub(super) fn read(dir: impl AsFd, name: &str, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(limit.min(64));
    open(dir, name, OFlags::RDONLY)?
        .take(limit as u64)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a number that is all there is in a file.
pub(super) fn read_number<N: FromStr>(dir: impl AsFd, name: &str) -> Option<N> {
    let bytes = read(dir, name, 16).ok()?;
    std::str::from_utf8(&bytes).ok()?.trim_ascii().parse().ok()
}

/// Reads the last `limit` bytes of a file. Says whether there was more before.
pub(super) fn read_end(dir: impl AsFd, name: &str, limit: usize) -> io::Result<(Vec<u8>, bool)> {
    let mut file = open(dir, name, OFlags::RDONLY)?;
    let skipped = file.metadata()?.len().saturating_sub(limit as u64);
    file.seek(SeekFrom::Start(skipped))?;
    let mut bytes = Vec::new();
    file.take(limit as u64).read_to_end(&mut bytes)?;
    Ok((bytes, skipped > 0))
}

/// Writes a file that does not exist yet.
pub(super) fn create(dir: impl AsFd, name: &str, content: &[u8], mode: Mode) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | COMMON;
    File::from(openat(dir, name, flags, mode)?).write_all(content)
}

/// Makes sure that a small file, which most likely does not exist yet, holds `content`.
pub(super) fn put_new(dir: impl AsFd, name: &str, content: &[u8]) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | COMMON;
    match openat(&dir, name, flags, Mode::from(0o666)) {
        Ok(file) => fill(&dir, name, file, content),
        Err(Errno::EXIST) => put(dir, name, content),
        Err(error) => Err(error.into()),
    }
}

/// Writes a file that was just created. An empty file says less than none.
fn fill(dir: impl AsFd, name: &str, file: OwnedFd, content: &[u8]) -> io::Result<()> {
    let written = File::from(file).write_all(content);
    if written.is_err() {
        remove(dir, name)?;
    }
    written
}

/// Makes sure that a small file holds `content`. An existing file is overwritten in place, which needs no space on a full
/// disk; anything else that has the name is removed.
pub(super) fn put(dir: impl AsFd, name: &str, content: &[u8]) -> io::Result<()> {
    let file = match openat(&dir, name, OFlags::RDWR | COMMON, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return put_new(dir, name, content),
        // A link, or something else that nobody can write to.
        Err(_) => return replace(dir, name, content),
    };
    let found = fstat(&file)?;
    if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
        return replace(dir, name, content);
    }
    let file = File::from(file);
    let mut now = [0; 64];
    let length = file.read_at(&mut now, 0)?;
    if now.get(..length) == Some(content) {
        return Ok(());
    }
    file.write_all_at(content, 0)?;
    let length = content.len() as u64;
    match u64::try_from(found.st_size) == Ok(length) {
        true => Ok(()),
        false => file.set_len(length),
    }
}

/// Puts a small file in the place of whatever has its name.
fn replace(dir: impl AsFd, name: &str, content: &[u8]) -> io::Result<()> {
    remove(&dir, name)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | COMMON;
    let file = openat(&dir, name, flags, Mode::from(0o666))?;
    fill(dir, name, file, content)
}

/// Opens a file for a job to write to. It is a new one, whatever had its name.
pub(super) fn open_output(dir: impl AsFd, name: &str) -> io::Result<File> {
    // Not `COMMON`: the job is to find the file as a shell would have opened it.
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let open = || openat(&dir, name, flags, Mode::from(0o666));
    match open() {
        Err(Errno::EXIST) => remove(&dir, name).and_then(|()| Ok(open()?)),
        opened => Ok(opened?),
    }
    .map(File::from)
}

/// Removes a file, if there is one.
pub(super) fn remove(dir: impl AsFd, name: &str) -> io::Result<()> {
    match unlinkat(dir, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink};

    #[test]
    fn what_is_no_regular_file_is_neither_read_nor_written() {
        let temp = tempfile::tempdir().unwrap();
        let dir = File::open(temp.path()).unwrap();
        let secret = temp.path().join("secret");
        fs::write(&secret, "0\n").unwrap();
        symlink(&secret, temp.path().join("link")).unwrap();
        rustix::fs::mknodat(&dir, "fifo", FileType::Fifo, Mode::from(0o600), 0).unwrap();
        for name in ["link", "fifo"] {
            assert!(read(&dir, name, 10).is_err());
            put(&dir, name, b"7\n").unwrap();
            assert_eq!(read(&dir, name, 10).unwrap(), b"7\n");
        }
        assert_eq!(fs::read(&secret).unwrap(), b"0\n");
        symlink(temp.path(), temp.path().join("away")).unwrap();
        assert!(open_dir(&dir, "away").is_err());
        assert!(ensure_dir(&dir, "away").is_err());
    }

    #[test]
    fn contents_are_replaced_in_place() {
        let temp = tempfile::tempdir().unwrap();
        let dir = File::open(temp.path()).unwrap();
        for content in ["143\n", "0\n", "0\n", "-2\n"] {
            put(&dir, "job.rc", content.as_bytes()).unwrap();
            assert_eq!(read(&dir, "job.rc", 100).unwrap(), content.as_bytes());
        }
        assert_eq!(read_end(&dir, "job.rc", 2).unwrap(), (b"2\n".to_vec(), true));
    }
}
