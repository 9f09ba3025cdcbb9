//! Tells one plugin what happened, in calls that are as big as the plugin is quick: a call costs more than a fact, but one
//! that takes long runs into its time limit, and then nobody knows which of its facts were heard.

use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use tokio::time::Instant;

use super::Lifecycle;
use crate::adapters::component::{
    contract::{bindings, convert},
    error::StartError,
    instance::limits::Pace,
};
use crate::model::hook::Fact;

/// The call, as errors name it.
pub(super) const CALL: &str = "observer.observe";

/// The most facts in one call.
const MOST_FACTS: usize = 256;

/// How many facts a plugin is told first.
const FIRST_FACTS: usize = 16;

/// How long a call should take at most. A slow plugin gets fewer facts at once.
const GOOD_TIME: Duration = Duration::from_millis(200);

/// How many facts a plugin is told in one call.
#[derive(Debug)]
pub(crate) struct Stride(AtomicUsize);

impl Default for Stride {
    fn default() -> Self {
        Self(AtomicUsize::new(FIRST_FACTS))
    }
}

impl Stride {
    fn facts(&self) -> usize {
        self.0.load(Relaxed)
    }

    /// Learns from a call with so many facts that took so long.
    fn learn(&self, facts: usize, took: Duration) {
        let each = took.as_nanos().div_ceil(facts.max(1) as u128).max(1);
        let fits = usize::try_from(GOOD_TIME.as_nanos() / each).unwrap_or(MOST_FACTS);
        // A few quick calls prove nothing about many facts.
        let most = self.facts().saturating_mul(2).min(MOST_FACTS);
        self.0.store(fits.clamp(1, most), Relaxed);
    }
}

/// Tells the plugin those of the facts that it subscribed to.
pub(super) async fn tell(plugin: &Lifecycle, facts: &[Fact]) -> Result<(), StartError> {
    let wanted = facts.iter().filter(|fact| plugin.observed.contains(fact.hook()));
    let wanted: Vec<_> = wanted.map(convert::fact).collect();
    let mut rest = wanted.as_slice();
    while !rest.is_empty() {
        let (now, later) = rest.split_at(plugin.stride.facts().min(rest.len()));
        let began = Instant::now();
        let told = observe(plugin, now).await;
        plugin.stride.learn(now.len(), began.elapsed());
        told?;
        rest = later;
    }
    Ok(())
}

async fn observe(plugin: &Lifecycle, facts: &[bindings::observer::Fact]) -> Result<(), StartError> {
    let mut borrowed = plugin.observer.borrow().await?;
    let guests = borrowed.instance().guests();
    let Some(guest) = &guests.observer else { return Ok(()) };
    let call = borrowed.call(CALL, Pace::Hook, guest.func_observe(), (facts,));
    call.await?;
    borrowed.give_back();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_plugins_get_fewer_facts_at_once() {
        let stride = Stride::default();
        stride.learn(16, Duration::from_millis(160));
        assert_eq!(stride.facts(), 20, "10 ms for each");
        stride.learn(20, Duration::from_secs(5));
        assert_eq!(stride.facts(), 1);
        for expected in [2, 4, 8, 16, 32, 64, 128, 256, 256] {
            stride.learn(stride.facts(), Duration::from_micros(10));
            assert_eq!(stride.facts(), expected);
        }
    }
}
