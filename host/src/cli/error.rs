//! How errors are shown: what happened, where, and what to do next. No debug output, no backtraces.

use std::fmt::Write as _;

use super::{
    exit::Exit,
    screen::{LogFormat, Screen, Style, printable},
};

/// The end of a command that could not do its work.
#[derive(Debug)]
pub(super) struct Failure {
    /// How the process exits.
    pub(super) exit: Exit,
    error: anyhow::Error,
    help: Vec<String>,
}

/// What the commands return.
pub(super) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// Something ends the command; `error` says what and where.
    pub(super) fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self {
            exit,
            error: error.into(),
            help: Vec::new(),
        }
    }

    /// The user asked for something that cannot be.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, anyhow::Error::msg(message.into()))
    }

    /// Adds what to do next.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Tells the user.
    pub(super) fn show(&self, screen: &Screen) {
        match screen.format() {
            LogFormat::Text => screen.print(&self.text()),
            LogFormat::Json => screen.record(
                "error",
                "xqute",
                &self.message(),
                serde_json::json!({"help": self.help, "exit_code": self.exit.code()}),
            ),
        }
    }

    /// The error and its causes. Many errors have the words of their cause in their own.
    fn message(&self) -> String {
        let mut message = String::new();
        for cause in self.error.chain().map(ToString::to_string) {
            if message.is_empty() {
                message = cause;
            } else if !message.contains(&cause) {
                let _infallible = write!(message, ": {cause}");
            }
        }
        message
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let message = printable(&self.message()).replace('\n', "\n  ");
        let _infallible = writeln!(text, "{} {message}", Style::Error.paint("error:"));
        for help in &self.help {
            let help = printable(help).replace('\n', "\n        ");
            let _infallible = writeln!(text, "  {} {help}", Style::Help.paint("help:"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn an_error_says_what_where_and_what_next() {
        let error = std::fs::read("/does/not/exist").context("cannot read the configuration file /does/not/exist");
        let failure = Failure::new(Exit::Usage, error.unwrap_err())
            .help("name another file with --config\nor none")
            .help("see xqute --help");
        insta::assert_snapshot!(anstream::adapter::strip_str(&failure.text()).to_string(), @r"
        error: cannot read the configuration file /does/not/exist: No such file or directory (os error 2)
          help: name another file with --config
                or none
          help: see xqute --help
        ");
    }

    #[test]
    fn nothing_is_said_twice() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot read it: {source}; try again")]
        struct Unread {
            source: std::io::Error,
        }
        let source = std::io::Error::other("no power");
        assert_eq!(
            Failure::new(Exit::Usage, Unread { source }).message(),
            "cannot read it: no power; try again"
        );
    }

    #[test]
    fn colours_can_be_taken_off_and_foreign_escapes_never_get_in() {
        let text = Failure::usage("a file named \u{1b}[31mred").text();
        assert!(text.starts_with("\u{1b}["), "our own colours are there: {text:?}");
        assert_eq!(
            anstream::adapter::strip_str(&text).to_string(),
            "error: a file named \\u{1b}[31mred\n"
        );
    }
}
