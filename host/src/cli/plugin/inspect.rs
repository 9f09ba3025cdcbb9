//! `xqute plugin inspect FILE`.

use camino::Utf8Path;

use super::{Wanted, cannot_load, page};
use crate::cli::{error::Result, exit::Exit, out};

/// Shows one plugin in full.
pub(super) async fn inspect(wanted: &Wanted<'_>, file: &Utf8Path) -> Result<Exit> {
    let plugins = wanted.one(file, &[]).await?.map_err(|error| cannot_load(&error))?;
    for plugin in plugins.list() {
        out::print(&page::page(&page::page_of(&plugin)))?;
    }
    Ok(Exit::Success)
}
