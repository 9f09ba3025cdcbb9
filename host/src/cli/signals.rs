//! Signals that ask a run to stop: the first is passed on gracefully, the second one kills. What that means for jobs is
//! the library's business.

use std::io;

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinHandle,
};

use super::{
    screen::{LogFormat, Screen, Style},
    summary::signal_name,
};

/// The signals that ask for an end.
const HUP: i32 = 1;
const INT: i32 = 2;
const QUIT: i32 = 3;
const TERM: i32 = 15;

/// Waits for signals from now on, until the guard is dropped. `stop` is called for each.
pub(super) fn listen(screen: &Screen, stop: impl Fn(i32) + Send + 'static) -> io::Result<Guard> {
    let ignored = ignored_signals();
    let mut signals = Listener {
        hup: listener(HUP, SignalKind::hangup(), ignored)?,
        int: listener(INT, SignalKind::interrupt(), ignored)?,
        quit: listener(QUIT, SignalKind::quit(), ignored)?,
        term: listener(TERM, SignalKind::terminate(), ignored)?,
    };
    let screen = screen.clone();
    let task = tokio::spawn(async move {
        let mut count = 0_u32;
        loop {
            let signal = signals.next().await;
            count = count.saturating_add(1);
            say(&screen, signal, count);
            stop(signal);
        }
    });
    Ok(Guard(task))
}

/// Stops to listen when it is dropped.
pub(super) struct Guard(JoinHandle<()>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Listener {
    hup: Option<Signal>,
    int: Option<Signal>,
    quit: Option<Signal>,
    term: Option<Signal>,
}

impl Listener {
    async fn next(&mut self) -> i32 {
        tokio::select! {
            () = received(&mut self.hup) => HUP,
            () = received(&mut self.int) => INT,
            () = received(&mut self.quit) => QUIT,
            () = received(&mut self.term) => TERM,
        }
    }
}

async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            if signal.recv().await.is_none() {
                std::future::pending().await
            }
        }
        None => std::future::pending().await,
    }
}

/// A signal that was ignored when we were started stays ignored: that is how `nohup` works.
fn listener(number: i32, kind: SignalKind, ignored: u64) -> io::Result<Option<Signal>> {
    if is_set(ignored, number) {
        return Ok(None);
    }
    signal(kind).map(Some)
}

fn is_set(mask: u64, number: i32) -> bool {
    u32::try_from(number - 1).is_ok_and(|bit| mask.checked_shr(bit).unwrap_or(0) & 1 == 1)
}

/// The mask of ignored signals. Where the system has no such file none counts as ignored.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    parse_ignored(&status).unwrap_or(0)
}

fn parse_ignored(status: &str) -> Option<u64> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

fn say(screen: &Screen, signal: i32, count: u32) {
    let name = signal_name(signal);
    let message = match count {
        1 => format!("{name}: no further job starts, and those that run are told to end; once more kills them at once"),
        2 => format!("{name} again: all jobs are killed"),
        _ => return,
    };
    match screen.format() {
        LogFormat::Text => screen.print(&format!("{} {message}\n", Style::Warning.paint("stopping:"))),
        LogFormat::Json => screen.record("warn", "xqute::signals", &message, serde_json::json!({"signal": signal})),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::screen::tests::Captured;

    #[test]
    fn ignored_signals_are_found() {
        let mask = parse_ignored("Name:\tx\nSigIgn:\t0000000000000001\nSigCgt:\t0000000000000002\n").unwrap();
        assert!(is_set(mask, HUP));
        assert!(!is_set(mask, INT) && !is_set(mask, TERM));
        assert_eq!(parse_ignored("nothing"), None);
    }

    #[test]
    fn the_user_is_told_twice() {
        let out = Captured::default();
        for count in 1..5 {
            say(&out.screen(LogFormat::Text), INT, count);
        }
        insta::assert_snapshot!(out.text(), @r"
        stopping: SIGINT: no further job starts, and those that run are told to end; once more kills them at once
        stopping: SIGINT again: all jobs are killed
        ");
    }

    #[tokio::test]
    async fn a_signal_is_passed_on() {
        // SIGQUIT, because nothing else in a test run uses it. The listener stands before the signal is raised.
        let out = Captured::default();
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        let guard = listen(&out.screen(LogFormat::Text), move |signal| sender.send(signal).unwrap()).unwrap();
        for _ in 0..2 {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::QUIT).unwrap();
            assert_eq!(receiver.recv().await, Some(QUIT));
        }
        drop(guard);
        assert_eq!(out.text().lines().count(), 2);
    }
}
