//! A program in a process group of its own, whose end is an event.
//!
//! The group bears the leader's process id, and the kernel keeps that number for as long as the leader has not been
//! reaped. So every signal to a group is sent before its leader is reaped, under one lock: it cannot hit strangers.

use std::{
    ffi::OsStr,
    fmt, io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
};

use rustix::{
    fd::{AsFd, OwnedFd},
    process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_open, waitid},
};
use tokio::io::{Interest, unix::AsyncFd};

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

/// A program could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {}: {source}", program.display())]
pub struct NotStarted {
    /// The program.
    pub program: PathBuf,
    /// What the operating system says.
    pub source: io::Error,
}

/// A running program, the leader of its process group. When dropped, its whole group is killed, and it is reaped.
#[derive(Debug)]
pub struct Child {
    leader: Pid,
    pidfd: AsyncFd<OwnedFd>,
    life: Mutex<Life>,
}

#[derive(Clone, Copy, Debug)]
enum Life {
    Running,
    /// Somebody sent a signal to the group: nothing of it is to be left when the leader has ended.
    Ending,
    Reaped(Exit),
}

/// The command line of a program that will lead its own process group.
#[expect(clippy::disallowed_methods, reason = "this is where programs are started")]
pub(super) fn command<A: AsRef<OsStr>>(program: &Path, args: &[A]) -> Command {
    let mut command = Command::new(program);
    // Both of these keep the standard library on its `posix_spawn` path, several times cheaper than fork in a large host.
    command.args(args).process_group(0);
    command
}

impl Child {
    /// Starts a program that is on its own: nothing on its standard input, its output thrown away until it redirects it.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn detached<A: AsRef<OsStr>>(program: &Path, args: &[A], cwd: Option<&Path>) -> Result<Self, NotStarted> {
        let mut command = command(program, args);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(cwd) = cwd {
            command.current_dir(cwd);
        }
        let started = command.spawn().and_then(|child| Self::adopt(&child));
        started.map_err(|source| NotStarted {
            program: program.to_owned(),
            source,
        })
    }

    /// Takes over a program that was just started as the leader of its group. Must be called within a tokio runtime.
    pub(super) fn adopt(child: &std::process::Child) -> io::Result<Self> {
        let leader = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let leader = leader.ok_or_else(|| io::Error::other("the process id makes no sense"))?;
        // The child has not been reaped, so this number is still its own.
        let pidfd = pidfd_open(leader, PidfdFlags::empty()).map_err(io::Error::from);
        match pidfd.and_then(watch) {
            Ok(pidfd) => Ok(Self {
                leader,
                pidfd,
                life: Mutex::new(Life::Running),
            }),
            Err(error) => {
                let _ = kill_process_group(leader, Signal::KILL);
                let _ = waitid(WaitId::Pid(leader), WaitIdOptions::EXITED);
                Err(error)
            }
        }
    }

    /// The process id, which is the group's id as well.
    pub fn id(&self) -> u32 {
        self.leader.as_raw_nonzero().get().unsigned_abs()
    }

    /// Returns when the program has ended. Leaves it to be reaped. May be awaited by many, and dropped at any time.
    ///
    /// # Errors
    /// When the runtime shuts down.
    pub async fn ended(&self) -> io::Result<()> {
        // A pidfd stays readable from then on, so readiness is never cleared.
        self.pidfd.readable().await.map(|_guard| ())
    }

    /// Waits for the end and reaps the program. If a signal was sent to the group, what is left of it is killed first;
    /// else programs that it left in the background go on. May be called again.
    ///
    /// # Errors
    /// When the runtime shuts down, or somebody else reaped the program.
    pub async fn wait(&self) -> io::Result<Exit> {
        self.ended().await?;
        let mut life = self.life();
        match *life {
            Life::Reaped(exit) => return Ok(exit),
            Life::Ending => kill(self.leader),
            Life::Running => (),
        }
        let exit = reap(self.pidfd.as_fd(), WaitIdOptions::empty())?;
        let exit = exit.ok_or_else(|| io::Error::other("the program ended, but not its process"))?;
        *life = Life::Reaped(exit);
        Ok(exit)
    }

    /// Sends a signal to the whole group, unless its leader was reaped.
    pub fn signal_group(&self, signal: Signal) {
        let mut life = self.life();
        if !matches!(*life, Life::Reaped(_)) {
            // It fails when nobody is left, or with what runs as another user: nothing can be done about either.
            let _ = kill_process_group(self.leader, signal);
            *life = Life::Ending;
        }
    }

    fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if matches!(*self.life(), Life::Reaped(_)) {
            return;
        }
        kill(self.leader);
        if matches!(reap(self.pidfd.as_fd(), WaitIdOptions::NOHANG), Ok(None)) {
            // A killed process is gone within a moment, unless it hangs in the kernel. Nobody should wait for that here.
            let leader = self.leader;
            let _ = thread::Builder::new()
                .name("reaper".to_owned())
                .spawn(move || waitid(WaitId::Pid(leader), WaitIdOptions::EXITED));
        }
    }
}

/// Makes a pidfd an event.
#[expect(
    deprecated,
    reason = "its successor is unsafe; an `OwnedFd` stays open and stays the same, as that demands"
)]
pub(super) fn watch(pidfd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(pidfd, Interest::READABLE)
}

fn kill(leader: Pid) {
    let _ = kill_process_group(leader, Signal::KILL);
}

fn reap(pidfd: rustix::fd::BorrowedFd<'_>, options: WaitIdOptions) -> io::Result<Option<Exit>> {
    let status = waitid(WaitId::PidFd(pidfd), WaitIdOptions::EXITED | options)?;
    Ok(status.and_then(|status| {
        let code = status.exit_status().map(Exit::Code);
        code.or_else(|| status.terminating_signal().map(Exit::Signal))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::test_kill_process_group;

    fn bash(script: &str) -> Child {
        Child::detached(Path::new("/bin/bash"), &["-c", script], None).unwrap()
    }

    #[tokio::test]
    async fn an_end_is_told_as_it_was() {
        assert_eq!(bash("exit 3").wait().await.unwrap(), Exit::Code(3));
        assert_eq!(bash("kill -9 $$").wait().await.unwrap(), Exit::Signal(9));
        let child = bash("true");
        assert_eq!(child.wait().await.unwrap(), Exit::Code(0));
        assert_eq!(child.wait().await.unwrap(), Exit::Code(0));
    }

    #[tokio::test]
    async fn a_program_starts_where_it_is_told() {
        let child = Child::detached(Path::new("/bin/bash"), &["-c", "[ $PWD = / ]"], Some(Path::new("/"))).unwrap();
        assert_eq!(child.wait().await.unwrap(), Exit::Code(0));
        let error = Child::detached(Path::new("/no/such"), &["x"], None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot start /no/such: No such file or directory (os error 2)"
        );
    }

    #[tokio::test]
    async fn a_signal_leaves_nobody_of_the_group() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        // The background process ignores TERM and holds the pipe; its end is the end of the file.
        let child = bash(&format!(
            "(trap '' TERM; echo x; sleep 1000) >{} & wait",
            fifo.display()
        ));
        let mut reader = tokio::net::unix::pipe::OpenOptions::new().open_receiver(&fifo).unwrap();
        let mut byte = [0; 2];
        tokio::io::AsyncReadExt::read_exact(&mut reader, &mut byte)
            .await
            .unwrap();
        child.signal_group(Signal::TERM);
        assert_eq!(child.wait().await.unwrap(), Exit::Signal(15));
        assert_eq!(tokio::io::AsyncReadExt::read(&mut reader, &mut byte).await.unwrap(), 0);
        child.signal_group(Signal::KILL);
    }

    #[tokio::test]
    async fn what_is_dropped_is_killed_and_reaped() {
        let child = bash("sleep 1000 & wait");
        let leader = child.leader;
        let ended = watch(pidfd_open(leader, PidfdFlags::empty()).unwrap()).unwrap();
        drop(child);
        drop(ended.readable().await.unwrap());
        // Reaping follows the end at once, in another thread.
        while test_kill_process_group(leader).is_ok() {
            tokio::task::yield_now().await;
        }
    }
}
