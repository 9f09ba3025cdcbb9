//! `xqute plugin list`.

use std::collections::BTreeSet;

use xqute::adapters::component::{
    discover::Shipped,
    plugins::{Changed, PluginInfo, Plugins},
};

use super::{
    Wanted, cannot_load,
    page::{self, PluginPage},
};
use crate::cli::{error::Result, exit::Exit, out, screen::Screen};

/// Also shows what came with xqute and takes no part unless it is named. A plugin that cannot be
/// loaded hides none of the others.
pub(super) async fn list(wanted: &Wanted<'_>, screen: &Screen) -> Result<Exit> {
    let found = wanted.find()?;
    let mut sources = wanted.sources(&found)?;
    for path in found.shipped.files.values() {
        if sources.iter().all(|source| source.path != *path) {
            sources.push(path.clone().into());
        }
    }
    let mut options = wanted.options(found)?;
    options.changed = Changed::Shown;
    // All shipped ones are looked at anyway; enabled by name, each of the others would bring them along.
    for settings in options.named.values_mut() {
        settings.enabled = settings.enabled.filter(|enabled| !enabled);
    }
    let mut plugins = Vec::new();
    let mut known = BTreeSet::new();
    let mut exit = Exit::Success;
    for source in sources {
        match Plugins::load(vec![source], options.clone()).await {
            Ok(loaded) => {
                known.extend(loaded.known_names());
                plugins.extend(loaded.list());
            }
            Err(error) => {
                exit = Exit::Plugin;
                cannot_load(&error).show(screen);
            }
        }
    }
    // The name that a flag means may be that of a plugin which could not be loaded.
    if exit == Exit::Success {
        wanted.check_names(&known)?;
    }
    step_back(&mut plugins, &options.shipped);
    let pages: Vec<PluginPage> = plugins.iter().map(page::page_of).collect();
    out::print(&page::table(&pages))?;
    Ok(exit)
}

/// Leaves out what came with xqute where a run would use another file of that name.
fn step_back(plugins: &mut Vec<PluginInfo>, shipped: &Shipped) {
    let is_shipped = |plugin: &PluginInfo| shipped.files.values().any(|file| *file == plugin.path);
    let own = plugins.iter().filter(|plugin| !is_shipped(plugin));
    let own: BTreeSet<String> = own.map(|plugin| plugin.name.clone()).collect();
    plugins.retain(|plugin| !own.contains(&plugin.name) || !is_shipped(plugin));
}
