//! What a user says about plugins: flags and xqute.toml, put together.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    path::PathBuf,
};

use super::{discover::Shipped, file};
use crate::adapters::component::{
    engine::default_cache,
    hooks::OnFailure,
    instance::limits::LimitOverrides,
    rights::{Allow, Grant, Right},
    values::shelf::default_file,
};
use crate::model::options::Options;

/// What a user says about one plugin. Nothing here means: as the plugin itself says, or the default.
#[derive(Clone, Debug, Default)]
pub struct PluginSettings {
    /// Whether it takes part.
    pub enabled: Option<bool>,
    /// Its place in the order; higher comes first.
    pub priority: Option<i32>,
    /// Its options.
    pub options: Options,
    /// What it may do, besides what `--allow` says. Where neither says anything, shipped plugins may do what they ask for.
    pub grant: Option<Grant>,
    /// What its failures mean.
    pub on_failure: Option<OnFailure>,
    /// Limits that differ from the plugin's own.
    pub limits: LimitOverrides,
}

impl PluginSettings {
    /// These settings, and where they say nothing, those of `other`.
    pub(super) fn over(self, other: Self) -> Self {
        Self {
            enabled: self.enabled.or(other.enabled),
            priority: self.priority.or(other.priority),
            options: other.options.overridden_by(&self.options),
            grant: match (self.grant, other.grant) {
                (Some(mine), Some(theirs)) => Some(mine.and(theirs)),
                (mine, theirs) => mine.or(theirs),
            },
            on_failure: self.on_failure.or(other.on_failure),
            limits: self.limits.or(other.limits),
        }
    }
}

/// A plugin file, and what is said about it where it is named.
#[derive(Clone, Debug)]
pub struct PluginSource {
    /// The file.
    pub path: PathBuf,
    /// What the user says about it.
    pub settings: PluginSettings,
}

impl From<PathBuf> for PluginSource {
    fn from(path: PathBuf) -> Self {
        let settings = PluginSettings::default();
        Self { path, settings }
    }
}

/// What the lock file says about a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// SHA-256 of the plugin's file, in hexadecimal.
    pub digest: String,
    /// What the plugin may do as long as its file is that one.
    pub rights: Vec<Right>,
}

/// The start of a digest: as much of it as people compare.
pub fn short_digest(digest: &str) -> String {
    digest.chars().take(12).collect()
}

/// What happens to a plugin that is not the one that was locked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Changed {
    /// It is refused.
    #[default]
    Refused,
    /// It is loaded, without the rights of the lock file: somebody wants to look at it.
    Shown,
}

/// How plugins are loaded.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// What the user says about plugins by their names. Shipped plugins with `enabled: Some(true)` are loaded.
    pub named: BTreeMap<String, PluginSettings>,
    /// The values of `--allow`.
    pub allowed: Vec<Allow>,
    /// What the lock file says about plugins by their names.
    pub locks: BTreeMap<String, Lock>,
    /// What happens to those that are not as they were locked.
    pub changed: Changed,
    /// The values of `--disable`.
    pub disabled: BTreeSet<String>,
    /// The scheduler that the run will use: a shipped plugin of that name is loaded, unless another one has it.
    pub scheduler: Option<String>,
    /// What was shipped with the executable.
    pub shipped: Shipped,
    /// Where compiled code is kept. `None`: nowhere.
    pub cache: Option<PathBuf>,
    /// The file in which the values of plugins outlive a run. `None`: they do not.
    pub key_values: Option<PathBuf>,
    /// The most bytes of a plugin file.
    pub max_file_size: u64,
    /// Where programs are looked for.
    pub path: OsString,
    /// New files for what plugins are asked and answer, by their names.
    pub record: BTreeMap<String, PathBuf>,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            named: BTreeMap::new(),
            allowed: Vec::new(),
            locks: BTreeMap::new(),
            changed: Changed::default(),
            disabled: BTreeSet::new(),
            scheduler: None,
            shipped: Shipped::default(),
            cache: default_cache(),
            key_values: default_file(),
            max_file_size: file::MAX_SIZE,
            path: std::env::var_os("PATH").unwrap_or_default(),
            record: BTreeMap::new(),
        }
    }
}
