//! What the library logs, as lines on stderr. Which lines, is said with -v and -q, or with `XQUTE_LOG`; how they look, with
//! `--log-format`. A line that repeats is collapsed with a count.
//!
//! - this file: the layer that takes events from `tracing` and prints lines;
//! - [`collapse`]: which of them are repetitions (pure).

use std::{
    fmt::{self, Write as _},
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Map, Value, json};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    layer::{Context, SubscriberExt as _},
};

use self::collapse::{Collapse, Show};
use super::{
    resolve::Verbosity,
    screen::{LogFormat, Screen, Style, printable},
};

mod collapse;

/// The environment variable that says which events become lines, such as `info` or `xqute=debug,wasmtime=info`.
pub(super) const VARIABLE: &str = "XQUTE_LOG";

/// Prints the last repetitions.
#[derive(Clone)]
pub(super) struct Log {
    screen: Screen,
    collapse: Arc<Mutex<Collapse<Line>>>,
}

/// Starts to print what is logged, for the whole process. The filter is the text of [`VARIABLE`].
pub(super) fn start(screen: &Screen, verbosity: Verbosity, filter: Option<&str>) -> Result<Log, String> {
    let targets = match filter {
        Some(filter) => filter
            .parse()
            .map_err(|error| format!("{VARIABLE}={filter} is not a filter for log lines: {error}"))?,
        None => targets(verbosity),
    };
    let log = Log {
        screen: screen.clone(),
        collapse: Arc::default(),
    };
    let subscriber = tracing_subscriber::registry().with(log.clone().with_filter(targets));
    tracing::subscriber::set_global_default(subscriber).map_err(|error| error.to_string())?;
    Ok(log)
}

/// Other crates are only heard when they warn, or when everything was asked for.
fn targets(verbosity: Verbosity) -> Targets {
    let (ours, others) = match verbosity {
        Verbosity::Quiet => (LevelFilter::ERROR, LevelFilter::ERROR),
        Verbosity::Normal(0) => (LevelFilter::WARN, LevelFilter::ERROR),
        Verbosity::Normal(1) => (LevelFilter::INFO, LevelFilter::WARN),
        Verbosity::Normal(2) => (LevelFilter::DEBUG, LevelFilter::WARN),
        Verbosity::Normal(_) => (LevelFilter::TRACE, LevelFilter::DEBUG),
    };
    // What people wait for is told without being asked.
    let patience = match verbosity {
        Verbosity::Quiet => ours,
        Verbosity::Normal(_) => ours.max(LevelFilter::INFO),
    };
    Targets::new()
        .with_default(others)
        .with_target("xqute", ours)
        .with_target("xqute::patience", patience)
}

impl Log {
    /// Prints what was held back.
    pub(super) fn finish(&self) {
        let held = self.lock().finish();
        self.show(held);
    }

    fn show(&self, show: Vec<Show<Line>>) {
        for show in show {
            match self.screen.format() {
                LogFormat::Text => self.screen.print(&text(&show)),
                LogFormat::Json => {
                    let (line, repeated) = show.parts();
                    let mut more = json!({"fields": line.fields});
                    if let (Some(repeated), Some(more)) = (repeated, more.as_object_mut()) {
                        more.insert("repeated".to_owned(), repeated.into());
                    }
                    let level = line.level.as_str().to_lowercase();
                    self.screen.record(&level, line.target, &line.message, more);
                }
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Collapse<Line>> {
        self.collapse.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber> Layer<S> for Log {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let metadata = event.metadata();
        let mut line = Line {
            level: *metadata.level(),
            target: metadata.target(),
            message: String::new(),
            fields: Map::new(),
        };
        event.record(&mut line);
        let show = self.lock().take(line);
        self.show(show);
    }
}

/// One event, without its time.
#[derive(Clone, Debug, PartialEq)]
struct Line {
    level: Level,
    target: &'static str,
    message: String,
    fields: Map<String, Value>,
}

impl Line {
    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            ("message", value) => self.message = value.to_string(),
            (name, value) => drop(self.fields.insert(name.to_owned(), value)),
        }
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, value.to_string().into());
    }
}

fn text(show: &Show<Line>) -> String {
    let (line, repeated) = show.parts();
    let level = match line.level {
        Level::ERROR => Style::Error.paint("error:"),
        Level::WARN => Style::Warning.paint("warning:"),
        Level::INFO => Style::Good.paint("info:"),
        Level::DEBUG => Style::Dim.paint("debug:"),
        Level::TRACE => Style::Dim.paint("trace:"),
    };
    let mut text = format!("{level} {}", printable(&line.message).replace('\n', "\n  "));
    for (name, value) in &line.fields {
        let value = match value {
            Value::String(text) if text.contains(char::is_whitespace) => format!("{text:?}"),
            Value::String(text) => printable(text),
            other => other.to_string(),
        };
        let _infallible = write!(text, " {}", Style::Dim.paint(&format!("{name}={value}")));
    }
    if let Some(repeated) = repeated {
        let times = format!(" (repeated {repeated} times)");
        text.push_str(&Style::Dim.paint(&times));
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::tests::Captured;

    fn logged(format: LogFormat, verbosity: Verbosity, body: impl FnOnce()) -> String {
        let out = Captured::default();
        let log = Log {
            screen: out.screen(format),
            collapse: Arc::default(),
        };
        let subscriber = tracing_subscriber::registry().with(log.clone().with_filter(targets(verbosity)));
        tracing::subscriber::with_default(subscriber, body);
        log.finish();
        out.text()
    }

    #[test]
    fn lines_have_a_level_a_message_and_fields() {
        let text = logged(LogFormat::Text, Verbosity::Normal(0), || {
            tracing::warn!(target: "xqute::x", job = 3, plugin = "a b", "it\u{7} rang");
            tracing::info!(target: "xqute::x", "not at this level");
            tracing::warn!(target: "wasmtime", "not ours");
        });
        insta::assert_snapshot!(text, @r#"warning: it\u{7} rang job=3 plugin="a b""#);
    }

    #[test]
    fn repetitions_are_counted() {
        let text = logged(LogFormat::Text, Verbosity::Normal(1), || {
            for _ in 0..5 {
                tracing::info!(target: "xqute", "squeue does not answer");
            }
            tracing::info!(target: "xqute", "it does again");
        });
        insta::assert_snapshot!(text, @r"
        info: squeue does not answer
        info: squeue does not answer (repeated 4 times)
        info: it does again
        ");
    }

    #[test]
    fn json_lines_can_be_read_back() {
        let text = logged(LogFormat::Json, Verbosity::Normal(0), || {
            for _ in 0..3 {
                tracing::error!(target: "xqute::x", job = 3, ok = true, "bad");
            }
        });
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["level"], "error");
        assert_eq!(lines[0]["target"], "xqute::x");
        assert_eq!(lines[0]["fields"], json!({"job": 3, "ok": true}));
        assert_eq!(lines[0]["repeated"], Value::Null);
        assert_eq!(lines[1]["repeated"], 2);
    }
}
