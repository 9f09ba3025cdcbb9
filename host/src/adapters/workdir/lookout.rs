//! What happens in job directories, told as it happens: that a script began, and that it is over.
//!
//! The kernel tells it (inotify) where host and jobs share its view of the files: on one machine, containers included, but not
//! of what another machine writes to a shared disk. So this is an early word and never the only one: whoever listens asks the
//! backend as well, only less often.
//!
//! A script keeps its stderr open for as long as it lives. When that file is closed, the script and all that it left running with
//! the same stderr are over, however they ended.

use std::{
    collections::{HashMap, VecDeque},
    ffi::CStr,
    future::pending,
    io,
    mem::MaybeUninit,
    os::fd::{AsRawFd as _, OwnedFd},
    sync::{Mutex, MutexGuard, PoisonError},
};

use rustix::{
    fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags},
    io::Errno,
};
use tokio::io::unix::AsyncFd;

use super::{
    Workdir,
    names::{STATUS, STDERR},
};
use crate::{
    adapters::readable::readable,
    model::{
        job::{Attempt, JobIndex},
        run::JobAttempt,
    },
};

/// How much is read at once.
const BUFFER: usize = 16 * 1024;

/// What was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Something happened to a script.
    Script(JobIndex, Attempt, Sign),
    /// So much happened at once that some of it was missed.
    Missed,
}

/// What happened to a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// It wrote its state, so it may have begun.
    Wrote,
    /// It is over.
    Over,
}

/// Looks at the directories of jobs in flight. Blind where the kernel cannot tell.
#[derive(Debug, Default)]
pub struct Lookout {
    inotify: Option<AsyncFd<OwnedFd>>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    directories: HashMap<i32, (JobIndex, Attempt)>,
    descriptors: HashMap<JobIndex, i32>,
    notices: VecDeque<Notice>,
}

impl Lookout {
    /// A lookout that sees nothing yet. Needs a runtime.
    pub fn open() -> Self {
        let opened = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).map_err(io::Error::from);
        let inotify = opened.and_then(readable);
        if let Err(error) = &inotify {
            tracing::debug!("job directories are not watched: {error}");
        }
        Self {
            inotify: inotify.ok(),
            seen: Mutex::default(),
        }
    }

    /// Looks at the directory of this attempt from now on, in place of any earlier one of the same job.
    pub fn watch(&self, workdir: &Workdir, attempt: &JobAttempt) {
        self.watch_job(workdir, attempt.job, attempt.attempt);
    }

    /// The same, where no more is known than which attempt it is.
    pub fn watch_job(&self, workdir: &Workdir, job: JobIndex, attempt: Attempt) {
        let Some(inotify) = &self.inotify else { return };
        // By its handle, as everything below the workdir.
        let path = format!("/proc/self/fd/{}/{job}", workdir.dir.as_raw_fd());
        let flags = WatchFlags::CLOSE_WRITE | WatchFlags::ONLYDIR | WatchFlags::DONT_FOLLOW;
        match inotify::add_watch(inotify, path, flags) {
            Ok(descriptor) => {
                let mut seen = self.seen();
                seen.directories.insert(descriptor, (job, attempt));
                seen.descriptors.insert(job, descriptor);
            }
            // Usually there are more jobs than the user may watch folders.
            Err(error) => tracing::debug!(job = job.0, "its directory is not watched: {error}"),
        }
    }

    /// The job is over.
    pub fn forget(&self, job: JobIndex) {
        let Some(inotify) = &self.inotify else { return };
        let mut seen = self.seen();
        if let Some(descriptor) = seen.descriptors.remove(&job) {
            seen.directories.remove(&descriptor);
            // It fails when the directory is gone, and the watch with it.
            let _ = inotify::remove_watch(inotify, descriptor);
        }
    }

    /// Waits for the next notice; for ever, when blind. Safe to drop and call again.
    pub async fn next(&self) -> Notice {
        let Some(inotify) = &self.inotify else {
            return pending().await;
        };
        loop {
            if let Some(notice) = self.seen().notices.pop_front() {
                return notice;
            }
            let Ok(mut ready) = inotify.readable().await else {
                return pending().await;
            };
            self.read_all(inotify);
            ready.clear_ready();
        }
    }

    /// Reads until the kernel has nothing more to tell.
    fn read_all(&self, inotify: &AsyncFd<OwnedFd>) {
        let mut buffer = [MaybeUninit::uninit(); BUFFER];
        let mut reader = Reader::new(inotify, &mut buffer);
        let mut seen = self.seen();
        loop {
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::INTR) => continue,
                Err(Errno::WOULDBLOCK) => return,
                Err(error) => return tracing::debug!("job directories are not watched any more: {error}"),
            };
            if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                seen.notices.push_back(Notice::Missed);
                continue;
            }
            let sign = match event.file_name().map(CStr::to_bytes) {
                Some(name) if name == STATUS.as_bytes() => Sign::Wrote,
                Some(name) if name == STDERR.as_bytes() => Sign::Over,
                _ => continue,
            };
            if let Some((job, attempt)) = seen.directories.get(&event.wd()).copied() {
                seen.notices.push_back(Notice::Script(job, attempt, sign));
            }
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
