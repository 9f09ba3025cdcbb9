//! Plugins for the command line: finding and loading them as flags and file say, `plugin list` and `plugin inspect`. Knows
//! the component host; how things look is in `plugin_page`.

use std::{collections::BTreeSet, path::PathBuf};

use camino::Utf8Path;
use xqute::adapters::component::{
    discover::{self, Found, Shipped},
    error::LoadError,
    limits::LimitOverrides,
    plugins::{LoadOptions, PluginInfo, PluginSettings, PluginSource, Plugins},
};

use super::{
    args::Global,
    config::{Config, PluginConfig},
    error::{Failure, Result},
    exit::Exit,
    fields::nearest,
    out,
    plugin_page::{self, OptionLine, PluginPage},
    screen::Screen,
};

/// What flags and file say about plugins.
pub(super) struct Wanted<'a> {
    pub(super) global: &'a Global,
    pub(super) config: &'a Config,
    /// Relative paths are relative to this folder.
    pub(super) here: &'a Utf8Path,
}

impl Wanted<'_> {
    /// Loads what a run with this scheduler needs.
    pub(super) async fn load(&self, scheduler: &str) -> Result<Plugins> {
        let found = self.find()?;
        let sources = self.sources(&found)?;
        let mut options = self.options(found);
        options.scheduler = Some(scheduler.to_owned());
        let plugins = Plugins::load(sources, options)
            .await
            .map_err(|error| cannot_load(&error))?;
        self.check_names(&plugins.known_names())?;
        Ok(plugins)
    }

    /// Refuses flags about plugins that are not there. The file may serve other runs too, so there it is a warning.
    fn check_names(&self, found: &BTreeSet<String>) -> Result<()> {
        let in_file = &self.config.plugins;
        // What the file gives a path is known, even where a flag keeps it from being read.
        let disabled = in_file
            .iter()
            .filter(|(name, plugin)| plugin.path.is_some() && self.is_disabled(name));
        let mut known: BTreeSet<&str> = found.iter().map(String::as_str).collect();
        known.extend(disabled.map(|(name, _)| name.as_str()));
        let allowed = self.global.allow.iter().map(|allow| ("--allow", &allow.plugin));
        let disabled = self.global.disable.iter().map(|name| ("--disable", name));
        for (flag, name) in allowed.chain(disabled) {
            if !known.contains(name.as_str()) {
                return Err(no_such_plugin(flag, name, &known));
            }
        }
        for (name, plugin) in in_file {
            if plugin.enabled != Some(false) && !known.contains(name.as_str()) {
                let near = nearest(name, known.iter().copied()).map(|near| format!("; did you mean `{near}`?"));
                let near = near.unwrap_or_default();
                tracing::warn!(
                    "[plugins.{name}] in xqute.toml changes nothing: this run finds no plugin of that name{near}"
                );
            }
        }
        Ok(())
    }

    fn find(&self) -> Result<Found> {
        let named = self.global.plugin_dir.iter().chain(&self.config.plugin_dir);
        let folders: Vec<PathBuf> = named.map(|folder| self.here.join(folder).into()).collect();
        discover::find(&folders).map_err(|error| Failure::new(Exit::Plugin, error))
    }

    /// The files that were named, then those in plugin folders.
    fn sources(&self, found: &Found) -> Result<Vec<PluginSource>> {
        let mut paths: Vec<PathBuf> = Vec::new();
        for named in &self.global.plugin {
            paths.push(pick(found, named.as_str())?);
        }
        for (name, plugin) in &self.config.plugins {
            if let (Some(path), false) = (&plugin.path, self.is_disabled(name)) {
                paths.push(pick(found, path.as_str())?);
            }
        }
        paths.extend(found.files.iter().cloned());
        let mut sources: Vec<PluginSource> = Vec::new();
        for path in paths {
            if sources.iter().all(|source| source.path != path) {
                sources.push(path.into());
            }
        }
        Ok(sources)
    }

    fn is_disabled(&self, name: &str) -> bool {
        let in_file = self.config.plugins.get(name).and_then(|plugin| plugin.enabled);
        in_file == Some(false) || self.global.disable.iter().any(|disabled| disabled == name)
    }

    fn options(&self, found: Found) -> LoadOptions {
        let named = self.config.plugins.iter();
        LoadOptions {
            named: named.map(|(name, plugin)| (name.clone(), settings(plugin))).collect(),
            allowed: self.global.allow.clone(),
            disabled: self.global.disable.iter().cloned().collect(),
            shipped: found.shipped,
            ..LoadOptions::default()
        }
    }
}

/// `xqute plugin list`: also shows what came with xqute and takes no part unless it is named. A plugin that cannot be
/// loaded hides none of the others.
pub(super) async fn list(wanted: &Wanted<'_>, screen: &Screen) -> Result<Exit> {
    let found = wanted.find()?;
    let mut sources = wanted.sources(&found)?;
    for path in found.shipped.files.values() {
        if sources.iter().all(|source| source.path != *path) {
            sources.push(path.clone().into());
        }
    }
    let mut options = wanted.options(found);
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
    let pages: Vec<PluginPage> = plugins.iter().map(page).collect();
    out::print(&plugin_page::table(&pages))?;
    Ok(exit)
}

/// Leaves out what came with xqute where a run would use another file of that name.
fn step_back(plugins: &mut Vec<PluginInfo>, shipped: &Shipped) {
    let is_shipped = |plugin: &PluginInfo| shipped.files.values().any(|file| *file == plugin.path);
    let own = plugins.iter().filter(|plugin| !is_shipped(plugin));
    let own: BTreeSet<String> = own.map(|plugin| plugin.name.clone()).collect();
    plugins.retain(|plugin| !own.contains(&plugin.name) || !is_shipped(plugin));
}

/// `xqute plugin inspect FILE`.
pub(super) async fn inspect(wanted: &Wanted<'_>, file: &Utf8Path) -> Result<Exit> {
    let found = wanted.find()?;
    let path = pick(&found, file.as_str())?;
    let mut options = wanted.options(found);
    // Who looks at a plugin wants to see it, also when no run would use it.
    options.disabled.clear();
    for settings in options.named.values_mut() {
        settings.enabled = None;
    }
    let plugins = Plugins::load(vec![path.into()], options)
        .await
        .map_err(|error| cannot_load(&error))?;
    for plugin in plugins.list() {
        out::print(&plugin_page::page(&page(&plugin)))?;
    }
    Ok(Exit::Success)
}

fn pick(found: &Found, named: &str) -> Result<PathBuf> {
    found.pick(named).map_err(|error| Failure::new(Exit::Plugin, error))
}

fn no_such_plugin(flag: &str, name: &str, known: &BTreeSet<&str>) -> Failure {
    let mut failure = Failure::usage(format!(
        "`{flag}` names the plugin `{name}`, but there is none of that name"
    ));
    if let Some(near) = nearest(name, known.iter().copied()) {
        failure = failure.help(format!("did you mean `{near}`?"));
    }
    if known.is_empty() {
        return failure.help("no plugins were found; name one with --plugin, or a folder of them with --plugin-dir");
    }
    let known: Vec<&str> = known.iter().copied().collect();
    failure.help(format!("known are {}", known.join(", ")))
}

fn cannot_load(error: &LoadError) -> Failure {
    // The message has its cause in it already; shown as a chain, it would be said twice.
    Failure::new(Exit::Plugin, anyhow::Error::msg(error.to_string()))
}

fn settings(plugin: &PluginConfig) -> PluginSettings {
    PluginSettings {
        enabled: plugin.enabled,
        priority: plugin.priority,
        options: plugin
            .options
            .iter()
            .map(|(name, value)| (name, value.clone()))
            .collect(),
        grant: plugin.allow.clone(),
        on_failure: plugin.on_failure,
        limits: LimitOverrides {
            memory_mib: plugin.limits.memory_mib,
            call: plugin
                .limits
                .call_ms
                .map(|millis| std::time::Duration::from_millis(millis.into())),
            instances: plugin.limits.instances,
        },
    }
}

fn page(info: &PluginInfo) -> PluginPage {
    let options = info.options.iter().map(|option| OptionLine {
        name: option.name.clone(),
        summary: option.summary.clone(),
        default: option.default.clone(),
        repeatable: option.repeatable,
    });
    let granted = |right| info.effective.contains(right);
    PluginPage {
        name: info.name.clone(),
        version: info.version.clone(),
        summary: info.summary.clone(),
        path: info.path.display().to_string(),
        digest: info.digest.clone(),
        size: std::fs::metadata(&info.path).map(|data| data.len()).unwrap_or(0),
        interfaces: info.interfaces.iter().map(|interface| interface.to_string()).collect(),
        hooks: info.hooks.iter().map(|hook| hook.name().to_owned()).collect(),
        rights: info.asked.iter().map(|right| (right.clone(), granted(right))).collect(),
        options: options.collect(),
        priority: info.priority,
    }
}
