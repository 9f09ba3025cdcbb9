//! How a call to a plugin failed.

use std::{sync::Arc, time::Duration};

use wasmtime::{Trap, WasmBacktrace, component::ResourceTableError};
use wasmtime_wasi::I32Exit;

use super::limits::{Limits, MOST_PARTS, TooMuch};

/// A call that gave no usable answer. The instance that was called is gone; the next call gets a fresh one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("plugin {plugin}, call {call}: {kind}")]
pub struct CallFailure {
    /// The plugin's name.
    pub plugin: Arc<str>,
    /// The function, `interface.name`.
    pub call: Arc<str>,
    /// What happened.
    pub kind: CallFailureKind,
}

/// What happened to a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallFailureKind {
    /// The guest's code gave up.
    #[error("it crashed: {0}. Report this to the plugin's author; `-v` shows what it logged before")]
    Trap(String),
    /// The guest computed for too long.
    #[error(
        "it computed for more than {0:?} and was stopped; if it needs that long, set `compute-ms` for it in xqute.toml"
    )]
    GuestTime(Duration),
    /// The call, with everything that the host did for it, took too long.
    #[error("it took more than {0:?} and was stopped; if it needs that long, set `call-ms` for it in xqute.toml")]
    WallTime(Duration),
    /// The guest wanted too much memory.
    #[error("it needed more than {} MiB of memory; if it needs that much, set `memory-mib` for it in xqute.toml", .0 >> 20)]
    Memory(usize),
    /// The guest's tables grew too much.
    #[error(
        "its tables needed more than {0} elements; if it needs that many, set `table-elements` for it in xqute.toml"
    )]
    TableElements(usize),
    /// The guest held too much of the host at once.
    #[error(
        "it held more than {0} files, streams or sockets at once; if it needs that many, set `handles` for it in xqute.toml"
    )]
    Handles(usize),
    /// The component is made of too many core instances, memories or tables.
    #[error(
        "it is made of more than {0} core instances, memories or tables, which no setting changes; compose it of fewer parts"
    )]
    Parts(usize),
    /// The guest handed too much over to the host.
    #[error(
        "it passed more than {} MiB to the host at once; let it pass less, or set `pass-mib` for it in xqute.toml", .0 >> 20
    )]
    HostAllocation(usize),
    /// The answer breaks the contract.
    #[error("it answered {0}; this is a mistake in the plugin")]
    BadAnswer(String),
}

/// The limits that were in force and what was noticed while the call went on.
pub(crate) struct Circumstances {
    pub(crate) guest_time: Duration,
    pub(crate) wall_time: Duration,
    pub(crate) limits: Limits,
    pub(crate) refused: Option<TooMuch>,
}

/// The call's time is over; travels through wasmtime as an error. Says what the guest did at that moment.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the call's time is over")]
pub(super) enum TimeOver {
    Computing,
    Waiting,
}

/// Sorts out why wasmtime gave up.
pub(crate) fn classify(error: &wasmtime::Error, seen: &Circumstances) -> CallFailureKind {
    match error.downcast_ref() {
        Some(TimeOver::Computing) => return CallFailureKind::GuestTime(seen.guest_time),
        Some(TimeOver::Waiting) => return CallFailureKind::WallTime(seen.wall_time),
        None => {}
    }
    if says(error, TOO_MUCH_DATA) {
        return CallFailureKind::HostAllocation(seen.limits.pass);
    }
    if says(error, TOO_MANY_HANDLES) || is_full(error) {
        return CallFailureKind::Handles(seen.limits.handles);
    }
    if says(error, TOO_MANY_PARTS) {
        return CallFailureKind::Parts(MOST_PARTS);
    }
    // A refusal alone is no failure: a guest may get by without. One that dies afterwards died of it.
    match seen.refused {
        Some(TooMuch::Memory(limit)) => return CallFailureKind::Memory(limit),
        Some(TooMuch::TableElements(limit)) => return CallFailureKind::TableElements(limit),
        None => {}
    }
    if let Some(I32Exit(code)) = error.downcast_ref() {
        return CallFailureKind::Trap(format!("it called exit({code})"));
    }
    let what = error
        .downcast_ref::<Trap>()
        .map_or_else(|| error.root_cause().to_string(), ToString::to_string);
    let place = error.downcast_ref::<WasmBacktrace>().and_then(backtrace);
    CallFailureKind::Trap(place.map_or_else(|| what.clone(), |place| format!("{what} in {place}")))
}

/// Words of wasmtime's errors that have no type of their own; tests keep watch over them.
const TOO_MUCH_DATA: &str = "too much data is being copied between the host and the guest";
const TOO_MANY_HANDLES: &str = "store handle limit exceeded";
const TOO_MANY_PARTS: &str = "resource limit exceeded:";

fn says(error: &wasmtime::Error, words: &str) -> bool {
    error.chain().any(|cause| cause.to_string().contains(words))
}

/// Whether the table of what the host holds for an instance is full.
fn is_full(error: &wasmtime::Error) -> bool {
    let full =
        |cause: &(dyn std::error::Error + 'static)| matches!(cause.downcast_ref(), Some(ResourceTableError::Full));
    error.chain().any(full)
}

/// The most functions of a backtrace that are named.
const MOST_FRAMES: usize = 8;

/// The longest name of a function, in characters.
const LONGEST_NAME: usize = 120;

/// The functions that have names, innermost first. Nothing, when none has.
fn backtrace(trace: &WasmBacktrace) -> Option<String> {
    let named = trace.frames().iter().filter_map(|frame| frame.func_name());
    listed(named)
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut names = names.peekable();
    let mut distinct = std::iter::from_fn(|| {
        let name = names.next()?;
        // Where a function calls itself again and again, saying so once is enough.
        while names.next_if_eq(&name).is_some() {}
        Some(shown(name))
    });
    let mut names: Vec<String> = distinct.by_ref().take(MOST_FRAMES + 1).collect();
    let more = names.len() > MOST_FRAMES;
    names.truncate(MOST_FRAMES);
    let end = if more { " < ..." } else { "" };
    (!names.is_empty()).then(|| format!("`{}`{end}", names.join("` < `")))
}

/// Names are the guest's: untrusted, and possibly endless.
fn shown(name: &str) -> String {
    // The alternative form leaves out the hash at the end.
    let name: String = match rustc_demangle::try_demangle(name.get(..4096).unwrap_or(name)) {
        Ok(rust) => format!("{rust:#}"),
        Err(_) => name.chars().take(LONGEST_NAME + 1).collect(),
    };
    let mut shown: String = name
        .chars()
        .filter(|c| !c.is_control() && *c != '`')
        .take(LONGEST_NAME)
        .collect();
    if name.chars().nth(LONGEST_NAME).is_some() {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_named_innermost_first() {
        let names = ["_ZN3std7process5abort17h0123456789abcdefE", "_start", "on_init"];
        assert_eq!(
            listed(names.into_iter()).unwrap(),
            "`std::process::abort` < `_start` < `on_init`"
        );
        assert_eq!(listed([].into_iter()), None);
    }

    #[test]
    fn names_are_tame_and_few() {
        let long = "\u{e9}".repeat(9999);
        let shown = listed([long.as_str(), "a\u{1b}[2J`\nb"].into_iter()).unwrap();
        assert!(shown.chars().count() < LONGEST_NAME + 30, "{shown}");
        assert!(shown.ends_with("...` < `a[2Jb`"), "{shown}");
        let many: Vec<String> = (0..20).map(|number| number.to_string()).collect();
        let shown = listed(many.iter().map(String::as_str)).unwrap();
        assert_eq!(shown, "`0` < `1` < `2` < `3` < `4` < `5` < `6` < `7` < ...");
        assert_eq!(listed(["deep"; 5000].into_iter()).unwrap(), "`deep`");
    }
}
