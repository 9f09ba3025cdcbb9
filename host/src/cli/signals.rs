//! Signals that ask a run to stop: they are passed on. What that means for jobs, and for the second of them, is the
//! library's business.

use std::io;

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinHandle,
};

/// The signals that ask for an end.
const HUP: i32 = 1;
const INT: i32 = 2;
const QUIT: i32 = 3;
const TERM: i32 = 15;

/// Waits for signals from now on, until the guard is dropped. `stop` is called for each.
pub(super) fn listen(stop: impl Fn(i32) + Send + 'static) -> io::Result<Guard> {
    let mut signals = Signals {
        // Under `nohup` a hangup is ignored from the start, and stays so.
        hup: (!ignores_hangup()).then(|| signal(SignalKind::hangup())).transpose()?,
        int: signal(SignalKind::interrupt())?,
        quit: signal(SignalKind::quit())?,
        term: signal(SignalKind::terminate())?,
    };
    let task = tokio::spawn(async move {
        loop {
            let signal = signals.next().await;
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

struct Signals {
    hup: Option<Signal>,
    int: Signal,
    quit: Signal,
    term: Signal,
}

impl Signals {
    async fn next(&mut self) -> i32 {
        let hup = async {
            match &mut self.hup {
                Some(hup) => hup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = hup => HUP,
            _ = self.int.recv() => INT,
            _ = self.quit.recv() => QUIT,
            _ = self.term.recv() => TERM,
        }
    }
}

/// Whether a hangup was ignored when we were started. Where the system has no such file it counts as not ignored.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    parse_ignored(&status).is_some_and(|mask| mask & (1 << (HUP - 1)) != 0)
}

/// The mask of ignored signals.
fn parse_ignored(status: &str) -> Option<u64> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_found() {
        let status = "Name:\tx\nSigIgn:\t0000000000000001\nSigCgt:\t0000000000000002\n";
        assert_eq!(parse_ignored(status), Some(1 << (HUP - 1)));
        assert_eq!(parse_ignored("nothing"), None);
    }

    #[tokio::test]
    async fn a_signal_is_passed_on() {
        // SIGQUIT, because nothing else in a test run uses it. The listener stands before the signal is raised.
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        let guard = listen(move |signal| sender.send(signal).unwrap()).unwrap();
        for _ in 0..2 {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::QUIT).unwrap();
            assert_eq!(receiver.recv().await, Some(QUIT));
        }
        drop(guard);
    }
}
