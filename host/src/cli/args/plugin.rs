//! The commands about plugins.

use camino::Utf8PathBuf;
use clap::Subcommand;

use super::Global;

/// The commands about plugins.
#[derive(Debug, Subcommand)]
pub(super) enum PluginCommand {
    /// List the plugins that a run would find
    List {
        #[command(flatten)]
        global: Global,
    },
    /// Show what a plugin file is, what it asks for, and how to grant it
    Inspect {
        /// The plugin
        #[arg(value_name = "FILE")]
        file: Utf8PathBuf,
        #[command(flatten)]
        global: Global,
    },
    /// Write down in xqute.lock which files the plugins are and what they may do now, and hold them to it
    Lock {
        /// A plugin, by its name or its file; without any, all that a run here would use
        #[arg(value_name = "NAME|FILE")]
        plugins: Vec<String>,
        #[command(flatten)]
        global: Global,
    },
}

/// What is to be done with plugins.
#[derive(Debug)]
pub(in crate::cli) enum PluginAction {
    /// `xqute plugin list`.
    List,
    /// `xqute plugin inspect`.
    Inspect(Utf8PathBuf),
    /// `xqute plugin lock`.
    Lock(Vec<String>),
}

impl PluginCommand {
    /// The flags of every command, and what is to be done.
    pub(super) fn split(self) -> (Global, PluginAction) {
        match self {
            Self::List { global } => (global, PluginAction::List),
            Self::Inspect { file, global } => (global, PluginAction::Inspect(file)),
            Self::Lock { plugins, global } => (global, PluginAction::Lock(plugins)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::{Action, tests::typed};

    fn action(line: &str) -> PluginAction {
        match typed(line).unwrap().1 {
            Action::Plugin(action) => action,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn plugin_commands_are_told_apart() {
        assert!(matches!(action("xqute plugin list"), PluginAction::List));
        let inspect = action("xqute plugin inspect a.wasm");
        assert!(matches!(inspect, PluginAction::Inspect(file) if file == "a.wasm"));
        let lock = action("xqute plugin lock a b.wasm --allow a:script");
        assert!(matches!(lock, PluginAction::Lock(plugins) if plugins == ["a", "b.wasm"]));
    }
}
