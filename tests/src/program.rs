//! Starts xqute and other programs, signals them, and collects what they said.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, Write as _},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

use rustix::process::{Pid, Signal};

use crate::machine::{self, wait_for, wait_until};

/// How many lines are told of a program that did not end.
const TOLD: usize = 40;

/// One use of a program that is about to start.
pub struct Xqute {
    command: Command,
    said: Said,
}

/// Where the program's words go.
#[derive(Clone)]
struct Said {
    stdout: PathBuf,
    stderr: PathBuf,
    /// Shown as `[scratch]`.
    scratch: String,
}

impl Xqute {
    /// `program` in the folder `here`; its words are kept in `files`, with `scratch` hidden in them.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where tests start what they test"
    )]
    pub(crate) fn new(program: &Path, here: &Path, files: &Path, scratch: &Path) -> Self {
        let mut command = Command::new(program);
        command.current_dir(here).env_clear().stdin(Stdio::null());
        let said = Said {
            stdout: files.with_extension("stdout"),
            stderr: files.with_extension("stderr"),
            scratch: scratch.to_str().expect("scratch folders have plain names").to_owned(),
        };
        Self { command, said }
    }

    /// With these arguments.
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(args);
        self
    }

    /// With this in its environment.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// In another folder.
    pub fn current_dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// With these bytes on its standard input.
    pub fn stdin(mut self, bytes: impl AsRef<[u8]>) -> Self {
        let file = self.said.stdout.with_extension("stdin");
        fs::write(&file, bytes).unwrap();
        self.command.stdin(File::open(file).unwrap());
        self
    }

    /// With a pipe on its standard input, which stays open.
    pub fn piped(mut self) -> Self {
        self.command.stdin(Stdio::piped());
        self
    }

    /// In a process group of its own, as a shell starts what is typed.
    pub fn leading_a_group(mut self) -> Self {
        self.command.process_group(0);
        self
    }

    /// As a user without any rights. Needs root.
    pub fn as_nobody(mut self) -> Self {
        self.command.uid(65_534).gid(65_534);
        self
    }

    /// Starts it.
    #[track_caller]
    pub fn start(mut self) -> Running {
        self.command.stdout(File::create(&self.said.stdout).unwrap());
        self.command.stderr(File::create(&self.said.stderr).unwrap());
        let child = self.command.spawn();
        let child = child.unwrap_or_else(|error| panic!("cannot start {:?}: {error}", self.command));
        Running { child, said: self.said }
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run(self) -> Output {
        self.start().wait()
    }
}

/// A program that was started. It is killed when a test forgets it.
pub struct Running {
    child: Child,
    said: Said,
}

impl Running {
    /// Its process.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        machine::signal(self.pid(), signal);
    }

    /// Sends a signal to it and to all others in the group that it leads, as a terminal does.
    pub fn signal_group(&self, signal: Signal) {
        machine::signal_group(self.pid(), signal);
    }

    /// Writes to its standard input, which is a pipe.
    #[track_caller]
    pub fn write(&mut self, text: &str) {
        let pipe = self.child.stdin.as_mut().expect("standard input is a pipe");
        pipe.write_all(text.as_bytes()).unwrap();
    }

    /// Nothing more is written to its standard input.
    pub fn end_input(&mut self) {
        self.child.stdin = None;
    }

    /// Waits until it is stopped, as by Ctrl-Z.
    #[track_caller]
    pub fn wait_until_stopped(&self) {
        wait_until("the program is stopped", || machine::is_stopped(self.pid()));
    }

    /// Waits until it has said this on stderr.
    #[track_caller]
    pub fn wait_for_word(&self, word: &str) {
        wait_until(&format!("stderr says {word:?}"), || {
            self.said.read(&self.said.stderr).contains(word)
        });
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(mut self) -> Output {
        let status = wait_for("the program ends", || self.child.try_wait().unwrap());
        self.ended(status)
    }

    /// Waits for its end however far that is, for as long as it says something on stderr now and then.
    #[track_caller]
    pub fn wait_while_it_talks(mut self) -> Output {
        let mut said = 0;
        loop {
            let ended = wait_for("the program ends or says something", || {
                let now = fs::metadata(&self.said.stderr).unwrap().len();
                let news = now != std::mem::replace(&mut said, now);
                let ended = self.child.try_wait().unwrap();
                (news || ended.is_some()).then_some(ended)
            });
            if let Some(status) = ended {
                return self.ended(status);
            }
        }
    }

    fn ended(&self, status: ExitStatus) -> Output {
        Output {
            status,
            stdout: self.said.read(&self.said.stdout),
            stderr: self.said.read(&self.said.stderr),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let said = self.said.read(&self.said.stderr);
            let lines: Vec<_> = said.lines().rev().take(TOLD).collect();
            let lines: Vec<_> = lines.into_iter().rev().collect();
            println!("--- the end of stderr of what is killed\n{}\n---", lines.join("\n"));
        }
        let _over_already: io::Result<()> = self.child.kill();
        let _over_already = self.child.wait();
    }
}

impl Said {
    fn read(&self, file: &Path) -> String {
        let bytes = fs::read(file).unwrap_or_default();
        String::from_utf8_lossy(&bytes).replace(&self.scratch, "[scratch]")
    }
}

/// What a program said, and how it ended.
#[derive(Debug)]
pub struct Output {
    status: ExitStatus,
    /// Its standard output, with the scratch folder shown as `[scratch]`.
    pub stdout: String,
    /// Its standard error, likewise.
    pub stderr: String,
}

impl Output {
    /// The exit code, if it ended with one.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Checks the exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        let (status, stdout, stderr) = (self.status, &self.stdout, &self.stderr);
        assert_eq!(
            status.code(),
            Some(code),
            "{status}, signal {:?}\n--- stdout\n{stdout}--- stderr\n{stderr}---",
            status.signal()
        );
        self
    }

    /// Checks that stderr has this text in it.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(
            self.stderr.contains(text),
            "stderr does not say {text:?}\n--- stderr\n{}---",
            self.stderr
        );
        self
    }

    /// Checks that stderr does not have this text in it.
    #[track_caller]
    pub fn does_not_say(self, text: &str) -> Self {
        assert!(
            !self.stderr.contains(text),
            "stderr says {text:?}\n--- stderr\n{}---",
            self.stderr
        );
        self
    }
}
