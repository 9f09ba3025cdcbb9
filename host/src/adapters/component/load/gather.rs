//! Which plugins take part: each file once, nothing that is disabled, and what was shipped only where no other plugin has
//! its name. How one of them is loaded is in `load`.

use std::{
    collections::{BTreeSet, HashSet},
    path::PathBuf,
};

use super::{
    Introduced, Loaded,
    settings::{LoadOptions, PluginSource},
};
use crate::adapters::component::{
    engine::Engine,
    error::{LoadError, Problem},
    instance::stem,
    load,
};

/// What became of plugin files.
#[derive(Default)]
pub(crate) struct Gathered {
    pub(crate) loaded: Vec<Loaded>,
    /// The names of plugins that the user does not want.
    pub(crate) left_out: BTreeSet<String>,
}

/// Loads all plugins that are wanted.
pub(crate) async fn gather(sources: Vec<PluginSource>, options: &LoadOptions) -> Result<Gathered, LoadError> {
    let mut all = Gathered::default();
    let mut engine = None;
    let sources = all.wanted(sources, options);
    all.add(&mut engine, sources, options).await?;
    if let Some(file) = all.missing_scheduler(options) {
        all.add(&mut engine, vec![file.into()], options).await?;
    }
    options
        .shipped
        .step_back(&mut all.loaded, |plugin| (plugin.name(), &plugin.path));
    load::check_names(&all.loaded)?;
    Ok(all)
}

impl Gathered {
    /// Each file once, and shipped plugins that were enabled by name, but nothing that is disabled.
    fn wanted(&mut self, sources: Vec<PluginSource>, options: &LoadOptions) -> Vec<PluginSource> {
        let enabled = options
            .named
            .iter()
            .filter(|(_, settings)| settings.enabled == Some(true));
        let shipped = enabled
            .filter_map(|(name, _)| options.shipped.files.get(name))
            .cloned()
            .map(PluginSource::from);
        let mut seen = HashSet::new();
        let mut wanted = Vec::new();
        for source in sources.into_iter().chain(shipped) {
            let name = stem(&source.path);
            if source.settings.enabled == Some(false) || options.disabled.contains(&name) {
                self.left_out.insert(name);
            } else if seen.insert(source.path.canonicalize().unwrap_or_else(|_| source.path.clone())) {
                wanted.push(source);
            }
        }
        wanted
    }

    /// The shipped plugin that has the name of the run's scheduler, unless another one has it.
    fn missing_scheduler(&self, options: &LoadOptions) -> Option<PathBuf> {
        let name = options.scheduler.as_deref()?;
        if self.loaded.iter().any(|plugin| plugin.name() == name) {
            return None;
        }
        options.shipped.files.get(name).cloned()
    }

    /// Loads plugins with one engine, which is made when it is needed first.
    async fn add(
        &mut self,
        engine: &mut Option<Engine>,
        sources: Vec<PluginSource>,
        options: &LoadOptions,
    ) -> Result<(), LoadError> {
        let Some(first) = sources.first() else {
            return Ok(());
        };
        let engine = match engine {
            Some(engine) => engine,
            None => engine.insert(Engine::new(options.cache.as_deref()).map_err(|error| LoadError {
                file: first.path.clone(),
                problem: Problem::Engine(format!("{error:#}")),
            })?),
        };
        for compiled in load::compile(engine, sources, options.max_file_size).await? {
            match load::introduce(compiled, options).await? {
                Introduced::Wanted(plugin) => self.loaded.push(*plugin),
                Introduced::LeftOut(name) => drop(self.left_out.insert(name)),
            }
        }
        Ok(())
    }
}
