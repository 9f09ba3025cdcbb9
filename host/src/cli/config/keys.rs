//! Complaints about keys in `xqute.toml` that nobody knows, with the one that was probably meant. A key that is silently
//! skipped costs its writer an afternoon.

use toml::de::DeTable;

use super::{Bad, Config, LimitsConfig, PluginConfig};
use crate::cli::{
    args::run::RunSettings,
    fields::{keys, nearest},
};

/// Looks at the keys of all tables.
pub(super) fn check(text: &str, top: &DeTable<'_>) -> Result<(), Bad> {
    table(text, top, "at the top", keys::<Config>())?;
    if let Some(run) = child(top, "run") {
        table(text, run, "in [run]", keys::<RunSettings>())?;
    }
    for (name, plugin) in child(top, "plugins").into_iter().flatten() {
        let Some(plugin) = plugin.get_ref().as_table() else {
            continue;
        };
        let place = format!("in [plugins.{}]", name.get_ref());
        table(text, plugin, &place, keys::<PluginConfig>())?;
        if let Some(limits) = child(plugin, "limits") {
            table(text, limits, &format!("in the limits {place}"), keys::<LimitsConfig>())?;
        }
    }
    Ok(())
}

fn child<'t, 'i>(table: &'t DeTable<'i>, key: &str) -> Option<&'t DeTable<'i>> {
    table.get(key)?.get_ref().as_table()
}

fn table(text: &str, table: &DeTable<'_>, place: &str, known: &'static [&'static str]) -> Result<(), Bad> {
    let Some((key, _)) = table
        .iter()
        .find(|(key, _)| !known.contains(&key.get_ref().as_ref()))
    else {
        return Ok(());
    };
    let name = key.get_ref();
    let help = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known are {}", known.join(", ")),
    };
    let message = format!("unknown key `{}` {place}", name.escape_debug());
    Err(Bad::at(text, key.span().start, message, Some(help)))
}

#[cfg(test)]
mod tests {
    use super::super::parse;

    #[test]
    fn unknown_keys_are_refused_everywhere() {
        let say = |text: &str| {
            let bad = parse(text).unwrap_err();
            format!("line {}: {} -- {}", bad.line, bad.message, bad.help.unwrap())
        };
        insta::assert_snapshot!(say("[run]\nforks = 2\nfork = 3"), @"line 3: unknown key `fork` in [run] -- did you mean `forks`?");
        insta::assert_snapshot!(say("colour = 'never'"), @"line 1: unknown key `colour` at the top -- did you mean `color`?");
        insta::assert_snapshot!(say("[plugins.x]\n\non_failure = 'halt'"), @"line 3: unknown key `on_failure` in [plugins.x] -- did you mean `on-failure`?");
        insta::assert_snapshot!(say("[plugins.x.limits]\nmemory = 3"), @"line 2: unknown key `memory` in the limits in [plugins.x] -- did you mean `memory-mib`?");
        insta::assert_snapshot!(say("q = 1"), @"line 1: unknown key `q` at the top -- known are plugin-dir, log-format, color, run, plugins");
    }
}
