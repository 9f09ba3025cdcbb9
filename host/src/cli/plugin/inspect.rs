//! `xqute plugin inspect FILE`.

use camino::Utf8Path;
use xqute::adapters::component::plugins::{Changed, Plugins};

use super::{Wanted, cannot_load, page, pick};
use crate::cli::{error::Result, exit::Exit, out};

/// Shows one plugin in full.
pub(super) async fn inspect(wanted: &Wanted<'_>, file: &Utf8Path) -> Result<Exit> {
    let found = wanted.find()?;
    let path = pick(&found, file.as_str())?;
    let mut options = wanted.options(found)?;
    options.changed = Changed::Shown;
    // Who looks at a plugin wants to see it, also when no run would use it.
    options.disabled.clear();
    for settings in options.named.values_mut() {
        settings.enabled = None;
    }
    let plugins = Plugins::load(vec![path.into()], options)
        .await
        .map_err(|error| cannot_load(&error))?;
    for plugin in plugins.list() {
        out::print(&page::page(&page::page_of(&plugin)))?;
    }
    Ok(Exit::Success)
}
