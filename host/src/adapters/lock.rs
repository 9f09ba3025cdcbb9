//! Files that one process has for itself: locked while it lives, with its number in them for people to read. What is
//! guarded by such a file is the business of whoever takes it.
//!
//! A lock can be taken for a moment by nobody in particular: whoever asks who has it takes it, and a program that is just
//! being started has a copy of it until it replaces the image of its starter, also when that was killed.

use std::{
    fs::{File, TryLockError},
    io::{self, Read, Seek, Write},
    thread,
    time::Duration,
};

use super::process::lives;

/// How often a lock is tried that nobody seems to have, and the pause in between. No event tells when one is given free
/// that was not waited for, and whoever waits for it cannot stop.
const TRIES: u32 = 200;
const PAUSE: Duration = Duration::from_millis(5);

/// Locks a file that is for something else than a number. Waits up to a second for whoever has it for a moment only.
///
/// # Errors
/// When another process has it, or locks do not work there.
pub fn lock(file: &File) -> Result<(), NotLocked> {
    lock_patiently(file, || {
        thread::sleep(PAUSE);
        Ok(())
    })
}

/// Tries until it works, or `wait` has enough of it.
fn lock_patiently(file: &File, mut wait: impl FnMut() -> Result<(), NotLocked>) -> Result<(), NotLocked> {
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(NotLocked::Io(error)),
            Err(TryLockError::WouldBlock) => wait()?,
        }
    }
    Err(NotLocked::Busy(None))
}

/// A locked file. It is given free when this is dropped, or when the process ends in whatever way.
#[derive(Debug)]
pub struct Lock(File);

/// Why a file cannot be locked.
#[derive(Debug)]
pub enum NotLocked {
    /// Another one has it: this process, if it said and lives.
    Busy(Option<u32>),
    /// The file system says no.
    Io(io::Error),
}

impl Lock {
    /// Locks a file that is open for reading and writing. Waits up to a second for one that no live process seems to have.
    ///
    /// # Errors
    /// When another process has it, or locks do not work there.
    pub fn take(file: File) -> Result<Self, NotLocked> {
        Self::patiently(file, || thread::sleep(PAUSE))
    }

    fn patiently(file: File, mut pause: impl FnMut()) -> Result<Self, NotLocked> {
        lock_patiently(&file, || match signed_by(&file).filter(|pid| lives(*pid)) {
            Some(pid) => Err(NotLocked::Busy(Some(pid))),
            None => {
                pause();
                Ok(())
            }
        })?;
        Ok(Self(file))
    }

    /// Says which process has it.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn sign(&mut self) -> io::Result<()> {
        self.0.set_len(0)?;
        self.0.rewind()?;
        self.0.write_all(format!("{}\n", std::process::id()).as_bytes())
    }

    /// Whether nobody ever signed it.
    pub fn is_blank(&self) -> bool {
        self.0.metadata().is_ok_and(|metadata| metadata.len() == 0)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A program that is being started right now has a copy of the handle for a moment; closing ours is not enough.
        let _ = self.0.unlock();
    }
}

/// The process that has the lock of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its number, if it said.
    pub pid: Option<u32>,
}

impl Holder {
    /// Who has the lock of this file, which is open for reading; none, when nobody has.
    pub fn of(file: &File) -> Option<Self> {
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(Self { pid: signed_by(file) }),
            Ok(()) | Err(TryLockError::Error(_)) => None,
        }
    }
}

/// The process that signed the file last.
fn signed_by(mut file: &File) -> Option<u32> {
    let mut pid = String::new();
    file.rewind().ok()?;
    file.take(16).read_to_string(&mut pid).ok()?;
    pid.trim().parse().ok()
}

/// What is added to a message about something that another process has.
pub(super) fn by_process(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    fn open(path: &Path) -> File {
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        options.open(path).unwrap()
    }

    #[test]
    fn who_lives_is_named_at_once() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("lock");
        let mut lock = Lock::take(open(&path)).unwrap();
        assert!(lock.is_blank());
        lock.sign().unwrap();
        let pid = Some(std::process::id());
        assert!(matches!(Lock::take(open(&path)), Err(NotLocked::Busy(found)) if found == pid));
        assert_eq!(Holder::of(&open(&path)), Some(Holder { pid }));
        drop(lock);
        assert_eq!(Holder::of(&open(&path)), None);
        assert!(!Lock::take(open(&path)).unwrap().is_blank());
    }

    /// A dead process is in the file still, and somebody has the lock who does not count.
    fn taken_for_a_moment(path: &Path) -> File {
        fs::write(path, format!("{}\n", i32::MAX)).unwrap();
        let momentary = open(path);
        momentary.try_lock_shared().unwrap();
        momentary
    }

    #[test]
    fn who_has_it_for_a_moment_is_waited_for() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("lock");
        let mut momentary = Some(taken_for_a_moment(&path));
        let lock = Lock::patiently(open(&path), || drop(momentary.take()));
        assert!(lock.is_ok() && momentary.is_none());
    }

    #[test]
    fn nobody_who_is_dead_is_named() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("lock");
        let _momentary = taken_for_a_moment(&path);
        let mut pauses = 0;
        let refused = Lock::patiently(open(&path), || pauses += 1);
        assert!(matches!(refused, Err(NotLocked::Busy(None))));
        assert_eq!(pauses, TRIES);
    }
}
