//! Plugins for the command line: this file finds and loads them as flags and file say; beside it is one file for each
//! command about plugins, and how plugins are shown ([`page`]).

use std::{collections::BTreeSet, path::PathBuf};

use camino::{Utf8Path, Utf8PathBuf};
use xqute::adapters::component::{
    error::LoadError,
    load::discover::{self, Found},
    plugins::{Changed, LoadOptions, PluginSettings, PluginSource, Plugins},
};

use super::{
    args::{Global, plugin::PluginAction},
    config::{Config, PluginConfig},
    error::{Failure, Result},
    exit::Exit,
    fields::nearest,
    screen::Screen,
};

mod build;
mod check;
mod inspect;
mod list;
mod lock;
mod new;
mod page;
mod run_hook;
mod test;
mod verdicts;

/// Does what a command about plugins asks for.
pub(super) async fn act(action: PluginAction, wanted: &Wanted<'_>, screen: &Screen) -> Result<Exit> {
    match action {
        PluginAction::List => list::list(wanted, screen).await,
        PluginAction::Inspect(file) => inspect::inspect(wanted, &file).await,
        PluginAction::New(dir, lang) => new::new(&dir, lang, wanted.here),
        PluginAction::Build { dir, output } => build::build(&dir, output.as_deref(), wanted.here, screen),
        PluginAction::Check(file) => check::check(wanted, &file).await,
        PluginAction::Test(args) => test::test(wanted, &args).await,
        PluginAction::RunHook(args) => run_hook::run_hook(wanted, &args).await,
        PluginAction::Lock(plugins) => lock::lock(wanted, &plugins).await,
    }
}

/// What flags and file say about plugins.
pub(super) struct Wanted<'a> {
    pub(super) global: &'a Global,
    pub(super) config: &'a Config,
    /// Relative paths are relative to this folder.
    pub(super) here: &'a Utf8Path,
}

impl Wanted<'_> {
    /// Loads what a run with this scheduler needs.
    pub(super) async fn load(&self, scheduler: &str, record: &[(String, Utf8PathBuf)]) -> Result<Plugins> {
        let found = self.find()?;
        let sources = self.sources(&found)?;
        let mut options = self.options(found)?;
        options.scheduler = Some(scheduler.to_owned());
        let recorded = record.iter();
        options.record = recorded
            .map(|(name, file)| (name.clone(), self.here.join(file).into()))
            .collect();
        let plugins = Plugins::load(sources, options)
            .await
            .map_err(|error| cannot_load(&error))?;
        self.check_names(&plugins.known_names())?;
        let known = plugins.known_names();
        if let Some((name, _)) = record.iter().find(|(name, _)| !known.contains(name)) {
            return Err(no_such_plugin(
                "--record",
                name,
                &known.iter().map(String::as_str).collect(),
            ));
        }
        Ok(plugins)
    }

    /// Loads one plugin with more options, also one that no run here would use.
    async fn one(&self, file: &Utf8Path, more: &[(String, String)]) -> Result<std::result::Result<Plugins, LoadError>> {
        let found = self.find()?;
        let path = pick(&found, file.as_str())?;
        let mut options = alone(self.options(found)?);
        options.changed = Changed::Shown;
        let mut source = PluginSource::from(path);
        for (name, value) in more {
            source.settings.options.push(name, value.clone());
        }
        Ok(Plugins::load(vec![source], options).await)
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

    fn options(&self, found: Found) -> Result<LoadOptions> {
        let named = self.config.plugins.iter();
        Ok(LoadOptions {
            locks: self.config.lock.read()?,
            named: named.map(|(name, plugin)| (name.clone(), settings(plugin))).collect(),
            allowed: self.global.allow.clone(),
            disabled: self.global.disable.iter().cloned().collect(),
            shipped: found.shipped,
            ..LoadOptions::default()
        })
    }
}

/// Options for one plugin that was named: who names it means it, also when no run would use it.
fn alone(mut options: LoadOptions) -> LoadOptions {
    options.disabled.clear();
    options.scheduler = None;
    for settings in options.named.values_mut() {
        settings.enabled = None;
    }
    options
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
        limits: plugin.limits.into(),
    }
}
