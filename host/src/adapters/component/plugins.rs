//! The face of this folder: loads plugins, tells about them, and starts them for a run.
//!
//! Loading compiles each file (or takes the code from the cache) and calls `describe`, nothing else. A plugin that brings
//! only a scheduler which a run does not use is not called again. Without plugins, not even an engine exists.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    path::PathBuf,
    sync::Arc,
};

pub use super::info::PluginInfo;
pub use super::load::{
    Locked,
    settings::{Changed, LoadOptions, Lock, PluginSettings, PluginSource, short_digest},
};
use super::{
    contract::{Interface, schema},
    error::{LoadError, NoScheduler, StartError},
    flags::flags,
    hooks::{self, ComponentHooks, Lifecycle, observer::Stride},
    instance::{
        health::{Counted, Health},
        pool::Pool,
        rehearsal::Rehearsal,
        state::{Identity, RunContext, Stage},
    },
    load::{
        Loaded,
        describe::hooks_through,
        discover::Shipped,
        gather::{self, Gathered},
    },
    recording::{Recorder, Title},
    rights::{NoFolder, Right, Rights},
    scheduler::{self, ComponentScheduler},
    values::{Values, shelf::Shelf},
};
use crate::{
    adapters::clock::Clock,
    model::{
        access::Reach,
        hook::{Hook, HookSet},
        options::Options,
        run::Run,
    },
    ports::jobs::Jobs,
};

/// What takes part in a run.
pub struct Started {
    /// All lifecycle plugins, if there are any.
    pub hooks: Option<Arc<ComponentHooks>>,
    /// The scheduler, if a plugin brings it.
    pub scheduler: Option<Arc<ComponentScheduler>>,
    values: Vec<Arc<Values>>,
}

impl Started {
    /// Sees to it that what plugins stored is there for other runs. To be called when the run is over.
    pub async fn keep_values(&self) {
        let values = self.values.clone();
        // When it breaks down, it has said so.
        let _ = tokio::task::spawn_blocking(move || values.iter().for_each(|values| values.flush())).await;
    }
}

/// Plugins that are loaded and enabled.
#[derive(Default)]
pub struct Plugins {
    /// In the order in which they are called.
    loaded: Vec<Loaded>,
    /// The names of plugins that the user does not want.
    left_out: BTreeSet<String>,
    shipped: Shipped,
    path: OsString,
    /// Where the calls of plugins are written down.
    record: BTreeMap<String, PathBuf>,
    /// Where the values of plugins outlive a run.
    shelf: Option<Arc<Shelf>>,
}

impl Plugins {
    /// Compiles plugins and asks each who it is.
    ///
    /// # Errors
    /// When one of them cannot be used, or two have the same name.
    pub async fn load(sources: Vec<PluginSource>, options: LoadOptions) -> Result<Self, LoadError> {
        let Gathered { mut loaded, left_out } = gather::gather(sources, &options).await?;
        loaded.iter().for_each(Loaded::warn);
        loaded.sort_by(|a, b| b.priority().cmp(&a.priority()).then_with(|| a.name().cmp(b.name())));
        let LoadOptions {
            path,
            shipped,
            record,
            key_values,
            ..
        } = options;
        Ok(Self {
            loaded,
            left_out,
            shipped,
            path,
            record,
            shelf: key_values.map(|file| Arc::new(Shelf::at(file))),
        })
    }

    /// What there is to know about each plugin, in the order in which they are called.
    pub fn list(&self) -> Vec<PluginInfo> {
        self.loaded.iter().map(PluginInfo::of).collect()
    }

    /// The programs that a plugin may start, and where each was found on PATH.
    pub fn programs(&self, name: &str) -> Vec<(String, Option<PathBuf>)> {
        let plugin = self.loaded.iter().find(|plugin| plugin.name() == name);
        let rights = plugin.and_then(|plugin| self.rights(plugin).ok());
        rights.map(Rights::into_programs).unwrap_or_default()
    }

    /// What a scheduler can do for jobs whose workdir is in a store.
    pub fn reach(&self, scheduler: &str) -> Reach {
        let plugin = self.loaded.iter().find(|plugin| plugin.name() == scheduler);
        plugin
            .map(|plugin| plugin.description.reach.clone())
            .unwrap_or_default()
    }

    /// The names of schedulers that plugins bring.
    pub fn scheduler_names(&self) -> Vec<String> {
        let schedulers = self
            .loaded
            .iter()
            .filter(|plugin| exports(plugin, Interface::Scheduler));
        schedulers.map(|plugin| plugin.name().to_owned()).collect()
    }

    /// All names by which a user may speak of plugins: of those that take part, were left out, or were shipped.
    pub fn known_names(&self) -> BTreeSet<String> {
        let loaded = self.loaded.iter().map(|plugin| plugin.name().to_owned());
        let shipped = self.shipped.files.keys().cloned();
        loaded.chain(self.left_out.iter().cloned()).chain(shipped).collect()
    }

    /// Lets the plugins take part in a run. `scheduler` names the one that is used, unless it is the native one.
    ///
    /// # Errors
    /// When an option is unknown or refused, or a right is missing without which a plugin makes no sense.
    pub async fn start(
        &self,
        run: Arc<Run>,
        jobs: Arc<dyn Jobs>,
        clock: Clock,
        scheduler: Option<&str>,
    ) -> Result<Started, StartError> {
        self.start_in(
            Place {
                run,
                jobs,
                clock,
                rehearsal: None,
            },
            scheduler,
        )
        .await
    }

    /// Lets them take part in a dry run: they are told that it is one, and whatever they want to start is only noted.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub async fn rehearse(
        &self,
        run: Arc<Run>,
        jobs: Arc<dyn Jobs>,
        clock: Clock,
        scheduler: Option<&str>,
    ) -> Result<(Started, Arc<Rehearsal>), StartError> {
        let noted = Arc::new(Rehearsal::default());
        let rehearsal = Some(Arc::clone(&noted));
        let started = self
            .start_in(
                Place {
                    run,
                    jobs,
                    clock,
                    rehearsal,
                },
                scheduler,
            )
            .await?;
        Ok((started, noted))
    }

    async fn start_in(&self, place: Place, scheduler: Option<&str>) -> Result<Started, StartError> {
        let chosen = scheduler
            .filter(|name| *name != "local")
            .map(|name| self.scheduler(name))
            .transpose()?;
        let mut lifecycle = Vec::new();
        let mut scheduling = None;
        let mut values = Vec::new();
        for plugin in &self.loaded {
            let is_chosen = chosen.is_some_and(|chosen| chosen.name() == plugin.name());
            if !is_chosen && called_at(plugin) == HookSet::default() {
                continue;
            }
            check_rights(plugin, is_chosen)?;
            let identity = Arc::new(self.identity(plugin, place.for_one(options_of(plugin, &place.run, is_chosen)))?);
            values.push(Arc::clone(&identity.values));
            if called_at(plugin) != HookSet::default() {
                lifecycle.push(as_lifecycle(plugin, &identity));
            }
            if is_chosen {
                scheduling = Some(as_scheduler(plugin, identity, &place.run));
            }
        }
        if let Some(scheduler) = &scheduling {
            scheduler.open().await?;
        }
        Ok(Started {
            hooks: (!lifecycle.is_empty()).then(|| Arc::new(ComponentHooks::new(lifecycle))),
            scheduler: scheduling.map(Arc::new),
            values,
        })
    }

    pub(super) fn first(&self) -> Option<&Loaded> {
        self.loaded.first()
    }

    /// What a plugin may do, its programs being found.
    ///
    /// # Errors
    /// When a folder cannot be opened.
    fn rights(&self, plugin: &Loaded) -> Result<Rights, StartError> {
        let rights = Rights::resolve(&plugin.description.rights, &plugin.effective, &self.path);
        rights.map_err(|NoFolder { folder, why }| StartError::Folder {
            plugin: plugin.name().to_owned(),
            folder: folder.to_string(),
            why: why.to_string(),
        })
    }

    fn scheduler(&self, name: &str) -> Result<&Loaded, StartError> {
        let mut schedulers = self
            .loaded
            .iter()
            .filter(|plugin| exports(plugin, Interface::Scheduler));
        schedulers
            .find(|plugin| plugin.name() == name)
            .ok_or_else(|| self.no_scheduler(name))
    }

    fn no_scheduler(&self, name: &str) -> StartError {
        let why = if self.left_out.contains(name) {
            NoScheduler::Disabled
        } else if self.known_names().contains(name) {
            NoScheduler::OtherPlugin
        } else {
            NoScheduler::Unknown
        };
        let mut plugins: BTreeSet<String> = self.scheduler_names().into_iter().collect();
        // Where another plugin has its name, or it is disabled, a shipped one could not be used.
        let is_loaded = |name: &String| self.loaded.iter().any(|plugin| plugin.name() == name);
        let shipped = self.shipped.schedulers().into_iter();
        plugins.extend(shipped.filter(|name| !is_loaded(name) && !self.left_out.contains(name)));
        StartError::UnknownScheduler {
            name: name.to_owned(),
            why,
            known: std::iter::once("local".to_owned()).chain(plugins).collect(),
        }
    }

    /// The plugin as its instances share it, its options being checked.
    pub(super) fn identity(&self, plugin: &Loaded, context: RunContext) -> Result<Identity, StartError> {
        schema::check(plugin.name(), &plugin.description.options, &context.options)?;
        let (lacking, is_dry) = (plugin.lacking(), context.rehearsal.is_some());
        let (rights, stage) = (self.rights(plugin)?, Stage::Running(context));
        Ok(Identity {
            values: Arc::new(Values::new(plugin.name(), self.shelf.clone().filter(|_| !is_dry))),
            recorder: self.recorder(plugin)?,
            rights: if is_dry { rights.without_effects() } else { rights },
            ..Identity::new(plugin.name(), Rights::default(), lacking, plugin.limits(), stage)
        })
    }

    fn recorder(&self, plugin: &Loaded) -> Result<Option<Arc<Recorder>>, StartError> {
        let Some(file) = self.record.get(plugin.name()) else {
            return Ok(None);
        };
        let title = Title::new(plugin.name(), &plugin.description.version);
        let recorder = Recorder::create(file, &title).map_err(|source| StartError::Recording {
            plugin: plugin.name().to_owned(),
            file: file.clone(),
            why: source.to_string(),
        })?;
        Ok(Some(Arc::new(recorder)))
    }
}

/// The run that plugins are started for.
struct Place {
    run: Arc<Run>,
    jobs: Arc<dyn Jobs>,
    clock: Clock,
    rehearsal: Option<Arc<Rehearsal>>,
}

impl Place {
    fn for_one(&self, options: Options) -> RunContext {
        RunContext {
            run: Arc::clone(&self.run),
            jobs: Arc::clone(&self.jobs),
            clock: self.clock,
            options,
            rehearsal: self.rehearsal.clone(),
        }
    }
}

fn exports(plugin: &Loaded, interface: Interface) -> bool {
    plugin.program.shape.interfaces.contains(interface)
}

fn through(plugin: &Loaded, interface: Interface) -> HookSet {
    hooks_through(plugin.description.hooks, plugin.program.shape.interfaces, interface)
}

/// All hooks at which a plugin is really called.
fn called_at(plugin: &Loaded) -> HookSet {
    let all = [Interface::Observer, Interface::Gatekeeper, Interface::Snippets];
    all.into_iter()
        .map(|interface| through(plugin, interface))
        .fold(HookSet::default(), HookSet::union)
}

/// A plugin that would put bash into scripts but may not is an error now, instead of one for each job later.
fn check_rights(plugin: &Loaded, is_scheduler: bool) -> Result<(), StartError> {
    let gives_bash = through(plugin, Interface::Snippets)
        .iter()
        .any(|hook| matches!(hook, Hook::JobcmdInit | Hook::JobcmdPrep | Hook::JobcmdEnd));
    let changes_scripts = gives_bash || (is_scheduler && plugin.asks(&Right::Script));
    let lacking = plugin.lacking();
    let flags = flags(plugin.name(), &lacking).join(" ");
    if changes_scripts && !plugin.may(&Right::Script) {
        return Err(StartError::RightMissing {
            plugin: plugin.name().to_owned(),
            right: "put bash or directives into job scripts",
            flags,
        });
    }
    if !lacking.is_empty() {
        let rights: Vec<_> = lacking.iter().map(|right| format!("`{right}`")).collect();
        tracing::info!(
            plugin = plugin.name(),
            "may not {}; `{flags}` would allow it",
            rights.join(", ")
        );
    }
    Ok(())
}

/// A scheduler gets the options of the run, over those that were given to the plugin.
fn options_of(plugin: &Loaded, run: &Run, is_scheduler: bool) -> Options {
    let own = &plugin.settings.options;
    if is_scheduler {
        own.overridden_by(&run.settings.options)
    } else {
        own.clone()
    }
}

fn as_lifecycle(plugin: &Loaded, identity: &Arc<Identity>) -> Lifecycle {
    let pool = || Pool::new(plugin.program.clone(), Arc::clone(identity), plugin.limits(), 1);
    Lifecycle {
        observed: through(plugin, Interface::Observer),
        gated: through(plugin, Interface::Gatekeeper),
        scripted: through(plugin, Interface::Snippets),
        observer: pool(),
        stride: Stride::default(),
        gate: pool(),
        on_failure: plugin.settings.on_failure.unwrap_or_default(),
        health: Health::new(hooks::MOST_FAILURES, Counted::All),
    }
}

fn as_scheduler(plugin: &Loaded, identity: Arc<Identity>, run: &Run) -> ComponentScheduler {
    let limits = plugin.limits();
    ComponentScheduler {
        pool: Pool::new(plugin.program.clone(), identity, limits, limits.instances),
        options: options_of(plugin, run, true),
        known: plugin.description.options.clone(),
        wraps: plugin.asks(&Right::Script),
        preferences: plugin.description.preferences,
        health: Health::new(scheduler::MOST_FAILURES, Counted::ItsOwn),
    }
}
