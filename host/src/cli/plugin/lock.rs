//! `xqute plugin lock [NAME|FILE]...`: writes down which files plugins are and what they may do at this moment.

use std::fmt::Write as _;

use xqute::adapters::component::{
    flags::flags,
    plugins::{LoadOptions, Lock, PluginInfo, Plugins, short_digest},
    rights::{Allow, Grant, Right},
};

use super::{Wanted, alone, cannot_load, pick};
use crate::cli::{
    config::Locks,
    error::{Failure, Result},
    exit::Exit,
    out,
    screen::printable_line,
};

/// Locks these plugins, or all that a run here would use, and leaves what is locked of others.
pub(super) async fn lock(wanted: &Wanted<'_>, named: &[String]) -> Result<Exit> {
    let file = &wanted.config.lock;
    let mut locks = file.read()?;
    let mut text = String::new();
    for plugin in chosen(wanted, named, &locks).await? {
        let rights: Vec<Right> = plugin.effective.iter().map(Right::anywhere).collect();
        text.push_str(&told(&plugin, &rights));
        let digest = plugin.digest.clone();
        locks.insert(plugin.name, Lock { digest, rights });
    }
    if text.is_empty() {
        return Err(Failure::usage("there is no plugin to lock: a run here would use none")
            .help("name one, or its file: xqute plugin lock FILE"));
    }
    file.write(&locks)?;
    let _infallible = writeln!(text, "written to {}", file.path);
    out::print(&text)?;
    Ok(Exit::Success)
}

/// What a run here would use, or those of it that were named, or files that no run uses yet.
async fn chosen(wanted: &Wanted<'_>, named: &[String], locks: &Locks) -> Result<Vec<PluginInfo>> {
    let found = wanted.find()?;
    let sources = wanted.sources(&found)?;
    let mut options = with_old_rights(wanted.options(found.clone())?, locks);
    options.scheduler.clone_from(&wanted.config.run.scheduler);
    let load = async |sources, options| match Plugins::load(sources, options).await {
        Ok(plugins) => Ok(plugins),
        Err(error) => Err(cannot_load(&error)),
    };
    let used = load(sources, options.clone()).await?;
    wanted.check_names(&used.known_names())?;
    let used = used.list();
    if named.is_empty() {
        return Ok(used);
    }
    let mut chosen = Vec::new();
    for name in named {
        if let Some(plugin) = used.iter().find(|plugin| plugin.name == *name) {
            chosen.push(plugin.clone());
            continue;
        }
        let file = pick(&found, name)?;
        chosen.extend(load(vec![file.into()], alone(options.clone())).await?.list());
    }
    Ok(chosen)
}

/// What was locked goes on, also for a file that changed: its user is just saying that it is all right.
fn with_old_rights(mut options: LoadOptions, locks: &Locks) -> LoadOptions {
    options.locks.clear();
    options.allowed.extend(locks.iter().map(|(plugin, lock)| Allow {
        plugin: plugin.clone(),
        grant: Grant::Only(lock.rights.clone()),
    }));
    options
}

fn told(plugin: &PluginInfo, rights: &[Right]) -> String {
    let digest = short_digest(&plugin.digest);
    let rights: Vec<String> = rights.iter().map(ToString::to_string).collect();
    let may = match rights.as_slice() {
        [] => "no rights".to_owned(),
        rights => rights.join(", "),
    };
    let mut text = printable_line(&format!("locked {} (sha256 {digest}…) with {may}", plugin.name));
    text.push('\n');
    let lacking = plugin.asked.iter().filter(|right| !plugin.effective.contains(right));
    let flags = flags(&plugin.name, lacking);
    if !flags.is_empty() {
        let more = format!("  not with all that it asks for: {} would add that", flags.join(" "));
        let _infallible = writeln!(text, "{}", printable_line(&more));
    }
    text
}
