//! `xqute plugin list`.

use std::{collections::BTreeSet, path::Path};

use xqute::adapters::component::plugins::{Changed, PluginSource, Plugins};

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
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let named: BTreeSet<_> = sources.iter().map(|source| real(&source.path)).collect();
    let shipped = found.shipped.files.values();
    let others = shipped.filter(|path| !named.contains(&real(path)));
    sources.extend(others.cloned().map(PluginSource::from));
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
    options
        .shipped
        .step_back(&mut plugins, |plugin| (&plugin.name, &plugin.path));
    let pages: Vec<PluginPage> = plugins.iter().map(page::page_of).collect();
    out::print(&page::table(&pages))?;
    Ok(exit)
}
