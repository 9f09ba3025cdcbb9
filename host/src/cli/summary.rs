//! What is said at the end of a run: counts, time, the first failures, plugins that misbehaved. The library's summary is
//! copied into these types in `run`, so that this file only has to know how things look.

use std::{fmt::Write as _, time::Duration};

use serde_json::{Value, json};
use xqute::{Counts, StopCause, adapters::component::hooks::PluginReport, model::outcome::signal_name};

pub(super) use self::plugins::PluginLines;
use super::{
    progress,
    screen::{LogFormat, Screen, Style, printable, printable_line},
};

mod plugins;

/// What became of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Summary {
    pub(super) counts: Counts,
    pub(super) elapsed: Duration,
    /// The first jobs that did not succeed.
    pub(super) failures: Vec<FailedLine>,
    /// Why the run was stopped, if it was.
    pub(super) stopped: Option<StopCause>,
    /// How each plugin fared.
    pub(super) plugins: Vec<PluginReport>,
    pub(super) workdir: String,
    /// Files that were asked for and could not be written, in words.
    pub(super) unwritten: Vec<String>,
}

/// A job that did not succeed.
#[derive(Clone, Debug)]
pub(super) struct FailedLine {
    pub(super) job: u32,
    pub(super) name: String,
    pub(super) command: String,
    /// How it ended, in words.
    pub(super) outcome: String,
    pub(super) attempts: u32,
    /// The path of its stderr.
    pub(super) stderr: String,
    /// The last lines of its stderr.
    pub(super) tail: String,
}

/// The longest command that is shown in full, in characters.
const LONGEST: usize = 160;

impl Summary {
    /// Whether every job succeeded.
    pub(super) const fn all_succeeded(&self) -> bool {
        self.counts.succeeded == self.counts.fed
    }

    /// Whether there is nothing but good news.
    pub(super) fn is_good(&self) -> bool {
        self.all_succeeded() && self.signal().is_none() && !self.has_bad_plugins() && self.unwritten.is_empty()
    }

    /// Whether a plugin was quarantined, or failed so that it halted the run.
    pub(super) fn has_bad_plugins(&self) -> bool {
        self.quarantined().next().is_some() || self.stopped == Some(StopCause::PluginFailed)
    }

    /// Plugins that are not called any more, and why.
    fn quarantined(&self) -> impl Iterator<Item = (&str, &str)> {
        let plugins = self.plugins.iter();
        plugins.filter_map(|plugin| Some((&*plugin.plugin, plugin.quarantined.as_deref()?)))
    }

    fn signal(&self) -> Option<i32> {
        self.stopped.and_then(StopCause::signal)
    }

    /// Tells the user.
    pub(super) fn show(&self, screen: &Screen, plugins: PluginLines) {
        match screen.format() {
            LogFormat::Text => screen.print(&self.text(plugins)),
            LogFormat::Json => screen.record("info", "xqute::summary", &self.line(), self.json()),
        }
    }

    fn text(&self, plugins: PluginLines) -> String {
        let mut text = String::new();
        for failed in &self.failures {
            text.push_str(&failed.text());
        }
        let not_shown = (self.counts.failed + self.counts.cancelled).saturating_sub(self.failures.len() as u64);
        let is_news = !self.failures.is_empty() || self.stopped.is_none();
        if not_shown > 0 && is_news {
            let more = if self.failures.is_empty() { "" } else { " more" };
            let more = format!(
                "{not_shown}{more} that did not succeed, see {}\n",
                printable_line(&self.workdir)
            );
            text.push_str(&more);
        }
        text.push_str(&plugins.of(&self.plugins));
        for (name, why) in self.quarantined() {
            let (label, name) = (Style::Warning.paint("quarantined:"), printable_line(name));
            let _infallible = writeln!(text, "{label} plugin {name}: {}", printable_line(why));
        }
        for file in &self.unwritten {
            let label = Style::Warning.paint("not written:");
            let _infallible = writeln!(text, "{label} {}", printable_line(file));
        }
        if let Some(cause) = self.stopped {
            let (label, what) = stop(cause);
            let _infallible = writeln!(text, "{} {what}", Style::Warning.paint(label));
        }
        let style = if self.is_good() { Style::Good } else { Style::Error };
        let _infallible = writeln!(text, "{}", style.paint(&self.line()));
        text
    }

    /// The one line that says it all.
    fn line(&self) -> String {
        let counts = &self.counts;
        let jobs = if counts.fed == 1 { "job" } else { "jobs" };
        let mut text = format!(
            "{} {jobs} in {}: {} succeeded",
            counts.fed,
            short(self.elapsed),
            counts.succeeded
        );
        for (count, what) in [(counts.failed, "failed"), (counts.cancelled, "cancelled")] {
            if count > 0 {
                let _infallible = write!(text, ", {count} {what}");
            }
        }
        match counts.retries {
            0 => {}
            1 => text.push_str(" (1 retry)"),
            retries => {
                let _infallible = write!(text, " ({retries} retries)");
            }
        }
        text
    }

    fn json(&self) -> Value {
        let mut record = progress::json(&self.counts);
        let failures: Vec<_> = self.failures.iter().map(FailedLine::json).collect();
        let quarantined: Vec<_> = self
            .quarantined()
            .map(|(plugin, why)| json!({"plugin": plugin, "why": why}))
            .collect();
        let plugins: Vec<_> = self.plugins.iter().map(plugins::json).collect();
        let more = json!({
            "elapsed_ms": u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX), "failures": failures,
            "stopped": self.stopped.map(StopCause::word), "stopped_by": self.signal(), "quarantined": quarantined, "plugins": plugins,
            "workdir": self.workdir, "unwritten": self.unwritten,
        });
        if let (Value::Object(record), Value::Object(more)) = (&mut record, more) {
            record.extend(more);
        }
        record
    }
}

impl FailedLine {
    fn text(&self) -> String {
        let mut text = String::new();
        let attempts = match self.attempts {
            0 | 1 => String::new(),
            attempts => format!(" after {attempts} attempts"),
        };
        let job = format!("job {} ({}):", self.job, printable_line(&self.name));
        let _infallible = writeln!(
            text,
            "{} {}{attempts}",
            Style::Error.paint(&job),
            printable_line(&self.outcome)
        );
        let _infallible = writeln!(text, "  command: {}", one_line(&self.command));
        let _infallible = writeln!(text, "  stderr:  {}", printable_line(&self.stderr));
        for line in self.tail.lines() {
            let line = Style::Dim.paint(&format!("    | {}", printable(line)));
            let _infallible = writeln!(text, "{line}");
        }
        text
    }

    fn json(&self) -> Value {
        json!({
            "job": self.job, "name": self.name, "command": self.command, "outcome": self.outcome,
            "attempts": self.attempts, "stderr": self.stderr, "stderr_tail": self.tail,
        })
    }
}

/// A command in one line, fit to be shown.
pub(super) fn one_line(command: &str) -> String {
    let line = printable_line(command);
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}...", line.get(..at).unwrap_or(&line)),
        None => line,
    }
}

/// A time as people say it: three digits are enough.
pub(super) fn short(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 {
        format!("{} ms", time.as_millis())
    } else if seconds < 100.0 {
        format!("{seconds:.1} s")
    } else {
        humantime::format_duration(Duration::from_secs(time.as_secs())).to_string()
    }
}

/// Why the run was stopped, for people.
fn stop(cause: StopCause) -> (&'static str, String) {
    match cause {
        StopCause::Signal(signal) => ("stopped:", format!("by {}", signal_name(signal))),
        StopCause::Halted => (
            "halted:",
            "nothing further was started after the first failure".to_owned(),
        ),
        StopCause::TooManyFailures => (
            "stopped:",
            "nothing further was started after so many failures (--max-failures)".to_owned(),
        ),
        StopCause::PluginFailed => (
            "halted:",
            "nothing further was started after a plugin failed (its on-failure is halt, or it is the scheduler)"
                .to_owned(),
        ),
        StopCause::WorkdirGone => (
            "stopped:",
            "nothing further was started after the workdir was removed".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::tests::Captured;

    fn shown(summary: &Summary) -> String {
        let out = Captured::default();
        summary.show(&out.screen(LogFormat::Text), PluginLines::Trouble);
        out.text()
    }

    fn bad() -> Summary {
        Summary {
            counts: Counts {
                fed: 500,
                succeeded: 480,
                failed: 3,
                cancelled: 17,
                retries: 2,
                ..Counts::default()
            },
            elapsed: Duration::from_millis(12_345),
            failures: vec![FailedLine {
                job: 17,
                name: "local-17".into(),
                command: format!("nosuch {}", "x".repeat(200)),
                outcome: "exit code 127 (command not found)".into(),
                attempts: 3,
                stderr: "/w/17/job.stderr".into(),
                tail: "first\n\u{1b}[31mbash: nosuch: command not found\n".into(),
            }],
            stopped: Some(StopCause::Signal(15)),
            plugins: vec![
                PluginReport {
                    plugin: "good".into(),
                    calls: 7,
                    time: Duration::from_micros(1500),
                    ..PluginReport::default()
                },
                PluginReport {
                    plugin: "notify".into(),
                    calls: 5,
                    failures: 3,
                    refusals: 2,
                    restarts: 1,
                    time: Duration::from_millis(1250),
                    quarantined: Some("it failed 3 times in a row".into()),
                },
            ],
            workdir: "/w".into(),
            unwritten: vec!["the report `r.html`: no space".into()],
        }
    }

    #[test]
    fn good_news_is_one_line() {
        let good = |fed, millis| Summary {
            counts: Counts {
                fed,
                succeeded: fed,
                ..Counts::default()
            },
            elapsed: Duration::from_millis(millis),
            ..Summary::default()
        };
        insta::assert_snapshot!(shown(&good(1, 12)), @"1 job in 12 ms: 1 succeeded");
        insta::assert_snapshot!(shown(&good(500, 3_600_999)), @"500 jobs in 1h: 500 succeeded");
        assert!(good(1, 1).is_good());
    }

    #[test]
    fn bad_news_say_where_to_look() {
        insta::assert_snapshot!(shown(&bad()), @r"
        job 17 (local-17): exit code 127 (command not found) after 3 attempts
          command: nosuch xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...
          stderr:  /w/17/job.stderr
            | first
            | \u{1b}[31mbash: nosuch: command not found
        19 more that did not succeed, see /w
        plugins:
          notify: 5 calls in 1.2 s, 3 failed, 1 restart, 2 refusals
        quarantined: plugin notify: it failed 3 times in a row
        not written: the report `r.html`: no space
        stopped: by SIGTERM
        500 jobs in 12.3 s: 480 succeeded, 3 failed, 17 cancelled (2 retries)
        ");
    }

    #[test]
    fn a_run_that_was_stopped_says_why() {
        let stopped = |cause| Summary {
            stopped: Some(cause),
            ..Summary::default()
        };
        insta::assert_snapshot!(shown(&stopped(StopCause::Halted)), @r"
        halted: nothing further was started after the first failure
        0 jobs in 0 ms: 0 succeeded
        ");
        insta::assert_snapshot!(shown(&stopped(StopCause::TooManyFailures)), @r"
        stopped: nothing further was started after so many failures (--max-failures)
        0 jobs in 0 ms: 0 succeeded
        ");
        insta::assert_snapshot!(shown(&stopped(StopCause::PluginFailed)), @r"
        halted: nothing further was started after a plugin failed (its on-failure is halt, or it is the scheduler)
        0 jobs in 0 ms: 0 succeeded
        ");
        insta::assert_snapshot!(shown(&stopped(StopCause::WorkdirGone)), @r"
        stopped: nothing further was started after the workdir was removed
        0 jobs in 0 ms: 0 succeeded
        ");
    }

    #[test]
    fn machines_get_the_same() {
        let out = Captured::default();
        bad().show(&out.screen(LogFormat::Json), PluginLines::Trouble);
        let record: Value = serde_json::from_str(&out.text()).unwrap();
        assert_eq!(record["failed"], 3);
        assert_eq!(record["failures"][0]["stderr"], "/w/17/job.stderr");
        assert_eq!(record["quarantined"][0]["plugin"], "notify");
        assert_eq!(record["plugins"][0]["calls"], 7);
        assert_eq!(record["plugins"][0]["time_ms"], 1.5);
        assert_eq!(record["plugins"][1]["refusals"], 2);
        assert_eq!(
            (&record["stopped"], &record["stopped_by"]),
            (&json!("signalled"), &json!(15))
        );
    }
}
