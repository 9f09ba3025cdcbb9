//! What was typed, in types. Nothing here knows of defaults, configuration files or the machine: see `resolve`.
//!
//! - this file: the flags of every command, and the commands;
//! - [`plugin`]: the commands about plugins, with their flags;
//! - [`live`]: the flags of the commands about a run that was started elsewhere;
//! - [`doctor`]: the flags of `xqute doctor`; [`fetch`]: those of `xqute fetch`;
//! - [`run`]: the flags of `xqute run`, and of a job's settings;
//! - [`staged`]: the arguments of `xqute run-staged`.

use camino::Utf8PathBuf;
use clap::{ArgAction, Parser, Subcommand};
use xqute::adapters::component::rights::Allow;

use super::{
    exit,
    screen::{Color, LogFormat},
    values,
};

pub(super) mod doctor;
pub(super) mod fetch;
pub(super) mod live;
pub(super) mod plugin;
pub(super) mod run;
pub(super) mod staged;

const EXAMPLES: &str = "\
Examples:
  xqute run jobs.txt                       a shell command line on each line, run on this machine
  xqute run -j 2 -e retry -- gzip big.txt  one command, tried again when it fails
  xqute plugin list                        the plugins at hand and what they may do
";

/// Run jobs: on this machine, or wherever a scheduler plugin can take them.
#[derive(Debug, Parser)]
#[command(name = "xqute", version, after_help = format!("{EXAMPLES}\n{}", exit::HELP), max_term_width = 100)]
#[command(propagate_version = true, disable_help_subcommand = true)]
pub(super) struct Args {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<run::RunCommand>),
    Feed(live::FeedCommand),
    Status(live::StatusCommand),
    Logs(live::LogsCommand),
    Kill(live::KillCommand),
    Doctor(doctor::DoctorCommand),
    Fetch(fetch::FetchCommand),
    /// Look at plugins
    #[command(subcommand)]
    Plugin(plugin::PluginCommand),
    RunStaged(staged::StagedArgs),
}

/// Who asks for what.
#[derive(Debug)]
pub(super) enum Asked {
    /// A scheduler, by `xqute run-staged`.
    RunStaged(staged::StagedArgs),
    /// A user.
    Action(Action),
}

/// What is to be done.
#[derive(Debug)]
pub(super) enum Action {
    /// `xqute run`.
    Run(Box<run::RunArgs>),
    /// `xqute feed`.
    Feed(live::FeedArgs),
    /// `xqute status`.
    Status(live::StatusArgs),
    /// `xqute logs`.
    Logs(live::LogsArgs),
    /// `xqute kill`.
    Kill(live::KillArgs),
    /// `xqute doctor`.
    Doctor(doctor::DoctorArgs),
    /// `xqute fetch`.
    Fetch(fetch::FetchArgs),
    /// `xqute plugin ...`.
    Plugin(plugin::PluginAction),
}

impl Args {
    /// The flags of every command, wherever they stood, and the command.
    pub(super) fn split(self) -> (Global, Asked) {
        let (inner, action) = match self.command {
            Command::Run(run) => (run.global, Action::Run(Box::new(run.args))),
            Command::Feed(feed) => (feed.global, Action::Feed(feed.args)),
            Command::Status(status) => (status.global, Action::Status(status.args)),
            Command::Logs(logs) => (logs.global, Action::Logs(logs.args)),
            Command::Kill(kill) => (kill.global, Action::Kill(kill.args)),
            Command::Doctor(doctor) => (doctor.global, Action::Doctor(doctor.args)),
            Command::Fetch(fetch) => (fetch.global, Action::Fetch(fetch.args)),
            Command::Plugin(command) => {
                let (global, action) = command.split();
                (global, Action::Plugin(action))
            }
            Command::RunStaged(args) => return (self.global, Asked::RunStaged(args)),
        };
        (self.global.then(inner), Asked::Action(action))
    }
}

/// The flags of every command. They may stand before or after its name; lists from both places are joined, which clap's own
/// global flags would not do.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    /// Load this plugin: a file, or the name of one that came with xqute; may be repeated
    #[arg(long, value_name = "PATH")]
    pub(super) plugin: Vec<Utf8PathBuf>,
    /// Look for plugins here as well; may be repeated
    #[arg(long, value_name = "DIR")]
    pub(super) plugin_dir: Vec<Utf8PathBuf>,
    /// Do not use this plugin; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(super) disable: Vec<String>,
    /// Let a plugin do all that it asks for, or only this much of it; may be repeated. Rights: run, read, write, net, env,
    /// script
    #[arg(long, value_name = "NAME[:RIGHT=VALUES]")]
    pub(super) allow: Vec<Allow>,
    /// Read this file instead of the nearest xqute.toml upwards from here
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<Utf8PathBuf>,
    /// Say more: -v what happens, -vv why, -vvv everything
    #[arg(short, long, action = ArgAction::Count, conflicts_with = "quiet")]
    pub(super) verbose: u8,
    /// Say nothing unless something goes wrong
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// How lines on stderr look: for people, or a JSON object on each [default: text]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(super) log_format: Option<LogFormat>,
    /// When to use colours; auto: on a terminal, unless NO_COLOR is set [default: auto]
    #[arg(long, value_enum, value_name = "WHEN")]
    pub(super) color: Option<Color>,
}

impl Global {
    /// These flags and then those; of what can be said once the later counts.
    fn then(mut self, later: Self) -> Self {
        self.plugin.extend(later.plugin);
        self.plugin_dir.extend(later.plugin_dir);
        self.disable.extend(later.disable);
        self.allow.extend(later.allow);
        self.config = later.config.or(self.config);
        self.verbose = self.verbose.saturating_add(later.verbose);
        self.quiet |= later.quiet;
        self.log_format = later.log_format.or(self.log_format);
        self.color = later.color.or(self.color);
        self
    }
}

#[cfg(test)]
pub(super) mod tests {
    use clap::CommandFactory as _;

    use super::*;

    /// Parses a command line, for tests.
    pub(in crate::cli) fn typed(line: &str) -> Result<(Global, Action), clap::Error> {
        let words = shlex::split(line).unwrap();
        let args = Args::try_parse_from(words)?;
        match args.split() {
            (global, Asked::Action(action)) => Ok((global, action)),
            (_, Asked::RunStaged(args)) => panic!("{args:?}"),
        }
    }

    #[test]
    fn negative_numbers_are_told_what_is_wrong_with_them() {
        for flag in ["-j", "-r", "--max-failures", "--submission-batch"] {
            let error = typed(&format!("xqute run {flag} -1 a.txt")).unwrap_err();
            assert_eq!(error.kind(), clap::error::ErrorKind::ValueValidation);
        }
    }

    #[test]
    fn the_definition_holds_together() {
        Args::command().debug_assert();
    }

    #[test]
    fn global_flags_may_stand_on_both_sides() {
        let (global, action) = typed("xqute --plugin a.wasm -v run --plugin b.wasm -v --color never x.txt").unwrap();
        assert_eq!(global.plugin, ["a.wasm", "b.wasm"]);
        assert_eq!(global.verbose, 2);
        assert_eq!(global.color, Some(Color::Never));
        assert!(matches!(action, Action::Run(_)));
    }

    #[test]
    fn wrong_usage_exits_with_2() {
        for line in [
            "xqute",
            "xqute walk",
            "xqute run -j 0 x",
            "xqute run -j many x",
            "xqute run -v -q x",
            "xqute run --allow slurm:fly x",
            "xqute run --env 1X=2 x",
            "xqute run --opt partition x",
            "xqute run --timeout soon x",
            "xqute run -e shrug x",
            "xqute plugin inspect",
            "xqute kill --all 3",
            "xqute logs",
            "xqute logs --attempt 0 3",
            "xqute status --state lost",
            "xqute fetch",
            "xqute fetch ftp://a/b",
            "xqute fetch gs://a/b/",
        ] {
            assert_eq!(typed(line).unwrap_err().exit_code(), 2, "{line}");
        }
        assert_eq!(typed("xqute --help").unwrap_err().exit_code(), 0);
    }

    #[test]
    fn the_help_is_a_page() {
        insta::assert_snapshot!(Args::command().term_width(100).render_help().to_string(), @"
        Run jobs: on this machine, or wherever a scheduler plugin can take them

        Usage: xqute [OPTIONS] <COMMAND>

        Commands:
          run     Run jobs and wait for them
          feed    Give more jobs to a run that was started with --listen
          status  Show where a run and its jobs stand
          logs    Show what a job wrote
          kill    End jobs of a run that lives
          doctor  Find out whether jobs can run, up to running one
          fetch   Fetch objects from stores, for programs that need files
          plugin  Look at plugins

        Options:
          -h, --help     Print help
          -V, --version  Print version

        Global options:
              --plugin <PATH>                Load this plugin: a file, or the name of one that came with
                                             xqute; may be repeated
              --plugin-dir <DIR>             Look for plugins here as well; may be repeated
              --disable <NAME>               Do not use this plugin; may be repeated
              --allow <NAME[:RIGHT=VALUES]>  Let a plugin do all that it asks for, or only this much of it;
                                             may be repeated. Rights: run, read, write, net, env, script
              --config <FILE>                Read this file instead of the nearest xqute.toml upwards from
                                             here
          -v, --verbose...                   Say more: -v what happens, -vv why, -vvv everything
          -q, --quiet                        Say nothing unless something goes wrong
              --log-format <FORMAT>          How lines on stderr look: for people, or a JSON object on each
                                             [default: text] [possible values: text, json]
              --color <WHEN>                 When to use colours; auto: on a terminal, unless NO_COLOR is
                                             set [default: auto] [possible values: auto, always, never]

        Examples:
          xqute run jobs.txt                       a shell command line on each line, run on this machine
          xqute run -j 2 -e retry -- gzip big.txt  one command, tried again when it fails
          xqute plugin list                        the plugins at hand and what they may do

        Exit codes:
          0      every job succeeded
          1      some job did not, or a plugin failed a test
          2      bad usage or input; nothing was run
          3      a plugin could not be loaded, was refused a right, is quarantined, or halted the run
          4      the workdir or its state cannot be used
          128+N  stopped by signal N
        ");
    }
}
