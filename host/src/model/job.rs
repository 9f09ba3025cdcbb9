//! What a user asks for: one job, before anything has happened to it.

use std::{fmt, time::Duration};

use bstr::{BString, ByteSlice};
use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use super::options::Options;

/// A job's number in its run, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobIndex(pub u32);

impl fmt::Display for JobIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One try of a job; the first is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Attempt(u32);

impl Attempt {
    /// The first try.
    pub const FIRST: Self = Self(1);

    /// The try of this number; the first is 1, and so is 0.
    pub const fn new(number: u32) -> Self {
        Self(if number == 0 { 1 } else { number })
    }

    /// The try after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The number, from 1.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// How many tries came before.
    pub const fn retries(self) -> u32 {
        self.0.saturating_sub(1)
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a job executes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A program and its arguments, which reach it byte for byte.
    Argv(Vec<BString>),
    /// A line of bash.
    Shell(BString),
}

impl Command {
    /// A program and its arguments.
    pub fn argv<A: Into<Vec<u8>>>(args: impl IntoIterator<Item = A>) -> Self {
        Self::Argv(args.into_iter().map(|arg| BString::from(arg.into())).collect())
    }

    /// A line of bash.
    pub fn shell(line: impl Into<Vec<u8>>) -> Self {
        Self::Shell(BString::from(line.into()))
    }

    /// What is wrong with this command, if anything is.
    ///
    /// # Errors
    /// When there is nothing to run, or a byte that no command line can carry.
    pub fn check(&self) -> Result<(), BadCommand> {
        let parts = match self {
            Self::Argv(args) => args.as_slice(),
            Self::Shell(line) => std::slice::from_ref(line),
        };
        match parts.first() {
            None => Err(BadCommand::Empty),
            Some(first) if first.trim_ascii().is_empty() => Err(BadCommand::Empty),
            Some(_) if parts.iter().any(|part| part.contains(&0)) => Err(BadCommand::Nul),
            Some(_) => Ok(()),
        }
    }
}

/// For people: lossy where bytes are not UTF-8, arguments joined by spaces.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shell(line) => line.fmt(f),
            Self::Argv(args) => {
                for (at, arg) in args.iter().enumerate() {
                    let gap = if at == 0 { "" } else { " " };
                    let quoted = shlex::bytes::try_quote(arg).unwrap_or(arg.as_bytes().into());
                    write!(f, "{gap}{}", quoted.as_bstr())?;
                }
                Ok(())
            }
        }
    }
}

/// Why a command cannot be run by anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCommand {
    /// There is no program to run.
    #[error("the command is empty")]
    Empty,
    /// The operating system ends arguments at a NUL byte.
    #[error("the command has a NUL byte in it, which no program can be given")]
    Nul,
}

/// The immutable request. What is rarely given lives in [`JobExtras`], so that a million plain jobs stay small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobSpec {
    /// What to execute.
    pub command: Command,
    extras: Option<Box<JobExtras>>,
}

/// What a job may say beyond its command. Nothing here means: as the run says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobExtras {
    /// The name that backends and messages show.
    pub name: Option<String>,
    /// Environment variables, in order.
    pub env: Vec<(String, String)>,
    /// Where the job starts.
    pub cwd: Option<Utf8PathBuf>,
    /// How long an attempt may run.
    pub timeout: Option<Duration>,
    /// How often a failed attempt is followed by another one, under the strategy `retry`.
    pub num_retries: Option<u32>,
    /// Scheduler options.
    pub options: Options,
    /// Jobs of a higher priority start first; the usual one is 0.
    pub priority: i32,
    /// The jobs that must succeed before this one starts.
    pub after: Vec<Predecessor>,
}

/// A job that another one comes after.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Predecessor {
    /// By its index.
    Index(JobIndex),
    /// By its name.
    Name(String),
}

static NO_EXTRAS: JobExtras = JobExtras {
    name: None,
    env: Vec::new(),
    cwd: None,
    timeout: None,
    num_retries: None,
    options: Options::new(),
    priority: 0,
    after: Vec::new(),
};

impl JobSpec {
    /// A job that is nothing but its command.
    pub fn new(command: Command) -> Self {
        Self { command, extras: None }
    }

    /// The same job with `extras`.
    #[must_use]
    pub fn with(mut self, extras: JobExtras) -> Self {
        self.extras = (extras != NO_EXTRAS).then(|| Box::new(extras));
        self
    }

    /// What the job says beyond its command.
    pub fn extras(&self) -> &JobExtras {
        self.extras.as_deref().unwrap_or(&NO_EXTRAS)
    }
}

impl From<Command> for JobSpec {
    fn from(command: Command) -> Self {
        Self::new(command)
    }
}

/// A string is a shell command line.
impl From<&str> for JobSpec {
    fn from(line: &str) -> Self {
        Self::new(Command::shell(line))
    }
}

/// A list is an argv.
impl<A: Into<Vec<u8>>> From<Vec<A>> for JobSpec {
    fn from(args: Vec<A>) -> Self {
        Self::new(Command::argv(args))
    }
}

/// A list is an argv.
impl<A: Into<Vec<u8>>, const N: usize> From<[A; N]> for JobSpec {
    fn from(args: [A; N]) -> Self {
        Self::new(Command::argv(args))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_commands_are_named() {
        assert_eq!(Command::shell("  ").check(), Err(BadCommand::Empty));
        assert_eq!(Command::argv(Vec::<String>::new()).check(), Err(BadCommand::Empty));
        assert_eq!(Command::argv(["a", "b\0c"]).check(), Err(BadCommand::Nul));
        assert_eq!(Command::argv(["a", ""]).check(), Ok(()));
    }

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let command = Command::argv(["printf", "%s", "two words"]);
        assert_eq!(command.to_string(), "printf '%s' 'two words'");
    }

    #[test]
    fn a_plain_job_carries_no_extras() {
        let spec = JobSpec::from("true").with(JobExtras::default());
        assert!(spec.extras.is_none());
    }
}
