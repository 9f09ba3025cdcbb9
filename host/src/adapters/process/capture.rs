//! A program that is run for what it prints, within bounds.
//!
//! How long it may take is up to the caller: drop the future, and the program is killed with everything it started.

use std::{
    ffi::OsStr,
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::Stdio,
};

use rustix::{io::Errno, process::Signal};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::unix::pipe,
};

use super::{
    bereft,
    child::{Exit, Launch, NotStarted},
};

/// What a program printed, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// How it ended.
    pub exit: Exit,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

/// A program could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It could not be started.
    #[error(transparent)]
    NotStarted(#[from] NotStarted),
    /// It printed more than it was allowed to, and was killed.
    #[error("{} was killed: it printed more than {limit} bytes to {stream}", program.display())]
    TooMuchOutput {
        /// The program.
        program: PathBuf,
        /// `stdout` or `stderr`.
        stream: &'static str,
        /// How many bytes are allowed.
        limit: usize,
    },
    /// The pipes to it broke.
    #[error("lost touch with {}: {source}", program.display())]
    Io {
        /// The program.
        program: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

/// Runs a program, gives it `stdin`, and returns what it printed: at most `limit` bytes to each output. Its messages are
/// in plain English (`LC_ALL=C`).
///
/// It is over when the program has ended, even if something that it left in the background keeps its outputs open.
///
/// # Errors
/// When it cannot be started or prints too much. An exit code is no error.
pub async fn run<A: AsRef<OsStr>>(
    program: &Path,
    args: &[A],
    stdin: Vec<u8>,
    limit: usize,
) -> Result<Output, ProcessError> {
    run_to_its_end(Launch::new(program, args), program, stdin, limit).await
}

/// The same for somebody by whose name it can be found, should it outlive this process: see [`bereft`].
///
/// # Errors
/// As [`run`].
pub async fn run_for<A: AsRef<OsStr>>(
    whose: &str,
    program: &Path,
    args: &[A],
    stdin: Vec<u8>,
    limit: usize,
) -> Result<Output, ProcessError> {
    let launch = Launch::new(program, args).env(bereft::VARIABLE, whose);
    run_to_its_end(launch, program, stdin, limit).await
}

async fn run_to_its_end(launch: Launch, program: &Path, stdin: Vec<u8>, limit: usize) -> Result<Output, ProcessError> {
    let launch = launch.env("LC_ALL", "C");
    let launch = launch.stdin(Stdio::piped()).outputs(Stdio::piped(), Stdio::piped());
    let (child, pipes) = launch.start()?;
    let lost = |source| ProcessError::Io {
        program: program.to_owned(),
        source,
    };
    let mut stdout = Capture::new("stdout", pipes.stdout, limit).map_err(lost)?;
    let mut stderr = Capture::new("stderr", pipes.stderr, limit).map_err(lost)?;
    let piped = tokio::select! {
        piped = async { tokio::try_join!(feed(pipes.stdin, &stdin), stdout.fill(), stderr.fill()) } => {
            piped.map(|_| ())
        }
        ended = child.ended() => ended.map_err(Broken::Io),
    };
    if piped.is_err() {
        child.signal_group(Signal::KILL);
    }
    let exit = child.wait().await.map_err(lost)?.exit;
    let piped = piped.and_then(|()| stdout.drain()).and_then(|()| stderr.drain());
    match piped {
        Ok(()) => Ok(Output {
            exit,
            stdout: stdout.bytes,
            stderr: stderr.bytes,
        }),
        Err(Broken::Io(source)) => Err(lost(source)),
        Err(Broken::TooMuch(stream)) => Err(ProcessError::TooMuchOutput {
            program: program.to_owned(),
            stream,
            limit,
        }),
    }
}

enum Broken {
    Io(io::Error),
    TooMuch(&'static str),
}

/// Writes all of `bytes`, or as much as the program wants to read.
async fn feed(fd: Option<OwnedFd>, bytes: &[u8]) -> Result<(), Broken> {
    let Some(fd) = fd else { return Ok(()) };
    let mut pipe = pipe::Sender::from_owned_fd(fd).map_err(Broken::Io)?;
    match pipe.write_all(bytes).await {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Broken::Io(error)),
        _ => Ok(()),
    }
}

/// What came out of one pipe so far.
struct Capture {
    stream: &'static str,
    pipe: pipe::Receiver,
    bytes: Vec<u8>,
    limit: usize,
}

impl Capture {
    fn new(stream: &'static str, fd: Option<OwnedFd>, limit: usize) -> io::Result<Self> {
        let fd = fd.ok_or_else(|| io::Error::other("there is no pipe"))?;
        Ok(Self {
            stream,
            pipe: pipe::Receiver::from_owned_fd(fd)?,
            bytes: Vec::new(),
            limit,
        })
    }

    /// Reads until the pipe is closed at the other end.
    async fn fill(&mut self) -> Result<(), Broken> {
        while self.pipe.read_buf(&mut self.bytes).await.map_err(Broken::Io)? > 0 {
            self.check()?;
        }
        Ok(())
    }

    /// Reads what is in the pipe now. Asks the kernel: the runtime may not have heard yet that there is something.
    fn drain(&mut self) -> Result<(), Broken> {
        let mut chunk = [0; 8 << 10];
        loop {
            match rustix::io::read(&self.pipe, &mut chunk) {
                Ok(0) | Err(Errno::WOULDBLOCK) => return Ok(()),
                Ok(read) => {
                    self.bytes.extend(chunk.iter().take(read));
                    self.check()?;
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(Broken::Io(error.into())),
            }
        }
    }

    fn check(&self) -> Result<(), Broken> {
        if self.bytes.len() > self.limit {
            return Err(Broken::TooMuch(self.stream));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn bash(script: &str, stdin: &[u8], limit: usize) -> Result<Output, ProcessError> {
        run(Path::new("/bin/bash"), &["-c", script], stdin.to_vec(), limit).await
    }

    #[tokio::test]
    async fn everything_comes_through() {
        let big = vec![b'x'; 1 << 20];
        let output = bash("cat; echo $LC_ALL >&2; exit 4", &big, 1 << 20).await.unwrap();
        assert_eq!(output.exit, Exit::Code(4));
        assert_eq!(output.stdout, big);
        assert_eq!(output.stderr, b"C\n");
    }

    #[tokio::test]
    async fn nobody_has_to_read_their_input() {
        let big = vec![b'x'; 1 << 20];
        let output = bash("echo done", &big, 100).await.unwrap();
        assert_eq!(output.stdout, b"done\n");
    }

    #[tokio::test]
    async fn too_much_is_an_error() {
        let error = bash("while echo 0123456789; do :; done", b"", 100).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "/bin/bash was killed: it printed more than 100 bytes to stdout"
        );
        assert!(bash("echo 123", b"", 4).await.is_ok());
        assert!(bash("echo 1234 >&2", b"", 4).await.is_err());
    }

    #[tokio::test]
    async fn what_was_written_is_found_before_the_runtime_has_heard_of_it() {
        let (reader, mut writer) = io::pipe().unwrap();
        io::Write::write_all(&mut writer, b"done").unwrap();
        let mut capture = Capture::new("stdout", Some(reader.into()), 100).unwrap();
        assert!(capture.drain().is_ok());
        assert_eq!(capture.bytes, b"done");
    }

    #[tokio::test]
    async fn a_background_process_that_keeps_the_pipes_open_holds_nobody_up() {
        let output = bash("sleep 1000 & echo $!", b"", 100).await.unwrap();
        let pid = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, Signal::KILL).unwrap();
    }

    #[tokio::test]
    async fn who_stops_waiting_stops_the_program() {
        let (mut reader, writer) = io::pipe().unwrap();
        let script = format!("sleep 1000 & echo $! >/proc/{}/fd/{}; wait", std::process::id(), {
            use std::os::fd::AsRawFd;
            writer.as_raw_fd()
        });
        let program = tokio::spawn(async move { bash(&script, b"", 100).await.map(|_| ()) });
        let pid = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            io::BufRead::read_line(&mut io::BufReader::new(&mut reader), &mut line).unwrap();
            rustix::process::Pid::from_raw(line.trim().parse().unwrap()).unwrap()
        });
        let pid = pid.await.unwrap();
        let watch = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).unwrap();
        program.abort();
        drop(
            crate::adapters::readable::readable(watch)
                .unwrap()
                .readable()
                .await
                .unwrap(),
        );
        drop(writer);
    }
}
