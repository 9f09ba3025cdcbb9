//! What a summary says of plugins: how often each was called, how long that took, and what went wrong with it.

use std::fmt::Write as _;

use serde_json::{Value, json};
use xqute::adapters::component::hooks::PluginReport;

use super::short;
use crate::cli::screen::printable_line;

/// Which plugins are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum PluginLines {
    /// Those with which something was wrong.
    Trouble,
    /// All that were called.
    Called,
}

impl PluginLines {
    /// The lines about these plugins, with a title; nothing, when there are none.
    pub(super) fn of(self, plugins: &[PluginReport]) -> String {
        let told = plugins.iter().filter(|plugin| self.tell(plugin));
        let lines: String = told.map(line).collect();
        match lines.is_empty() {
            true => lines,
            false => format!("plugins:\n{lines}"),
        }
    }

    const fn tell(self, plugin: &PluginReport) -> bool {
        match self {
            Self::Trouble => plugin.failures + plugin.refusals + plugin.restarts > 0,
            Self::Called => plugin.calls > 0,
        }
    }
}

/// A plugin in one line.
fn line(plugin: &PluginReport) -> String {
    let calls = counted(plugin.calls, "call", "calls");
    let name = printable_line(&plugin.plugin);
    let mut line = format!("  {name}: {calls} in {}", short(plugin.time));
    if plugin.failures > 0 {
        let _infallible = write!(line, ", {} failed", plugin.failures);
    }
    for (count, one, many) in [
        (plugin.restarts, "restart", "restarts"),
        (plugin.refusals, "refusal", "refusals"),
    ] {
        if count > 0 {
            let _infallible = write!(line, ", {}", counted(count, one, many));
        }
    }
    line.push('\n');
    line
}

/// A plugin in the summary for programs.
pub(super) fn json(plugin: &PluginReport) -> Value {
    json!({
        "plugin": plugin.plugin, "calls": plugin.calls, "failures": plugin.failures, "refusals": plugin.refusals,
        "restarts": plugin.restarts, "time_ms": plugin.time.as_secs_f64() * 1000.0, "quarantined": plugin.quarantined,
    })
}

fn counted(count: u64, one: &str, many: &str) -> String {
    let what = if count == 1 { one } else { many };
    format!("{count} {what}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn those_without_trouble_are_told_of_on_demand() {
        let plugins = [
            PluginReport {
                plugin: "good".into(),
                calls: 1,
                time: Duration::from_micros(1500),
                ..PluginReport::default()
            },
            PluginReport {
                plugin: "bad\u{1b}".into(),
                calls: 5,
                failures: 3,
                restarts: 1,
                refusals: 2,
                ..PluginReport::default()
            },
            PluginReport::default(),
        ];
        insta::assert_snapshot!(PluginLines::Called.of(&plugins), @r"
        plugins:
          good: 1 call in 1 ms
          bad\u{1b}: 5 calls in 0 ms, 3 failed, 1 restart, 2 refusals
        ");
        assert!(!PluginLines::Trouble.of(&plugins).contains("good"));
        assert_eq!(PluginLines::Trouble.of(&plugins[..1]), "");
    }
}
