//! How a local job is started: by its script, or directly where nothing asks for a script.
//!
//! A direct job is its program, or a bash with its shell line. Where anything about it is out of the ordinary (there is no
//! such program, the kernel will not have it, it is to start in a folder that is not plain), a bash starts it: then what
//! happens is what always happened, in bash's own words and with its exit codes.

use std::{
    ffi::OsStr,
    io::{self, Seek, Write},
    os::unix::ffi::OsStrExt,
    path::PathBuf,
};

use camino::{Utf8Component, Utf8Path};
use rustix::{
    fs::{MemfdFlags, memfd_create},
    io::Errno,
};

use super::room;
use crate::{
    adapters::{
        process::{
            child::{Child, Launch, NotStarted},
            resolve,
        },
        workdir::Outputs,
    },
    model::{
        access::Access,
        job::Command,
        run::{JobAttempt, Run},
    },
    ports::scheduler::{CallError, CallErrorKind},
};

/// Starts `$2` and what follows in the folder `$1`, if that is not empty. A name without a `/` is that of a program, also
/// where bash has a builtin of that name.
const BY_BASH: &str = r#"
if [[ $1 ]]; then
    cd -- "$1" || { echo 'xqute: the job cannot start there' >&2; exit 1; }
fi
shift
if [[ $1 == */* || $(type -t -- "$1") == file ]]; then "$@"; exit; fi
type -P -- "$1" > /dev/null || { echo "xqute: $1: command not found" >&2; exit 127; }
exec -- "$@"
"#;

/// Says that a command cannot be started in any way.
const TOO_LONG: &str = r#"echo "xqute: $1: Argument list too long" >&2; exit 126"#;

/// Runs a shell line that is too long to be an argument. It comes by standard input.
const LONG_LINE: &str = r#"declare +x cmd; IFS= read -r -d '' cmd; exec < /dev/null; eval -- "$cmd""#;

/// Linux takes no argument of 128 KiB.
const LONGEST_LINE: usize = 127 << 10;

/// How jobs are started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starting {
    /// By their scripts, which stand in their directories.
    ByScript,
    /// Directly; what they print is kept in their directories.
    Direct,
}

/// What was started for a job. It tells how to read the signal that ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leader {
    /// The program that was asked for.
    Program,
    /// A bash with the shell line that was asked for.
    Shell,
    /// The bash that runs the job's script.
    Script,
}

/// Starts jobs of one run.
#[derive(Debug)]
pub(super) struct Starter<'a> {
    pub(super) run: &'a Run,
    pub(super) outputs: &'a Outputs,
    pub(super) attempt: &'a JobAttempt,
}

impl Starter<'_> {
    /// By the job's script.
    pub(super) fn by_script(&self) -> Result<Child, CallError> {
        let (program, args) = match &self.run.access {
            Access::Staged { carrier } => first(carrier)?,
            Access::Shared | Access::Mounted => self.shell()?,
        };
        let script = self.attempt.script.seen_by_job().to_string();
        let launch = Launch::new(program, args.iter().map(String::as_str).chain([&*script]));
        start(self.identified(launch))
    }

    /// Directly. Only what would keep any job from starting is an error.
    pub(super) fn directly(&self) -> Result<(Child, Leader), CallError> {
        match self.attempt.command() {
            Command::Argv(args) => {
                let args: Vec<&OsStr> = args.iter().map(|arg| OsStr::from_bytes(arg)).collect();
                Ok((self.program(&args)?, Leader::Program))
            }
            Command::Shell(line) => Ok((self.line(OsStr::from_bytes(line))?, Leader::Shell)),
        }
    }

    fn line(&self, line: &OsStr) -> Result<Child, CallError> {
        let (shell, args) = self.shell()?;
        let words = |last: &[&'static str]| -> Vec<&OsStr> {
            let words = [shell].into_iter().chain(args.iter().map(String::as_str));
            words.chain(last.iter().copied()).map(OsStr::new).collect()
        };
        if line.len() < LONGEST_LINE {
            let mut words = words(&["-c", "--"]);
            words.push(line);
            return self.program(&words);
        }
        let memory = in_memory(line.as_bytes());
        let memory = memory.map_err(|error| trouble(&error, format!("cannot hold the command: {error}")))?;
        let words = words(&["-c", LONG_LINE]);
        start(self.by_bash(&words)?.stdin(memory))
    }

    fn program(&self, args: &[&OsStr]) -> Result<Child, CallError> {
        let Some(launch) = self.fast(args)? else {
            return start(self.by_bash(args)?);
        };
        let (error, errno) = match launch.start() {
            Ok((child, _)) => return Ok(child),
            Err(error) => match &error {
                NotStarted::Refused { source, .. } if !is_shortage(source) => {
                    let errno = errno(source);
                    (error, errno)
                }
                // It is not about this job; or it ran already, and must not do so twice.
                NotStarted::Refused { .. } | NotStarted::Unwatched { .. } => return Err(error.into()),
            },
        };
        start(match errno {
            None => return Err(error.into()),
            Some(Errno::TOOBIG) => self.bash(TOO_LONG, args.get(..1).unwrap_or_default())?,
            Some(_) => self.by_bash(args)?,
        })
    }

    /// The program itself, if it is certain that bash would start the same one in the same way.
    fn fast(&self, args: &[&OsStr]) -> Result<Option<Launch>, CallError> {
        let cwd = match self.attempt.cwd() {
            Some(cwd) if !is_plain(cwd) => return Ok(None),
            cwd => cwd,
        };
        let Some((name, rest)) = args.split_first() else {
            return Ok(None);
        };
        let Some(program) = self.find(name) else {
            return Ok(None);
        };
        let launch = Launch::new(program, rest)
            .called(name)
            .cwd(cwd.map(Utf8Path::as_std_path));
        Ok(Some(self.furnished(launch, cwd)?))
    }

    fn find(&self, name: &OsStr) -> Option<PathBuf> {
        let own = self.attempt.env.iter().rev().find(|(name, _)| name == "PATH");
        match own {
            Some((_, path)) => resolve::surely(name, OsStr::new(path)),
            None => resolve::surely(name, &std::env::var_os("PATH")?),
        }
    }

    /// A bash that starts a program, and knows what to say when it cannot.
    fn by_bash(&self, args: &[&OsStr]) -> Result<Launch, CallError> {
        let cwd = self.attempt.cwd().map(|cwd| match cwd.is_absolute() {
            true => cwd.to_owned(),
            // Neither `-` nor CDPATH get a chance.
            false => Utf8Path::new(".").join(cwd),
        });
        let cwd = cwd.unwrap_or_default();
        let args: Vec<&OsStr> = [OsStr::new(cwd.as_str())].iter().chain(args).copied().collect();
        self.bash(BY_BASH, &args)
    }

    fn bash(&self, script: &str, args: &[&OsStr]) -> Result<Launch, CallError> {
        let (shell, own) = self.shell()?;
        let words = own.iter().map(String::as_str).chain(["-c", script, "xqute"]);
        let words = words.map(OsStr::new).chain(args.iter().copied());
        self.furnished(Launch::new(shell, words), None)
    }

    /// With everything that a job finds around it. The variables that identify it win over its own.
    fn furnished(&self, mut launch: Launch, cwd: Option<&Utf8Path>) -> Result<Launch, CallError> {
        let outputs = self.outputs.create(self.attempt.job);
        let (stdout, stderr) = outputs.map_err(|error| {
            let job = self.attempt.job;
            trouble(
                &error,
                format!("cannot create the files for the output of job {job}: {error}"),
            )
        })?;
        if let Some(cwd) = cwd {
            // Without a needless `.` or `/`, as a shell would show it.
            launch = launch.env("PWD", cwd.components().collect::<camino::Utf8PathBuf>().as_str());
        }
        for (name, value) in &self.attempt.env {
            launch = launch.env(name, value);
        }
        for (name, value) in self.run.variables(self.attempt) {
            launch = launch.env(name, value);
        }
        Ok(launch.outputs(stdout, stderr))
    }

    /// With what tells other processes which job it is. The rest is up to the script.
    fn identified(&self, mut launch: Launch) -> Launch {
        for (name, value) in self.run.variables(self.attempt) {
            launch = launch.env(name, value);
        }
        launch
    }

    fn shell(&self) -> Result<(&str, &[String]), CallError> {
        first(&self.run.settings.wrapper_shell)
    }
}

fn first(words: &[String]) -> Result<(&str, &[String]), CallError> {
    let (program, args) = words.split_first().ok_or_else(|| CallError {
        kind: CallErrorKind::Other,
        message: "there is no shell to run scripts with".to_owned(),
    })?;
    Ok((program, args))
}

/// Whether a shell would go to this folder without a second thought.
fn is_plain(cwd: &Utf8Path) -> bool {
    cwd.is_absolute() && !cwd.components().any(|part| part == Utf8Component::ParentDir)
}

fn start(launch: Launch) -> Result<Child, CallError> {
    let (child, _) = launch.start()?;
    Ok(child)
}

impl From<NotStarted> for CallError {
    fn from(error: NotStarted) -> Self {
        let message = error.to_string();
        match error {
            NotStarted::Refused { source, .. } => trouble(&source, message),
            // It ran, so it is this attempt that came to nothing.
            NotStarted::Unwatched { .. } => Self {
                kind: CallErrorKind::Other,
                message,
            },
        }
    }
}

/// Whether the machine, or what xqute may take of it, has no room left just now.
fn is_shortage(error: &io::Error) -> bool {
    matches!(
        errno(error),
        Some(Errno::AGAIN | Errno::NOMEM | Errno::MFILE | Errno::NFILE)
    )
}

fn errno(error: &io::Error) -> Option<Errno> {
    error.raw_os_error().map(Errno::from_raw_os_error)
}

/// What keeps a job from starting, and may be over in a moment where the machine only lacks room for it.
fn trouble(error: &io::Error, mut message: String) -> CallError {
    let kind = match is_shortage(error) {
        true => CallErrorKind::Unavailable,
        false => CallErrorKind::Other,
    };
    if errno(error) == Some(Errno::MFILE) {
        message = format!("{message}; {}", room::HELP);
    }
    CallError { kind, message }
}

/// A file without a name that holds these bytes, to be read from its start.
fn in_memory(bytes: &[u8]) -> io::Result<std::fs::File> {
    let mut file = std::fs::File::from(memfd_create("line", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file)
}
