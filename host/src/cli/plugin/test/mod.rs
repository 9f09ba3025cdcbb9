//! `xqute plugin test FILE`: what holds for every plugin, or what a recording says.

use camino::{Utf8Path, Utf8PathBuf};
use xqute::adapters::component::{recording::Recording, trial::Trial};

use self::scratch::Scratch;
use super::{Wanted, build, cannot_load, verdicts};
use crate::cli::{
    args::plugin::TestArgs,
    error::{Failure, Result},
    exit::Exit,
};

mod real_jobs;
mod scratch;

/// Tests one plugin.
pub(super) async fn test(wanted: &Wanted<'_>, args: &TestArgs) -> Result<Exit> {
    let file = component(&args.file, wanted.here)?;
    let plugins = wanted
        .one(&file, &args.opt)
        .await?
        .map_err(|error| cannot_load(&error))?;
    let scratch = Scratch::new()?;
    let trial = Trial::of(&plugins, scratch.path(), None).map_err(|error| Failure::new(Exit::Usage, error))?;
    let Some(trial) = trial else {
        return Ok(Exit::Success);
    };
    let checks = match &args.replay {
        Some(recording) => trial.replay(&read(&trial, &wanted.here.join(recording))?).await,
        None => {
            let mut checks = trial.checks().await;
            checks.extend(real_jobs::check(&trial, plugins, scratch.path()).await);
            checks
        }
    };
    let about = trial.description();
    verdicts::show(&format!("{} {}", about.name, about.version), &checks)
}

fn read(trial: &Trial, file: &Utf8Path) -> Result<Recording> {
    let recording = Recording::read(file.as_std_path()).map_err(|error| Failure::new(Exit::Usage, error))?;
    let name = &trial.description().name;
    if recording.title.plugin != *name {
        return Err(Failure::usage(format!(
            "{file} is a recording of the plugin {}, not of {name}",
            recording.title.plugin
        )));
    }
    Ok(recording)
}

/// The component that a path means: itself, or that of the project.
fn component(named: &Utf8Path, here: &Utf8Path) -> Result<Utf8PathBuf> {
    if !here.join(named).is_dir() {
        return Ok(named.to_owned());
    }
    let file = build::open(&here.join(named))?.component();
    if !file.exists() {
        return Err(Failure::usage(format!("the plugin in {named} is not built"))
            .help(format!("build it first: xqute plugin build {named}")));
    }
    Utf8PathBuf::from_path_buf(file).map_err(|file| Failure::usage(format!("the path {} is not UTF-8", file.display())))
}
