//! Everything that goes to stderr goes through here, whole lines at a time, so that lines and the progress bar do not
//! write over each other. Knows colours and the two formats; knows nothing of what is said.

use std::{
    io::{IsTerminal as _, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anstream::{AutoStream, ColorChoice};
use clap::ValueEnum;
use indicatif::ProgressBar;
use serde::Deserialize;
use serde_json::{Value, json};

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Color {
    // On a terminal, unless NO_COLOR is set. These are no doc comments because clap would spread them over a page.
    #[default]
    Auto,
    // Also into files and pipes.
    Always,
    Never,
}

/// How lines on stderr look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum LogFormat {
    // Lines for people.
    #[default]
    Text,
    // One JSON object on each line, also for progress, the summary and errors.
    Json,
}

/// Handles to one stderr.
#[derive(Clone)]
pub(super) struct Screen {
    format: LogFormat,
    terminal: bool,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    out: Box<dyn Write + Send>,
    bar: Option<ProgressBar>,
}

impl Screen {
    /// The process's own stderr.
    pub(super) fn stderr(color: Color, format: LogFormat) -> Self {
        let choice = match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::AlwaysAnsi,
            Color::Never => ColorChoice::Never,
        };
        let stderr = std::io::stderr();
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let terminal = stderr.is_terminal() && !dumb;
        Self::to(Box::new(AutoStream::new(stderr, choice)), format, terminal)
    }

    /// Any other place.
    pub(super) fn to(out: Box<dyn Write + Send>, format: LogFormat, terminal: bool) -> Self {
        let shared = Shared { out, bar: None };
        Self {
            format,
            terminal,
            shared: Arc::new(Mutex::new(shared)),
        }
    }

    /// How lines look.
    pub(super) const fn format(&self) -> LogFormat {
        self.format
    }

    /// Whether a person watches.
    pub(super) const fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// From now on lines are printed above this bar; `None`: there is no bar any more.
    pub(super) fn set_bar(&self, bar: Option<ProgressBar>) {
        self.lock().bar = bar;
    }

    /// Prints text that ends with a newline. Nobody can be told when that fails.
    pub(super) fn print(&self, text: &str) {
        let shared = &mut *self.lock();
        let out = &mut shared.out;
        let mut write = || {
            let _nobody_to_tell = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        };
        match &shared.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Prints a line that is no message of anybody's: it is said once, and only here.
    pub(super) fn note(&self, message: &str) {
        match self.format() {
            LogFormat::Text => self.print(&format!("{message}\n")),
            LogFormat::Json => self.record("info", "xqute", message, serde_json::json!({})),
        }
    }

    /// Prints a JSON line. `more` is an object whose members are added.
    pub(super) fn record(&self, level: &str, target: &str, message: &str, more: Value) {
        let time = humantime::format_rfc3339_millis(xqute::adapters::clock::Clock::start().now());
        let mut record = json!({"timestamp": time.to_string(), "level": level, "target": target, "message": message});
        if let (Some(record), Value::Object(more)) = (record.as_object_mut(), more) {
            record.extend(more);
        }
        self.print(&format!("{record}\n"));
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The few ways in which text is set off. They are taken off again where there are no colours.
#[derive(Clone, Copy, Debug)]
pub(super) enum Style {
    Error,
    Warning,
    Good,
    Help,
    Strong,
    Dim,
}

impl Style {
    /// The text in this style.
    pub(super) fn paint(self, text: &str) -> String {
        use anstyle::AnsiColor::{Cyan, Green, Red, Yellow};
        let style = match self {
            Self::Error => Red.on_default().bold(),
            Self::Warning => Yellow.on_default().bold(),
            Self::Good => Green.on_default(),
            Self::Help => Cyan.on_default(),
            Self::Strong => anstyle::Style::new().bold(),
            Self::Dim => anstyle::Style::new().dimmed(),
        };
        format!("{style}{text}{style:#}")
    }
}

/// Text from elsewhere, with everything that could steer a terminal made visible. Newlines and tabs stay.
pub(super) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\n' | '\t' => out.push(char),
            char if steers(char) => out.extend(char.escape_default()),
            char => out.push(char),
        }
    }
    out
}

/// The same in one line: newlines are made visible as well.
pub(super) fn printable_line(text: &str) -> String {
    printable(text).replace('\n', "\\n")
}

/// Whether a character does something to its neighbours, instead of being read: it moves, colours or reorders them, or
/// breaks the line.
pub(super) fn steers(char: char) -> bool {
    char.is_control() || matches!(char, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What was printed, for tests.
    #[derive(Clone, Default)]
    pub(in crate::cli) struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Captured {
        pub(in crate::cli) fn screen(&self, format: LogFormat) -> Screen {
            let out: Box<dyn Write + Send> = Box::new(self.clone());
            Screen::to(Box::new(AutoStream::never(out)), format, false)
        }

        pub(in crate::cli) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn json_lines_hold_what_was_said() {
        let out = Captured::default();
        let screen = out.screen(LogFormat::Json);
        screen.record("info", "xqute::x", "two\nlines", json!({"jobs": 3}));
        let record: Value = serde_json::from_str(&out.text()).unwrap();
        assert_eq!(record["message"], "two\nlines");
        assert_eq!(record["jobs"], 3);
        assert_eq!(out.text().matches('\n').count(), 1);
    }

    #[test]
    fn what_could_act_is_spelled_out() {
        assert_eq!(
            printable("a\tb\n\u{1b}[2J\u{202e}c\u{2066}\u{2028}"),
            "a\tb\n\\u{1b}[2J\\u{202e}c\\u{2066}\\u{2028}"
        );
        assert_eq!(printable_line("a\nb\u{9b}"), "a\\nb\\u{9b}");
    }

    #[test]
    fn lines_are_printed_beside_a_bar() {
        let out = Captured::default();
        let screen = out.screen(LogFormat::Text);
        screen.set_bar(Some(ProgressBar::hidden()));
        screen.print("one\n");
        screen.set_bar(None);
        screen.print(&format!("{}\n", Style::Good.paint("two")));
        assert_eq!(out.text(), "one\ntwo\n");
    }
}
