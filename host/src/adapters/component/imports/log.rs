//! `log`: lines in the host's log, under the plugin's name.

use crate::adapters::component::{
    contract::bindings::log::{Host, Level},
    instance::state::HostState,
};

/// The most bytes of one message.
const LONGEST: usize = 8 * 1024;

impl Host for HostState {
    fn write(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        let plugin = &*self.identity.name;
        let message = printable(&message);
        // What a plugin says of jobs that do not exist would only hide what became of its tests.
        let level = if self.tape.is_rehearsal() { Level::Debug } else { level };
        match level {
            Level::Trace => tracing::trace!(plugin, "{message}"),
            Level::Debug => tracing::debug!(plugin, "{message}"),
            Level::Info => tracing::info!(plugin, "{message}"),
            Level::Warn => tracing::warn!(plugin, "{message}"),
            Level::Error => tracing::error!(plugin, "{message}"),
        }
        Ok(())
    }
}

/// The text, cut, and without anything that a terminal would obey.
pub(crate) fn printable(text: &str) -> String {
    let cut = text.floor_char_boundary(LONGEST);
    let (kept, rest) = text.split_at_checked(cut).unwrap_or((text, ""));
    let mut shown = String::with_capacity(kept.len());
    for c in kept.chars() {
        if c.is_control() && c != '\t' {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    if !rest.is_empty() {
        shown.push_str(" (cut)");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_not_told_what_to_do() {
        assert_eq!(printable("a\u{1b}[2J\r\nb\t\u{e9}"), "a\\u{1b}[2J\\r\\nb\t\u{e9}");
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        let shown = printable(&"\u{e9}".repeat(5000));
        assert!(shown.ends_with("\u{e9} (cut)"));
        assert_eq!(shown.len(), LONGEST + " (cut)".len());
    }
}
