//! What a program costs: wall time, processor time, memory. And how samples are summed up.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use crate::program::shown;

/// How long something takes.
#[expect(clippy::disallowed_methods, reason = "a benchmark is a clock")]
pub(crate) fn timed<T>(what: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = what();
    (result, start.elapsed())
}

/// What a program cost, together with all programs that it started and waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spent {
    pub(crate) wall: Duration,
    pub(crate) processor: Duration,
    /// Of the largest single process.
    pub(crate) peak_kib: u64,
}

/// Runs a program to its end. It has to succeed.
pub(crate) fn measure(command: &mut Command) -> Result<Spent> {
    let (ended, wall) = timed(|| command.spawn().map(|child| wait(child.id())));
    let (status, usage) = ended.with_context(|| format!("cannot run {}", shown(command)))??;
    ensure!(status == 0, "{} failed: wait status {status:#x}", shown(command));
    Ok(Spent {
        wall,
        processor: duration(usage.ru_utime) + duration(usage.ru_stime),
        peak_kib: u64::try_from(usage.ru_maxrss)?,
    })
}

/// Waits for a child and learns what it used.
#[expect(unsafe_code, reason = "the standard library waits without telling what was used")]
fn wait(pid: u32) -> Result<(i32, libc::rusage)> {
    let pid = libc::pid_t::try_from(pid)?;
    let mut status = 0;
    // SAFETY: a struct of numbers only; all zeroes is a value of it.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live variables of the right types, and the child is ours and not yet waited for.
    let ended = unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) };
    ensure!(ended == pid, "cannot wait: {}", std::io::Error::last_os_error());
    Ok((status, usage))
}

/// Waits for whichever child ends first. It has to succeed.
#[expect(unsafe_code, reason = "the standard library waits for one child only")]
pub(crate) fn wait_for_any() -> Result<()> {
    let mut status = 0;
    // SAFETY: the pointer is to a live variable of the right type.
    let ended = unsafe { libc::wait(&raw mut status) };
    ensure!(ended > 0, "cannot wait: {}", std::io::Error::last_os_error());
    ensure!(status == 0, "process {ended} failed: wait status {status:#x}");
    Ok(())
}

fn duration(time: libc::timeval) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let micros = u64::try_from(time.tv_usec).unwrap_or_default();
    Duration::from_secs(seconds) + Duration::from_micros(micros)
}

/// One of the programs that are compared: what is to be done before each time, out of the measurement, and the program.
pub(crate) struct Side<'a> {
    pub(crate) name: String,
    pub(crate) prepare: Box<dyn FnMut() -> Result<Command> + 'a>,
}

impl<'a> Side<'a> {
    pub(crate) fn new(name: impl Into<String>, prepare: impl FnMut() -> Result<Command> + 'a) -> Self {
        Self {
            name: name.into(),
            prepare: Box::new(prepare),
        }
    }
}

/// What each round of one side cost.
pub(crate) struct Samples {
    pub(crate) name: String,
    pub(crate) rounds: Vec<Spent>,
}

/// Runs all sides in turn, several times, so that whatever else this machine does meets all of them.
pub(crate) fn side_by_side(rounds: usize, sides: Vec<Side<'_>>) -> Result<Vec<Samples>> {
    let mut measured: Vec<(Side<'_>, Vec<Spent>)> = sides.into_iter().map(|side| (side, Vec::new())).collect();
    for _ in 0..rounds {
        for (side, spent) in &mut measured {
            spent.push(measure(&mut (side.prepare)()?)?);
        }
    }
    let samples = measured.into_iter().map(|(side, rounds)| Samples {
        name: side.name,
        rounds,
    });
    Ok(samples.collect())
}

impl Samples {
    /// The median of something.
    pub(crate) fn typical(&self, of: impl Fn(&Spent) -> f64) -> f64 {
        median(self.rounds.iter().map(of).collect())
    }

    /// The median of something about both, round by round: what disturbs a round disturbs both sides of it.
    pub(crate) fn against(&self, other: &Self, of: impl Fn(&Spent, &Spent) -> f64) -> f64 {
        median(
            self.rounds
                .iter()
                .zip(&other.rounds)
                .map(|(ours, theirs)| of(ours, theirs))
                .collect(),
        )
    }

    /// Wall time, in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        self.typical(|spent| spent.wall.as_secs_f64())
    }
}

/// The median. Not a number for no samples.
pub(crate) fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    let upper = samples.len() / 2;
    let lower = samples.len().saturating_sub(1) / 2;
    match (samples.get(lower), samples.get(upper)) {
        (Some(lower), Some(upper)) => f64::midpoint(*lower, *upper),
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::program;

    #[test]
    #[expect(clippy::float_cmp, reason = "whole numbers and halves are exact")]
    fn medians_are_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn costs_of_the_children_of_a_child_count() {
        let mut bash = program("bash");
        bash.args(["-c", "bash -c 'for ((i = 0; i < 50000; i++)); do :; done'; true"]);
        let spent = measure(&mut bash).unwrap();
        assert!(spent.processor > Duration::from_millis(5), "{spent:?}");
        assert!(spent.peak_kib > 1000, "{spent:?}");
    }

    #[test]
    fn failures_are_not_measured() {
        assert!(measure(program("bash").args(["-c", "exit 3"])).is_err());
    }
}
