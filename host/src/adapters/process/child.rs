//! A program in a process group of its own, whose end is an event.
//!
//! The group bears the leader's process id, and the kernel keeps that number for as long as the leader has not been
//! reaped. So every signal to a group is sent before its leader is reaped, under one lock: it cannot hit strangers.

use std::{
    ffi::OsStr,
    fmt, io,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child as Process, Command, ExitStatus, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
};

use rustix::{
    fd::OwnedFd,
    process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_open, waitid},
};
use tokio::io::unix::AsyncFd;
use wait4::Wait4;

use super::stat::Stat;
use crate::adapters::readable::readable;
use crate::model::record::Usage;

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, signal) => Self::Signal(signal.unwrap_or_default()),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

/// How a program ended, and what it used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// How.
    pub exit: Exit,
    /// Whether the program was ever in place. A signal to our own group reaches what is being started for a moment.
    pub began: bool,
    /// By the kernel's accounting. It begins before the program replaces the copy of its starter, so the peak of memory is
    /// never less than what xqute itself had resident.
    pub usage: Usage,
}

/// A program could not be started.
#[derive(Debug, thiserror::Error)]
pub enum NotStarted {
    /// It never ran.
    #[error("cannot start {}: {source}", program.display())]
    Refused {
        /// The program.
        program: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// It ran for a moment, and was killed because its end could not be an event.
    #[error("{} was started, but had to be killed at once, as it cannot be watched: {source}", program.display())]
    Unwatched {
        /// The program.
        program: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

/// A running program, the leader of its process group. When dropped, its whole group is killed, and it is reaped.
#[derive(Debug)]
pub struct Child {
    leader: Pid,
    pidfd: AsyncFd<OwnedFd>,
    life: Mutex<Life>,
}

#[derive(Debug)]
enum Life {
    Running {
        process: Process,
        /// Somebody sent a signal to the group: nothing of it is to be left when the leader has ended.
        signalled: bool,
    },
    Reaped(End),
}

/// A program that is about to be started as the leader of its own process group, on its own: nothing on its standard
/// input, its output thrown away until somebody wants it, otherwise with what xqute has around it.
#[derive(Debug)]
pub struct Launch(Command);

impl Launch {
    /// A program, by its path, and its arguments.
    #[expect(clippy::disallowed_methods, reason = "this is where programs are started")]
    pub fn new<A: AsRef<OsStr>>(program: impl AsRef<OsStr>, args: impl IntoIterator<Item = A>) -> Self {
        let mut command = Command::new(program);
        // Nothing here or below keeps the standard library from `posix_spawn`, several times cheaper than fork in a large
        // host.
        command.args(args).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command)
    }

    /// What the program finds as its own name.
    #[must_use]
    pub fn called(mut self, name: &OsStr) -> Self {
        self.0.arg0(name);
        self
    }

    /// An environment variable; a later one of the same name counts.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Where it starts.
    #[must_use]
    pub fn cwd(mut self, dir: Option<&Path>) -> Self {
        if let Some(dir) = dir {
            self.0.current_dir(dir);
        }
        self
    }

    /// What it reads.
    #[must_use]
    pub fn stdin(mut self, file: impl Into<Stdio>) -> Self {
        self.0.stdin(file);
        self
    }

    /// Where its output goes.
    #[must_use]
    pub fn outputs(mut self, stdout: impl Into<Stdio>, stderr: impl Into<Stdio>) -> Self {
        self.0.stdout(stdout).stderr(stderr);
        self
    }

    /// Starts it, and hands out the pipes to it, if any were wanted. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(mut self) -> Result<(Child, Pipes), NotStarted> {
        let program = PathBuf::from(self.0.get_program());
        let mut process = match self.0.spawn() {
            Ok(process) => process,
            Err(source) => return Err(NotStarted::Refused { program, source }),
        };
        let pipes = Pipes {
            stdin: process.stdin.take().map(OwnedFd::from),
            stdout: process.stdout.take().map(OwnedFd::from),
            stderr: process.stderr.take().map(OwnedFd::from),
        };
        match Child::take_over(process) {
            Ok(child) => Ok((child, pipes)),
            Err(source) => Err(NotStarted::Unwatched { program, source }),
        }
    }
}

/// Our ends of the pipes to a program.
#[derive(Debug)]
pub struct Pipes {
    pub(super) stdin: Option<OwnedFd>,
    pub(super) stdout: Option<OwnedFd>,
    pub(super) stderr: Option<OwnedFd>,
}

impl Child {
    /// Takes over a program that was just started as the leader of its group.
    fn take_over(process: Process) -> io::Result<Self> {
        let leader = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
        let leader = leader.ok_or_else(|| io::Error::other("the process id makes no sense"))?;
        // The child has not been reaped, so this number is still its own.
        let pidfd = pidfd_open(leader, PidfdFlags::empty()).map_err(io::Error::from);
        match pidfd.and_then(readable) {
            Ok(pidfd) => Ok(Self {
                leader,
                pidfd,
                life: Mutex::new(Life::Running {
                    process,
                    signalled: false,
                }),
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
    pub async fn wait(&self) -> io::Result<End> {
        self.ended().await?;
        let mut life = self.life();
        let process = match &mut *life {
            Life::Reaped(end) => return Ok(*end),
            Life::Running { process, signalled } => {
                if *signalled {
                    kill(self.leader);
                }
                process
            }
        };
        let began = began(self.leader);
        // It has ended, so this does not block.
        let reaped = process.wait4()?;
        let end = End {
            exit: reaped.status.into(),
            began,
            usage: Usage {
                user: reaped.rusage.utime,
                system: reaped.rusage.stime,
                peak_memory: reaped.rusage.maxrss,
            },
        };
        *life = Life::Reaped(end);
        Ok(end)
    }

    /// Sends a signal to the whole group, unless its leader was reaped.
    pub fn signal_group(&self, signal: Signal) {
        if let Life::Running { signalled, .. } = &mut *self.life() {
            // It fails when nobody is left, or with what runs as another user: nothing can be done about either.
            let _ = kill_process_group(self.leader, signal);
            *signalled = true;
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
        let leader = self.leader;
        if matches!(
            waitid(WaitId::Pid(leader), WaitIdOptions::EXITED | WaitIdOptions::NOHANG),
            Ok(None)
        ) {
            // A killed process is gone within a moment, unless it hangs in the kernel. Nobody should wait for that here.
            let _ = thread::Builder::new()
                .name("reaper".to_owned())
                .spawn(move || waitid(WaitId::Pid(leader), WaitIdOptions::EXITED));
        }
    }
}

fn kill(leader: Pid) {
    let _ = kill_process_group(leader, Signal::KILL);
}

/// Whether a child that has ended, and was not reaped, ever was the program that it was to be.
fn began(child: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let ended = waitid(WaitId::Pid(child), options);
    // Only then is it worth a look.
    let is_by_signal = matches!(ended, Ok(Some(status)) if status.terminating_signal().is_some());
    !(is_by_signal && Stat::of(child).is_some_and(|stat| stat.is_copy()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::test_kill_process_group;

    fn bash(script: &str) -> Child {
        Launch::new("/bin/bash", ["-c", script]).start().unwrap().0
    }

    #[tokio::test]
    async fn an_end_is_told_as_it_was() {
        assert_eq!(bash("exit 3").wait().await.unwrap().exit, Exit::Code(3));
        assert_eq!(bash("kill -9 $$").wait().await.unwrap().exit, Exit::Signal(9));
        let child = bash("true");
        assert_eq!(child.wait().await.unwrap().exit, Exit::Code(0));
        assert_eq!(child.wait().await.unwrap().exit, Exit::Code(0));
    }

    #[tokio::test]
    async fn a_program_starts_where_it_is_told() {
        let launch = Launch::new("/bin/bash", ["-c", "[ $PWD = / ]"]).cwd(Some(Path::new("/")));
        let (child, _) = launch.start().unwrap();
        assert_eq!(child.wait().await.unwrap().exit, Exit::Code(0));
        let error = Launch::new("/no/such", ["x"]).start().unwrap_err();
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
        assert_eq!(child.wait().await.unwrap().exit, Exit::Signal(15));
        assert_eq!(tokio::io::AsyncReadExt::read(&mut reader, &mut byte).await.unwrap(), 0);
        child.signal_group(Signal::KILL);
    }

    #[tokio::test]
    async fn what_was_used_is_counted() {
        let busy = "for ((i = 0; i < 300000; i++)); do :; done; x=$(printf %20000000s); exit 4";
        let end = bash(busy).wait().await.unwrap();
        assert_eq!(end.exit, Exit::Code(4));
        assert!(end.usage.user.as_millis() > 20, "{end:?}");
        assert!(end.usage.peak_memory > 20_000_000, "{end:?}");
    }

    #[tokio::test]
    async fn what_is_dropped_is_killed_and_reaped() {
        let child = bash("sleep 1000 & wait");
        let leader = child.leader;
        let ended = readable(pidfd_open(leader, PidfdFlags::empty()).unwrap()).unwrap();
        drop(child);
        drop(ended.readable().await.unwrap());
        // Reaping follows the end at once, in another thread.
        while test_kill_process_group(leader).is_ok() {
            tokio::task::yield_now().await;
        }
    }
}
