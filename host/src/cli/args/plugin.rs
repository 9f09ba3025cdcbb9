//! The commands about plugins.

use camino::Utf8PathBuf;
use clap::{Subcommand, ValueEnum};
use xqute::model::hook::Hook;

use super::{Global, values};

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
    /// Write down in xqute.lock which files the plugins are and what they may do now, and hold them to it
    Lock {
        /// A plugin, by its name or its file; without any, all that a run here would use
        #[arg(value_name = "NAME|FILE")]
        plugins: Vec<String>,
        #[command(flatten)]
        global: Global,
    },
    /// Find out what is wrong with a plugin file, without running the plugin in earnest
    Check {
        /// The plugin
        #[arg(value_name = "FILE")]
        file: Utf8PathBuf,
        #[command(flatten)]
        global: Global,
    },
    /// Put a plugin through the tests that every plugin has to pass, or compare it with a recorded run
    Test {
        #[command(flatten)]
        args: TestArgs,
        #[command(flatten)]
        global: Global,
    },
    /// Call one hook of a plugin by hand
    RunHook {
        #[command(flatten)]
        args: RunHookArgs,
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

/// What `xqute plugin test` was asked for.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = TEST_HELP)]
pub(in crate::cli) struct TestArgs {
    /// The plugin, or the folder of its project
    #[arg(value_name = "FILE")]
    pub(in crate::cli) file: Utf8PathBuf,
    /// Make it answer the calls of this recording again, and compare; the backend is not needed
    #[arg(long, value_name = "FILE.jsonl")]
    pub(in crate::cli) replay: Option<Utf8PathBuf>,
    /// An option for the plugin; may be repeated
    #[arg(long, value_name = "K=V", value_parser = values::option)]
    pub(in crate::cli) opt: Vec<(String, String)>,
}

const TEST_HELP: &str = "\
Without --replay, every program that the plugin runs only pretends to run: it fails, says nothing,
talks nonsense. Bash from a plugin is tried in real jobs if the plugin is granted the right script.
The exit code is 1 when a test failed.";

/// What `xqute plugin run-hook` was asked for.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = RUN_HOOK_HELP)]
pub(in crate::cli) struct RunHookArgs {
    /// The plugin
    #[arg(value_name = "FILE")]
    pub(in crate::cli) file: Utf8PathBuf,
    /// The hook, such as on_job_failed or job-failed
    #[arg(value_name = "HOOK", value_parser = hook)]
    pub(in crate::cli) hook: Hook,
    /// The job, as in a .jsonl job file
    #[arg(value_name = "JSON", default_value = r#"{"cmd": "true"}"#)]
    pub(in crate::cli) job: String,
    /// An option for the plugin; may be repeated
    #[arg(long, value_name = "K=V", value_parser = values::option)]
    pub(in crate::cli) opt: Vec<(String, String)>,
}

const RUN_HOOK_HELP: &str = "\
What the plugin answers is printed as JSON; what it logs goes to stderr. It has the rights that it
is granted, as in a run.";

/// A hook, by its name with or without `on_`, joined by `-` or `_`.
fn hook(text: &str) -> Result<Hook, String> {
    let plain = text.replace('-', "_");
    let plain = plain.strip_prefix("on_").unwrap_or(&plain);
    let named = |hook: &Hook| hook.name().strip_prefix("on_") == Some(plain);
    Hook::ALL.into_iter().find(named).ok_or_else(|| {
        let names = Hook::ALL.map(Hook::name).join(", ");
        format!("there is no such hook; there are {names}")
    })
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
    /// `xqute plugin check`.
    Check(Utf8PathBuf),
    /// `xqute plugin test`.
    Test(TestArgs),
    /// `xqute plugin run-hook`.
    RunHook(RunHookArgs),
    /// `xqute plugin lock`.
    Lock(Vec<String>),
}

impl PluginCommand {
    /// The flags of every command, and what is to be done.
    pub(super) fn split(self) -> (Global, PluginAction) {
        match self {
            Self::List { global } => (global, PluginAction::List),
            Self::Inspect { file, global } => (global, PluginAction::Inspect(file)),
            Self::New { dir, lang, global } => (global, PluginAction::New(dir, lang)),
            Self::Build { dir, output, global } => (global, PluginAction::Build { dir, output }),
            Self::Check { file, global } => (global, PluginAction::Check(file)),
            Self::Test { args, global } => (global, PluginAction::Test(args)),
            Self::RunHook { args, global } => (global, PluginAction::RunHook(args)),
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
        let new = action("xqute plugin new mine --lang js");
        assert!(matches!(new, PluginAction::New(dir, Lang::Javascript) if dir == "mine"));
        let build = action("xqute plugin build");
        assert!(matches!(build, PluginAction::Build { dir, output: None } if dir == "."));
        let lock = action("xqute plugin lock a b.wasm --allow a:script");
        assert!(matches!(lock, PluginAction::Lock(plugins) if plugins == ["a", "b.wasm"]));
        assert!(matches!(action("xqute plugin check a.wasm"), PluginAction::Check(file) if file == "a.wasm"));
        let PluginAction::Test(test) = action("xqute plugin test a.wasm --replay r.jsonl --opt a=b") else {
            panic!("not a test");
        };
        assert_eq!((test.replay, test.opt.len()), (Some("r.jsonl".into()), 1));
    }

    #[test]
    fn hooks_have_several_spellings() {
        for name in ["on_job_failed", "job-failed", "job_failed", "on-job-failed"] {
            let PluginAction::RunHook(args) = action(&format!("xqute plugin run-hook a.wasm {name}")) else {
                panic!("not a hook");
            };
            assert_eq!(args.hook, Hook::JobFailed);
        }
        let error = typed("xqute plugin run-hook a.wasm on_fire").unwrap_err().to_string();
        assert!(error.contains("on_jobcmd_prep"), "{error}");
    }
}
