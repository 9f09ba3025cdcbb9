//! Tells one plugin what happened.

use super::{bindings, convert, error::StartError, hooks::Lifecycle, limits::Pace};
use crate::model::hook::Fact;

/// The call, as errors name it.
pub(super) const CALL: &str = "observer.observe";

/// The most facts in one call.
const MOST_FACTS: usize = 256;

/// Tells the plugin those of the facts that it subscribed to.
pub(super) async fn tell(plugin: &Lifecycle, facts: &[Fact]) -> Result<(), StartError> {
    let wanted = facts.iter().filter(|fact| plugin.observed.contains(fact.hook()));
    let wanted: Vec<_> = wanted.map(convert::fact).collect();
    for batch in wanted.chunks(MOST_FACTS) {
        observe(plugin, batch).await?;
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
