//! The arguments of `xqute run-staged`, which schedulers write and people do not.

use camino::Utf8PathBuf;
use xqute::model::path::Location;

/// Run the script of a job on a machine that sees nothing of the run's workdir
#[derive(Debug, clap::Args)]
#[command(hide = true, after_help = HELP)]
pub(in crate::cli) struct StagedArgs {
    /// The run's directory, in a store
    #[arg(value_name = "URL")]
    pub(in crate::cli) workdir: Location,
    /// A folder of this machine for jobs of the run
    #[arg(value_name = "DIR")]
    pub(in crate::cli) dir: Utf8PathBuf,
    /// Where the job's script is to be, below that folder
    #[arg(value_name = "SCRIPT")]
    pub(in crate::cli) script: Utf8PathBuf,
}

const HELP: &str = "\
Jobs of a run with --opt stage-dir=DIR are started by this. It fetches the script from the workdir
and runs it; what the job leaves beside its script is copied to the workdir, now and then while the
job runs, and all of it at its end. Then the job's folder is removed.

It ends as the script does. The exit code is 125 when the script cannot be fetched or started, or
not all of what the job left is in the workdir; then that stays in DIR.";
