//! `xqute plugin run-hook FILE HOOK [JSON]`.

use camino::Utf8PathBuf;
use xqute::adapters::{
    component::trial::Trial,
    jobfile::{Reader, Rules},
};

use super::{Wanted, cannot_load};
use crate::cli::{
    args::plugin::RunHookArgs,
    error::{Failure, Result},
    exit::Exit,
    out,
};

/// Calls one hook with one job, and prints the answer.
pub(super) async fn run_hook(wanted: &Wanted<'_>, args: &RunHookArgs) -> Result<Exit> {
    let rules = Rules {
        here: wanted.here.to_owned(),
        cwd_exists: false,
    };
    let job = Reader::new(&rules).read(args.job.as_bytes()).map_err(|bad| {
        Failure::usage(format!("the job `{}`: {bad}", args.job))
            .help("say it as on a line of a .jsonl job file: {\"cmd\": \"echo hello\", \"name\": \"greet\"}")
    })?;
    let plugins = wanted
        .one(&args.file, &args.opt)
        .await?
        .map_err(|error| cannot_load(&error))?;
    let workdir: Utf8PathBuf = wanted.here.join(".xqute");
    let trial = Trial::of(&plugins, &workdir, Some(vec![job])).map_err(|error| Failure::new(Exit::Usage, error))?;
    let Some(trial) = trial else {
        return Ok(Exit::Success);
    };
    let answer = trial.call_hook(args.hook).await;
    let answer = answer
        .map_err(|error| Failure::new(Exit::Plugin, error).help(format!("see `xqute plugin inspect {}`", args.file)))?;
    if let Some(answer) = answer {
        out::print(&format!("{answer:#}\n"))?;
    }
    Ok(Exit::Success)
}
