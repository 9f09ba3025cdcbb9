//! How a plugin fares in a run: what is counted about it, and when it is not called any more.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use super::{
    call::{CallFailure, CallFailureKind},
    state::Identity,
};
use crate::adapters::component::error::StartError;

/// How a plugin fared in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PluginReport {
    /// The plugin's name.
    pub plugin: String,
    /// How often it was called.
    pub calls: u64,
    /// How often that failed.
    pub failures: u64,
    /// How often it was refused something for which it has no right.
    pub refusals: u64,
    /// How often a fresh instance took the place of one that was lost.
    pub restarts: u64,
    /// How long calls to it took, with everything that the host did for it, all together.
    pub time: Duration,
    /// Why it is not called any more, if it is not.
    pub quarantined: Option<String>,
}

/// What all instances of a plugin count together.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    calls: AtomicU64,
    failures: AtomicU64,
    restarts: AtomicU64,
    /// In nanoseconds.
    time: AtomicU64,
}

impl Tally {
    /// A fresh instance took the place of a lost one.
    pub(super) fn restarted(&self) {
        self.restarts.fetch_add(1, Relaxed);
    }

    /// A call took so long.
    pub(super) fn took(&self, time: Duration) {
        self.time
            .fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    fn called(&self, well: bool) {
        self.calls.fetch_add(1, Relaxed);
        self.failures.fetch_add(u64::from(!well), Relaxed);
    }
}

/// Which failures lead into quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// All of them.
    All,
    /// Not those where the plugin waited for too long: a backend may be to blame, and come back.
    ItsOwn,
}

impl Counted {
    const fn counts(self, error: &StartError) -> bool {
        let waited = matches!(
            error,
            StartError::Call(CallFailure {
                kind: CallFailureKind::WallTime(_),
                ..
            })
        );
        matches!(self, Self::All) || !waited
    }
}

/// Counts failures in a row, and remembers when they were too many.
#[derive(Debug)]
pub(crate) struct Health {
    /// After so many failed calls in a row, the plugin is not called any more.
    most: u32,
    counted: Counted,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// For each call by itself: an observer that works says nothing about a gatekeeper that does not.
    in_a_row: HashMap<&'static str, u32>,
    /// Why the plugin is not called any more, if it is not.
    quarantined: Option<String>,
}

impl Health {
    pub(crate) fn new(most: u32, counted: Counted) -> Self {
        Self {
            most,
            counted,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the plugin is not called any more, if it is not.
    pub(crate) fn quarantined(&self) -> Option<String> {
        self.state().quarantined.clone()
    }

    /// Why the plugin cannot be asked, in words for whoever asks.
    pub(crate) fn unavailable(&self, plugin: &str) -> Option<String> {
        let why = self.quarantined()?;
        Some(format!(
            "plugin {plugin} is not called any more after {} failures: {why}",
            self.most
        ))
    }

    /// Counts a call, and puts the plugin into quarantine when it failed too often.
    pub(crate) fn record<T>(
        &self,
        plugin: &Identity,
        call: &'static str,
        answer: Result<T, StartError>,
    ) -> Result<T, StartError> {
        plugin.tally.called(answer.is_ok());
        let mut state = self.state();
        let error = match answer {
            Ok(answer) => {
                state.in_a_row.remove(call);
                return Ok(answer);
            }
            Err(error) => error,
        };
        let name = &*plugin.name;
        tracing::warn!(plugin = name, "{error}");
        if !self.counted.counts(&error) {
            return Err(error);
        }
        let in_a_row = state.in_a_row.entry(call).or_default();
        *in_a_row += 1;
        if *in_a_row >= self.most && state.quarantined.is_none() {
            tracing::error!(
                plugin = name,
                "is not called any more in this run: {} calls of {call} in a row failed",
                self.most
            );
            state.quarantined = Some(without_name(name, &error.to_string()));
        }
        Err(error)
    }

    /// The last failure of this call does not count on the way into quarantine, because the same is asked again.
    pub(crate) fn forgive(&self, call: &'static str) {
        if let Some(in_a_row) = self.state().in_a_row.get_mut(call) {
            *in_a_row = in_a_row.saturating_sub(1);
        }
    }

    /// How the plugin fared so far.
    pub(crate) fn report(&self, plugin: &Identity) -> PluginReport {
        let tally = &plugin.tally;
        PluginReport {
            plugin: plugin.name.to_string(),
            calls: tally.calls.load(Relaxed),
            failures: tally.failures.load(Relaxed),
            refusals: plugin.refusals.load(Relaxed),
            restarts: tally.restarts.load(Relaxed),
            time: Duration::from_nanos(tally.time.load(Relaxed)),
            quarantined: self.quarantined(),
        }
    }
}

/// An error that names the plugin at its start, for places that name the plugin themselves.
fn without_name(plugin: &str, error: &str) -> String {
    let rest = error
        .strip_prefix("plugin ")
        .and_then(|rest| rest.strip_prefix(plugin))
        .filter(|rest| rest.starts_with([' ', ',']));
    rest.map_or(error, |rest| rest.trim_start_matches([',', ' ']))
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(kind: CallFailureKind) -> Result<(), StartError> {
        let (plugin, call) = ("p".into(), "scheduler.poll".into());
        Err(CallFailure { plugin, call, kind }.into())
    }

    fn trap() -> Result<(), StartError> {
        failure(CallFailureKind::Trap("unreachable".into()))
    }

    #[test]
    fn only_failures_in_a_row_lead_into_quarantine() {
        let (health, plugin) = (Health::new(2, Counted::All), Identity::nobody("p"));
        for (call, answer) in [("a", trap()), ("a", Ok(())), ("a", trap()), ("b", trap())] {
            let _counted = health.record(&plugin, call, answer);
            assert_eq!(health.quarantined(), None);
        }
        health.forgive("b");
        let _counted = health.record(&plugin, "b", trap());
        assert_eq!(health.quarantined(), None);
        let _counted = health.record(&plugin, "b", trap());
        let report = health.report(&plugin);
        assert_eq!((report.calls, report.failures), (6, 5));
        insta::assert_snapshot!(report.quarantined.unwrap(), @"call scheduler.poll: it crashed: unreachable. Report this to the plugin's author; `-v` shows what it logged before");
    }

    #[test]
    fn a_backend_that_is_away_is_not_the_plugins_fault() {
        let waited = || failure(CallFailureKind::WallTime(Duration::from_secs(60)));
        for (counted, quarantined) in [(Counted::All, true), (Counted::ItsOwn, false)] {
            let (health, plugin) = (Health::new(1, counted), Identity::nobody("p"));
            let _counted = health.record(&plugin, "scheduler.poll", waited());
            assert_eq!(health.quarantined().is_some(), quarantined);
        }
    }
}
