//! What an attempt writes, read by anybody, also while it is being written.

use std::{
    fs::File,
    io::{self, ErrorKind, Read as _, Write},
    os::fd::AsRawFd as _,
    time::Duration,
};

use camino::Utf8Path;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::{AsFd, OwnedFd},
    fs::{CWD, Mode, OFlags, inotify, openat},
    io::Errno,
};

use super::{
    files,
    names::{RC, RETRY, STATUS, STDERR, STDOUT},
};
use crate::model::{
    job::{Attempt, JobIndex},
    state::State,
};

/// On a network file system changes that other machines make are no events, so there is a look now and then. Also how late
/// at most it is seen that an attempt has ended which left no exit code.
const LOOK: Duration = Duration::from_secs(1);

/// Which of its two outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// `job.stdout`.
    Stdout,
    /// `job.stderr`.
    Stderr,
}

impl Stream {
    pub(crate) const fn file(self) -> &'static str {
        match self {
            Self::Stdout => STDOUT,
            Self::Stderr => STDERR,
        }
    }
}

/// What `job.status` of a job says, if it says anything.
pub fn shown_state(workdir: &Utf8Path, job: JobIndex) -> Option<State> {
    let workdir = open_workdir(workdir).ok()?;
    let dir = files::open_dir(&workdir, &job.to_string()).ok()?;
    State::from_code(files::read_number(&dir, STATUS)?)
}

/// One output of one attempt.
#[derive(Debug)]
pub struct Output {
    workdir: OwnedFd,
    job: String,
    attempt: Attempt,
    stream: Stream,
    file: Option<File>,
    /// Wakes us when something happens in the job directory, or where it will be.
    alarm: Option<(Alarm, Place)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Workdir,
    Job,
}

impl Output {
    /// The output of an attempt in the run in `workdir`, which may not be there yet.
    ///
    /// # Errors
    /// When there is no such workdir.
    pub fn of(workdir: &Utf8Path, job: JobIndex, attempt: Attempt, stream: Stream) -> io::Result<Self> {
        Ok(Self {
            workdir: open_workdir(workdir)?,
            job: job.to_string(),
            attempt,
            stream,
            file: None,
            alarm: None,
        })
    }

    /// Copies what has not been copied yet, as it is. Says whether there is such an output at all.
    ///
    /// # Errors
    /// When it cannot be read, or `to` cannot be written to.
    pub fn copy(&mut self, to: &mut impl Write) -> io::Result<bool> {
        if self.file.is_none() {
            self.file = self.open()?;
        }
        let Some(file) = &mut self.file else { return Ok(false) };
        let mut piece = vec![0; 64 << 10];
        loop {
            match file.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => to.write_all(piece.get(..read).unwrap_or_default())?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        to.flush()?;
        Ok(true)
    }

    /// Whether the attempt has left an exit code. What runs after the job's command may still write.
    pub fn has_exit_code(&self) -> bool {
        let dir = files::open_dir(&self.workdir, &self.job);
        dir.is_ok_and(|dir| files::open(&dir, RC, OFlags::RDONLY).is_ok())
    }

    /// Begins to listen to what happens to the attempt. What happened before is seen by whoever looks after this.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn listen(&mut self) -> io::Result<()> {
        match (files::open_dir(&self.workdir, &self.job), &self.alarm) {
            (Ok(_), Some((_, Place::Job))) | (Err(_), Some((_, Place::Workdir))) => {}
            (Ok(dir), _) => self.alarm = Some((Alarm::at(&dir)?, Place::Job)),
            (Err(_), _) => self.alarm = Some((Alarm::at(&self.workdir)?, Place::Workdir)),
        }
        Ok(())
    }

    /// Waits until something has happened since [`listen`](Self::listen), or for a second. Says whether something has.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn wait(&self) -> io::Result<bool> {
        match &self.alarm {
            Some((alarm, _)) => alarm.wait(LOOK),
            None => Ok(false),
        }
    }

    /// An attempt that was followed by another one is moved aside, perhaps just now.
    fn open(&self) -> io::Result<Option<File>> {
        for _ in 0..2 {
            if let Some(aside) = self.aside()? {
                return present(files::open(&aside, self.stream.file(), OFlags::RDONLY));
            }
            let Some(job) = present(files::open_dir(&self.workdir, &self.job))? else {
                return Ok(None);
            };
            let file = present(files::open(&job, self.stream.file(), OFlags::RDONLY))?;
            if self.aside()?.is_none() {
                return Ok(file);
            }
        }
        Ok(None)
    }

    fn aside(&self) -> io::Result<Option<OwnedFd>> {
        let Some(job) = present(files::open_dir(&self.workdir, &self.job))? else {
            return Ok(None);
        };
        let Some(retry) = present(files::open_dir(&job, RETRY))? else {
            return Ok(None);
        };
        present(files::open_dir(&retry, &self.attempt.to_string()))
    }
}

fn open_workdir(path: &Utf8Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(openat(CWD, path.as_std_path(), flags, Mode::empty())?)
}

fn present<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Rings when something happens in a folder.
#[derive(Debug)]
struct Alarm(OwnedFd);

impl Alarm {
    fn at(dir: &OwnedFd) -> io::Result<Self> {
        use inotify::{CreateFlags, WatchFlags};
        let alarm = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let events = WatchFlags::CREATE | WatchFlags::MODIFY | WatchFlags::MOVED_FROM | WatchFlags::MOVED_TO;
        // The handle, not the path: nobody can put something else in its place.
        inotify::add_watch(&alarm, format!("/proc/self/fd/{}", dir.as_raw_fd()), events)?;
        Ok(Self(alarm))
    }

    fn wait(&self, at_most: Duration) -> io::Result<bool> {
        let timeout = Timespec::try_from(at_most).map_err(io::Error::other)?;
        let rang = match poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&timeout)) {
            Ok(ready) => ready > 0,
            Err(Errno::INTR) => false,
            Err(error) => return Err(error.into()),
        };
        // That something happened is enough; what did is seen by looking.
        let mut events = [0_u8; 4096];
        while rustix::io::read(self.0.as_fd(), &mut events).is_ok_and(|read| read > 0) {}
        Ok(rang)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    struct Scene {
        temp: tempfile::TempDir,
    }

    impl Scene {
        fn new() -> Self {
            Self {
                temp: tempfile::tempdir().unwrap(),
            }
        }

        fn write(&self, name: &str, bytes: &[u8]) {
            let path = self.temp.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }

        fn output(&self, attempt: u32, stream: Stream) -> Output {
            let workdir = self.temp.path().try_into().unwrap();
            Output::of(workdir, JobIndex(3), Attempt::new(attempt), stream).unwrap()
        }
    }

    fn all(output: &mut Output) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        output.copy(&mut bytes).unwrap().then_some(bytes)
    }

    #[test]
    fn each_attempt_is_found_where_it_lies() {
        let scene = Scene::new();
        assert_eq!(all(&mut scene.output(1, Stream::Stdout)), None);
        scene.write("3/job.retry/1/job.stdout", b"first\xff");
        scene.write("3/job.stdout", b"second");
        scene.write("3/job.stderr", b"oh");
        assert_eq!(all(&mut scene.output(1, Stream::Stdout)), Some(b"first\xff".to_vec()));
        assert_eq!(all(&mut scene.output(2, Stream::Stdout)), Some(b"second".to_vec()));
        assert_eq!(all(&mut scene.output(2, Stream::Stderr)), Some(b"oh".to_vec()));
        assert_eq!(all(&mut scene.output(1, Stream::Stderr)), None);
    }

    #[test]
    fn links_are_not_followed() {
        let scene = Scene::new();
        scene.write("secret", b"secret");
        scene.write("3/job.rc", b"0\n");
        symlink(scene.temp.path().join("secret"), scene.temp.path().join("3/job.stdout")).unwrap();
        let mut output = scene.output(1, Stream::Stdout);
        assert!(output.has_exit_code());
        assert!(output.copy(&mut Vec::new()).is_err());
    }

    #[test]
    fn what_is_added_comes_later_and_wakes_whoever_waits() {
        let scene = Scene::new();
        let mut output = scene.output(1, Stream::Stdout);
        for (name, bytes) in [("3/job.status", b"4\n".as_slice()), ("3/job.stdout", b"one")] {
            output.listen().unwrap();
            scene.write(name, bytes);
            assert!(output.wait().unwrap());
        }
        assert_eq!(all(&mut output), Some(b"one".to_vec()));
        output.listen().unwrap();
        scene.write("3/job.stdout", b"one two");
        assert!(output.wait().unwrap());
        assert_eq!(all(&mut output), Some(b" two".to_vec()));
        assert_eq!(
            shown_state(scene.temp.path().try_into().unwrap(), JobIndex(3)),
            Some(State::Running)
        );
    }
}
