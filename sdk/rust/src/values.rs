//! What the contract's values can do beyond holding data, and the two helpers that nearly every plugin needs: looking up
//! options, and quoting for bash.

use std::{borrow::Cow, fmt, str::FromStr};

use crate::{Command, Error, Exit, FailureCause, Hook, Job, Output, Verdict, Wrapping};

impl Hook {
    /// The name of the function in the traits, like `on_job_failed`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Init => "on_init",
            Self::Shutdown => "on_shutdown",
            Self::JobInit => "on_job_init",
            Self::JobQueued => "on_job_queued",
            Self::JobSubmitting => "on_job_submitting",
            Self::JobSubmitted => "on_job_submitted",
            Self::JobStarted => "on_job_started",
            Self::JobPolling => "on_job_polling",
            Self::JobKilling => "on_job_killing",
            Self::JobKilled => "on_job_killed",
            Self::JobFailed => "on_job_failed",
            Self::JobSucceeded => "on_job_succeeded",
            Self::JobcmdInit => "on_jobcmd_init",
            Self::JobcmdPrep => "on_jobcmd_prep",
            Self::JobcmdEnd => "on_jobcmd_end",
        }
    }
}

impl Verdict {
    /// A veto, with the reason that the user will read.
    pub fn veto(reason: impl Into<String>) -> Self {
        Self::Veto(reason.into())
    }
}

impl Job {
    /// The command as one would type it. For people and decisions; the job's script is what runs.
    pub fn command_line(&self) -> String {
        self.command.to_string()
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shell(line) => f.write_str(line),
            Self::Argv(args) => {
                let plain = |arg: &str| !arg.is_empty() && arg.bytes().all(is_plain);
                let quoted: Vec<Cow<'_, str>> = args
                    .iter()
                    .map(|arg| if plain(arg) { arg.into() } else { quote(arg).into() })
                    .collect();
                f.write_str(&quoted.join(" "))
            }
        }
    }
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'%' | b'+' | b',' | b'-' | b'.' | b'/' | b':' | b'=' | b'@' | b'_'
        )
}

/// For users, in a few words.
impl fmt::Display for FailureCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ExitCode(code) => write!(f, "exit code {code}"),
            Self::Signal(number) => write!(f, "signal {number}"),
            Self::TimedOut => f.write_str("timed out"),
            Self::OutOfMemory => f.write_str("out of memory"),
            Self::Preempted => f.write_str("preempted"),
            Self::NodeFailure => f.write_str("the machine failed"),
            Self::NeverStarted(why) => write!(f, "never started: {why}"),
            Self::Lost => f.write_str("lost"),
            Self::SubmissionFailed(why) => write!(f, "submission failed: {why}"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

impl Error {
    /// What the error says to the user, without its kind.
    pub fn message(&self) -> Cow<'_, str> {
        match self {
            Self::Denied(text)
            | Self::Unavailable(text)
            | Self::Rejected(text)
            | Self::InvalidOptions(text)
            | Self::Other(text) => text.into(),
            Self::RateLimited(None) => "the backend asks for patience".into(),
            Self::RateLimited(Some(wait)) => format!("the backend asks to wait for {wait} ms").into(),
        }
    }
}

impl Output {
    /// Whether the program ended with exit code 0.
    pub fn succeeded(&self) -> bool {
        self.exit == Exit::Code(0)
    }

    /// Its standard output as text; what is not UTF-8 shows up as U+FFFD.
    pub fn stdout_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stdout)
    }

    /// Its standard error as text; what is not UTF-8 shows up as U+FFFD.
    pub fn stderr_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stderr)
    }
}

impl Wrapping {
    /// These lines at the top of the script; each starts with `#`.
    pub fn with<L: Into<String>>(directives: impl IntoIterator<Item = L>) -> Self {
        Self {
            shebang: None,
            directives: directives.into_iter().map(Into::into).collect(),
        }
    }
}

#[expect(clippy::derivable_impls, reason = "the type is generated")]
impl Default for Wrapping {
    fn default() -> Self {
        Self {
            shebang: None,
            directives: Vec::new(),
        }
    }
}

/// Looks up options: those of the plugin, [`run::options`](crate::run::options), or of a job, `job.options`. `-` and `_` in
/// names are the same.
pub trait Lookup {
    /// All values that were given for an option, in order.
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str>;

    /// The value of an option. The last one counts.
    fn value<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.values(name).last()
    }

    /// The value of an option, as a number or whatever can be read from text.
    ///
    /// # Errors
    /// `InvalidOptions` when the value is something else.
    fn parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>, Error>
    where
        T::Err: fmt::Display,
    {
        self.value(name)
            .map(|value| {
                value
                    .parse()
                    .map_err(|error| Error::InvalidOptions(format!("bad value `{value}` for `{name}`: {error}")))
            })
            .transpose()
    }
}

impl Lookup for [(String, String)] {
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.iter()
            .filter(move |(key, _)| same(key, name))
            .map(|(_, value)| value.as_str())
    }
}

fn same(a: &str, b: &str) -> bool {
    let dashed = |byte: u8| if byte == b'_' { b'-' } else { byte };
    a.bytes().map(dashed).eq(b.bytes().map(dashed))
}

/// Quotes a text for bash: it arrives as one word, exactly as it is, whatever is in it.
pub fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_reads_as_typed() {
        let argv = |args: &[&str]| Command::Argv(args.iter().map(ToString::to_string).collect());
        assert_eq!(
            argv(&["echo", "a b", "", "it's"]).to_string(),
            r"echo 'a b' '' 'it'\''s'"
        );
        assert_eq!(Command::Shell("a | b".to_owned()).to_string(), "a | b");
    }

    #[test]
    fn options_are_found_under_either_spelling() {
        let options = [("a-b", "1"), ("a_b", "2"), ("c", "x")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(options.values("a-b").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(options.parsed::<u32>("a_b"), Ok(Some(2)));
        assert_eq!(options.parsed::<u32>("d"), Ok(None));
        let error = options.parsed::<u32>("c").unwrap_err();
        assert_eq!(error.message(), "bad value `x` for `c`: invalid digit found in string");
    }
}
