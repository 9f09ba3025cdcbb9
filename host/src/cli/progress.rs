//! How far a run is: a bar on a terminal, a plain line now and then elsewhere. Woken by changes, not by a timer.

use std::{
    fmt::{self, Write as _},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
};
use xqute::{Counts, adapters::clock::Clock};

use super::{
    args::run::ProgressMode,
    screen::{LogFormat, Screen},
};

/// A bar is redrawn, and the counts are looked at, at most this often.
const REDRAW: Duration = Duration::from_millis(100);
/// Plain lines keep this distance,
const GAP: Duration = Duration::from_secs(2);
/// unless nothing was said for this long.
const SILENCE: Duration = Duration::from_secs(30);

/// The task that shows progress.
pub(super) struct Shown {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Shown {
    /// Takes the bar away.
    pub(super) async fn finish(self) {
        let _gone_already = self.stop.send(());
        let _a_panic_was_printed = self.task.await;
    }
}

/// Starts to show progress.
pub(super) fn show(counts: watch::Receiver<Counts>, mode: ProgressMode, screen: &Screen) -> Option<Shown> {
    let (stop, stopped) = oneshot::channel();
    let screen = screen.clone();
    let task = match choose(mode, &screen) {
        ProgressMode::Bar => tokio::spawn(bar(counts, screen, stopped)),
        ProgressMode::Plain => tokio::spawn(plain(counts, screen, stopped, Pace::default())),
        ProgressMode::None | ProgressMode::Auto => return None,
    };
    Some(Shown { stop, task })
}

/// What `auto` means here.
fn choose(mode: ProgressMode, screen: &Screen) -> ProgressMode {
    match (mode, screen.format()) {
        (ProgressMode::Auto, LogFormat::Text) if screen.is_terminal() => ProgressMode::Bar,
        (ProgressMode::Auto, _) | (ProgressMode::Bar, LogFormat::Json) => ProgressMode::Plain,
        (mode, _) => mode,
    }
}

async fn bar(mut counts: watch::Receiver<Counts>, screen: Screen, mut stopped: oneshot::Receiver<()>) {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let template = "{elapsed} {wide_bar} {pos}/{len} {msg} {rate} eta {eta}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        let style = style.with_key("rate", |state: &ProgressState, to: &mut dyn fmt::Write| {
            let _infallible = write!(to, "{:.1}/s", state.per_sec());
        });
        bar.set_style(style.progress_chars("=> "));
    }
    if counts.borrow().fed == 0 {
        // An empty bar would look like a full one.
        tokio::select! {
            _ = &mut stopped => return,
            _ = counts.changed() => {}
        }
    }
    bar.enable_steady_tick(Duration::from_millis(500));
    screen.set_bar(Some(bar.clone()));
    loop {
        let now = *counts.borrow_and_update();
        bar.set_length(now.fed);
        bar.set_position(now.done());
        bar.set_message(details(&now));
        let change = async {
            tokio::time::sleep(REDRAW).await;
            counts.changed().await
        };
        tokio::select! {
            _ = &mut stopped => break,
            changed = change => if changed.is_err() { break },
        }
    }
    screen.set_bar(None);
    bar.finish_and_clear();
}

async fn plain(
    mut counts: watch::Receiver<Counts>,
    screen: Screen,
    mut stopped: oneshot::Receiver<()>,
    mut pace: Pace,
) {
    let clock = Clock::start();
    loop {
        let pause = pace.pause(clock.elapsed());
        let change = async {
            let changed = counts.changed().await;
            tokio::time::sleep(pause).await;
            changed
        };
        tokio::select! {
            _ = &mut stopped => break,
            changed = change => if changed.is_err() { break },
        }
        let now = *counts.borrow_and_update();
        let elapsed = clock.elapsed();
        if !pace.is_worth_a_line(&now, elapsed) {
            continue;
        }
        let text = line(&now, elapsed);
        match screen.format() {
            LogFormat::Text => screen.print(&format!("progress: {text}\n")),
            LogFormat::Json => screen.record("info", "xqute::progress", &text, json(&now)),
        }
    }
}

/// The counts, for machines.
pub(super) fn json(now: &Counts) -> serde_json::Value {
    serde_json::json!({
        "jobs": now.fed, "in_flight": now.in_flight, "succeeded": now.succeeded, "failed": now.failed,
        "cancelled": now.cancelled, "retries": now.retries,
    })
}

/// When plain lines are printed: at each step of 10 %, or after a long silence, and never close together.
#[derive(Debug)]
struct Pace {
    gap: Duration,
    last: Duration,
    step: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            gap: GAP,
            last: Duration::ZERO,
            step: 0,
        }
    }
}

impl Pace {
    /// How long to wait at least after a change.
    fn pause(&self, now: Duration) -> Duration {
        (self.last + self.gap).saturating_sub(now)
    }

    fn is_worth_a_line(&mut self, counts: &Counts, now: Duration) -> bool {
        let step = percent(counts) / 10;
        let worth = step != self.step || now.saturating_sub(self.last) >= SILENCE;
        if worth {
            (self.step, self.last) = (step, now);
        }
        worth
    }
}

fn percent(counts: &Counts) -> u64 {
    (counts.done().saturating_mul(100)).checked_div(counts.fed).unwrap_or(0)
}

fn details(counts: &Counts) -> String {
    let mut text = format!("{} running", counts.in_flight);
    for (count, what) in [
        (counts.failed, "failed"),
        (counts.cancelled, "cancelled"),
        (counts.retries, "retried"),
    ] {
        if count > 0 {
            let _infallible = write!(text, ", {count} {what}");
        }
    }
    text
}

fn line(counts: &Counts, elapsed: Duration) -> String {
    let (done, fed) = (counts.done(), counts.fed);
    let mut text = format!("{done} of {fed} jobs done ({}%), {}", percent(counts), details(counts));
    let left = fed.saturating_sub(done);
    if done > 0 && left > 0 {
        let seconds = elapsed.as_secs_f64() / to_f64(done) * to_f64(left);
        if let Ok(left) = Duration::try_from_secs_f64(seconds.ceil()) {
            let _infallible = write!(text, ", about {} left", humantime::format_duration(left));
        }
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "an estimate needs no more precision")]
const fn to_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::tests::Captured;

    fn counts(done: u64, fed: u64) -> Counts {
        Counts {
            fed,
            in_flight: 4,
            succeeded: done,
            ..Counts::default()
        }
    }

    #[test]
    fn a_line_says_what_is_done_and_what_is_left() {
        let now = Counts {
            failed: 2,
            retries: 3,
            ..counts(98, 500)
        };
        insta::assert_snapshot!(line(&now, Duration::from_secs(10)), @"100 of 500 jobs done (20%), 4 running, 2 failed, 3 retried, about 40s left");
        insta::assert_snapshot!(line(&counts(0, 0), Duration::ZERO), @"0 of 0 jobs done (0%), 4 running");
    }

    #[test]
    fn lines_are_few() {
        let mut pace = Pace::default();
        let seconds = Duration::from_secs;
        assert_eq!(pace.pause(Duration::ZERO), GAP);
        assert!(!pace.is_worth_a_line(&counts(9, 100), seconds(2)));
        assert!(pace.is_worth_a_line(&counts(10, 100), seconds(3)));
        assert_eq!(pace.pause(seconds(4)), seconds(1));
        assert!(!pace.is_worth_a_line(&counts(19, 100), seconds(32)));
        assert!(
            pace.is_worth_a_line(&counts(19, 100), seconds(33)),
            "after a long silence"
        );
    }

    #[test]
    fn auto_looks_at_where_the_lines_go() {
        let screen = |format, terminal| Screen::to(Box::new(std::io::sink()), format, terminal);
        let auto = ProgressMode::Auto;
        assert_eq!(choose(auto, &screen(LogFormat::Text, true)), ProgressMode::Bar);
        assert_eq!(choose(auto, &screen(LogFormat::Text, false)), ProgressMode::Plain);
        assert_eq!(choose(auto, &screen(LogFormat::Json, true)), ProgressMode::Plain);
        assert_eq!(
            choose(ProgressMode::None, &screen(LogFormat::Text, true)),
            ProgressMode::None
        );
    }

    #[tokio::test]
    async fn plain_lines_follow_changes() {
        let out = Captured::default();
        let (sender, watched) = watch::channel(counts(0, 10));
        let (stop, stopped) = oneshot::channel();
        let pace = Pace {
            gap: Duration::ZERO,
            ..Pace::default()
        };
        let task = tokio::spawn(plain(watched, out.screen(LogFormat::Json), stopped, pace));
        sender.send(counts(5, 10)).unwrap();
        while out.text().is_empty() {
            tokio::task::yield_now().await;
        }
        let shown = Shown { stop, task };
        shown.finish().await;
        let line: serde_json::Value = serde_json::from_str(&out.text()).unwrap();
        assert_eq!(line["succeeded"], 5);
        assert_eq!(line["jobs"], 10);
    }
}
