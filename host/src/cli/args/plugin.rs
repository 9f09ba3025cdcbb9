//! The commands about plugins.

use camino::Utf8PathBuf;
use clap::{Subcommand, ValueEnum};

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
    /// Make the project of a new plugin, which builds and passes its tests at once
    New {
        /// The project's folder, to be made; the plugin is called as it is
        #[arg(value_name = "DIR")]
        dir: Utf8PathBuf,
        /// The language to write it in
        #[arg(long, value_enum, value_name = "LANGUAGE")]
        lang: Lang,
        #[command(flatten)]
        global: Global,
    },
    /// Build a plugin from source
    Build {
        /// The plugin's project: a folder with Cargo.toml, pyproject.toml or package.json
        #[arg(value_name = "DIR", default_value = ".")]
        dir: Utf8PathBuf,
        /// Where the component goes [default: DIR/NAME.wasm]
        #[arg(short, long, value_name = "FILE")]
        output: Option<Utf8PathBuf>,
        #[command(flatten)]
        global: Global,
    },
}

/// The languages that plugins are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Lang {
    Rust,
    #[value(alias = "py")]
    Python,
    #[value(alias = "js")]
    Javascript,
}

/// What is to be done with plugins.
#[derive(Debug)]
pub(in crate::cli) enum PluginAction {
    /// `xqute plugin list`.
    List,
    /// `xqute plugin inspect`.
    Inspect(Utf8PathBuf),
    /// `xqute plugin new`.
    New(Utf8PathBuf, Lang),
    /// `xqute plugin build`.
    Build {
        /// The project's folder.
        dir: Utf8PathBuf,
        /// Where the component goes, if that was said.
        output: Option<Utf8PathBuf>,
    },
}

impl PluginCommand {
    /// The flags of every command, and what is to be done.
    pub(super) fn split(self) -> (Global, PluginAction) {
        match self {
            Self::List { global } => (global, PluginAction::List),
            Self::Inspect { file, global } => (global, PluginAction::Inspect(file)),
            Self::New { dir, lang, global } => (global, PluginAction::New(dir, lang)),
            Self::Build { dir, output, global } => (global, PluginAction::Build { dir, output }),
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
        let new = action("xqute plugin new mine --lang js");
        assert!(matches!(new, PluginAction::New(dir, Lang::Javascript) if dir == "mine"));
        let build = action("xqute plugin build");
        assert!(matches!(build, PluginAction::Build { dir, output: None } if dir == "."));
    }
}
