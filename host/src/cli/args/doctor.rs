//! The flags of `xqute doctor`.

use std::time::Duration;

use super::Global;
use crate::cli::values;

/// Find out whether jobs can run, up to running one
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct DoctorCommand {
    #[command(flatten)]
    pub(super) args: DoctorArgs,
    #[command(flatten)]
    pub(super) global: Global,
}

/// What `xqute doctor` was asked for.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub(in crate::cli) struct DoctorArgs {
    /// What is to run the jobs: local, or a plugin's name [default: local]
    #[arg(short, long, value_name = "NAME")]
    pub(in crate::cli) scheduler: Option<String>,
    /// An option for the scheduler; may be repeated, also with the same name
    #[arg(long, value_name = "K=V", value_parser = values::option)]
    pub(in crate::cli) opt: Vec<(String, String)>,
    /// How long the test job may take from its submission to its end
    #[arg(long, value_name = "DURATION", value_parser = values::duration, default_value = "1m")]
    pub(in crate::cli) wait: Duration,
}

const HELP: &str = "\
It looks for a bash, the plugin, its rights and its programs, asks the backend whether it is there,
and runs a job in a folder here that it removes again. Settings in xqute.toml count.

Examples:
  xqute doctor
  xqute doctor -s slurm --opt partition=short";
