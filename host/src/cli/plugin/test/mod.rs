//! `xqute plugin test FILE`: what holds for every plugin, or what a recording says.

use camino::{Utf8Path, Utf8PathBuf};
use xqute::adapters::component::{recording::Recording, trial::Trial};

use self::scratch::Scratch;
use super::{Wanted, cannot_load, verdicts};
use crate::cli::{
    args::plugin::TestArgs,
    error::{Failure, Result},
    exit::Exit,
};

mod real_jobs;
mod scratch;

/// Tests one plugin.
pub(super) async fn test(wanted: &Wanted<'_>, args: &TestArgs) -> Result<Exit> {
    let file = component(&args.file)?;
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

/// The component of a project.
fn component(named: &Utf8Path) -> Result<Utf8PathBuf> {
    if !named.is_dir() {
        return Ok(named.to_owned());
    }
    let unreadable = |error| Failure::usage(format!("cannot read the folder {named}: {error}"));
    let mut files = Vec::new();
    for entry in named.read_dir_utf8().map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.into_path();
        if path.extension() == Some("wasm") {
            files.push(path);
        }
    }
    match files.as_slice() {
        [file] => Ok(file.clone()),
        [] => Err(Failure::usage(format!("there is no component in {named}"))
            .help(format!("build it first: xqute plugin build {named}"))),
        _ => Err(Failure::usage(format!("there are several components in {named}")).help("name one of them")),
    }
}
