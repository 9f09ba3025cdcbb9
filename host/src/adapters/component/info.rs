//! What there is to know about a plugin that is loaded.

use std::{path::PathBuf, sync::Arc};

use super::{
    contract::Interfaces,
    load::{Loaded, Locked, describe::OptionInfo},
    rights::Right,
};
use crate::{model::hook::HookSet, ports::scheduler::Preferences};

/// What there is to know about a plugin.
#[derive(Clone, Debug)]
pub struct PluginInfo {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// One line about it.
    pub summary: String,
    /// Its file.
    pub path: PathBuf,
    /// SHA-256 of the file, in hexadecimal.
    pub digest: String,
    /// Its size in bytes.
    pub size: u64,
    /// Whether it was shipped with this executable, unchanged.
    pub bundled: bool,
    /// How its file and the lock file agree.
    pub locked: Locked,
    /// What it wants to do.
    pub asked: Vec<Right>,
    /// What it may do.
    pub effective: Vec<Right>,
    /// Where it is called.
    pub hooks: HookSet,
    /// What it exports besides `about`.
    pub interfaces: Interfaces,
    /// The names of what it imports.
    pub imports: Arc<[String]>,
    /// The options it understands.
    pub options: Vec<OptionInfo>,
    /// Its place in the order.
    pub priority: i32,
    /// How it wants to be called, if it brings a scheduler.
    pub preferences: Preferences,
    /// How many calls to its scheduler may go on at once.
    pub instances: u32,
    /// How many programs and requests it may start in a second.
    pub max_rate: Option<u32>,
    /// How many of them may go on at once.
    pub max_in_flight: Option<u32>,
}

impl PluginInfo {
    pub(super) fn of(plugin: &Loaded) -> Self {
        let (description, limits) = (&plugin.description, plugin.limits());
        Self {
            name: description.name.clone(),
            version: description.version.clone(),
            summary: description.summary.clone(),
            path: plugin.path.clone(),
            digest: plugin.digest.clone(),
            size: plugin.size,
            bundled: plugin.bundled,
            locked: plugin.locked,
            asked: description.rights.clone(),
            effective: plugin.effective.clone(),
            hooks: description.hooks,
            interfaces: plugin.program.shape.interfaces,
            imports: Arc::clone(&plugin.program.imports),
            options: description.options.clone(),
            priority: plugin.priority(),
            preferences: description.preferences,
            instances: limits.instances,
            max_rate: limits.max_rate,
            max_in_flight: limits.max_in_flight,
        }
    }
}
