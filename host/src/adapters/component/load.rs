//! From a plugin file to a plugin whose name, wishes and rights are known.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    bundled::Bundled,
    describe::{self, Description},
    engine::Engine,
    error::{LoadError, Problem, StartError},
    file,
    instance::{Instance, Program, stem},
    limits::{LimitOverrides, Limits, Pace},
    plugins::{LoadOptions, PluginSettings, PluginSource},
    rights::{self, Grant, Right},
    state::Identity,
};

/// A plugin file that was compiled.
pub(super) struct Compiled {
    source: PluginSource,
    digest: String,
    program: Program,
}

/// A plugin that can be started.
pub(super) struct Loaded {
    pub(super) path: PathBuf,
    pub(super) digest: String,
    pub(super) program: Program,
    pub(super) description: Description,
    pub(super) settings: PluginSettings,
    /// Whether it was shipped with this executable and nobody has changed it.
    pub(super) bundled: bool,
    pub(super) effective: Vec<Right>,
}

impl Loaded {
    pub(super) fn name(&self) -> &str {
        &self.description.name
    }

    pub(super) fn limits(&self) -> Limits {
        Limits::new(self.description.limits, self.settings.limits)
    }

    pub(super) fn priority(&self) -> i32 {
        self.settings.priority.unwrap_or(self.description.priority)
    }

    pub(super) fn may(&self, right: &Right) -> bool {
        self.effective.contains(right)
    }

    pub(super) fn asks(&self, right: &Right) -> bool {
        self.description.rights.contains(right)
    }
}

/// Reads and compiles files, several at a time, off the threads that run tasks.
pub(super) async fn compile(
    engine: &Engine,
    sources: Vec<PluginSource>,
    max_file_size: u64,
) -> Result<Vec<Compiled>, LoadError> {
    let start = |source: PluginSource| {
        let (engine, path) = (engine.clone(), source.path.clone());
        (
            path,
            tokio::task::spawn_blocking(move || compile_one(&engine, source, max_file_size)),
        )
    };
    let tasks: Vec<_> = sources.into_iter().map(start).collect();
    let mut compiled = Vec::with_capacity(tasks.len());
    for (file, task) in tasks {
        let one = task
            .await
            .unwrap_or_else(|broken| Err(Problem::Engine(broken.to_string())));
        compiled.push(one.map_err(|problem| LoadError { file, problem })?);
    }
    Ok(compiled)
}

fn compile_one(engine: &Engine, source: PluginSource, max_file_size: u64) -> Result<Compiled, Problem> {
    let file::Bytes { wasm, digest } = file::read(&source.path, max_file_size)?;
    let program = Program::compile(engine, &wasm)?;
    Ok(Compiled {
        source,
        digest,
        program,
    })
}

/// Asks a plugin who it is, and settles what it may do. `None`: the user does not want it.
pub(super) async fn introduce(compiled: Compiled, options: &LoadOptions) -> Result<Option<Loaded>, LoadError> {
    let path = compiled.source.path.clone();
    let failed = |problem| LoadError {
        file: path.clone(),
        problem,
    };
    let Compiled {
        source,
        digest,
        program,
    } = compiled;
    let description = ask(&program, &stem(&path)).await.map_err(failed)?;
    let named = options.named.get(&description.name).cloned().unwrap_or_default();
    let settings = source.settings.over(named);
    if options.disabled.contains(&description.name) || settings.enabled == Some(false) {
        return Ok(None);
    }
    let bundled = is_bundled(options.shipped.folder.as_deref(), &path, &description.name, &digest);
    let given = options.allowed.iter().filter(|allow| allow.plugin == description.name);
    let mut grant = given.fold(settings.grant.clone(), |grant, allow| grant.and(allow.grant.clone()));
    if bundled {
        grant = Grant::All;
    }
    rights::warn(&description.name, &description.rights, &grant);
    Ok(Some(Loaded {
        effective: rights::effective(&description.rights, &grant),
        path,
        digest,
        program,
        description,
        settings,
        bundled,
    }))
}

fn is_bundled(folder: Option<&Path>, file: &Path, name: &str, digest: &str) -> bool {
    let Some(folder) = folder.and_then(|folder| folder.canonicalize().ok()) else {
        return false;
    };
    let parent = file
        .canonicalize()
        .ok()
        .and_then(|file| file.parent().map(Path::to_owned));
    parent.as_deref() == Some(&folder) && Bundled::read(&folder).has(name, digest)
}

/// Calls `describe` in an instance with no rights, which is then dropped.
async fn ask(program: &Program, file_name: &str) -> Result<Description, Problem> {
    let identity = Arc::new(Identity::nobody(file_name));
    let limits = Limits::new(
        LimitOverrides {
            memory_mib: Some(256),
            ..Default::default()
        },
        LimitOverrides::default(),
    );
    let started = Instance::start(program, &identity, limits).await;
    let mut instance = started.map_err(|error| match error {
        StartError::Call(failure) => Problem::Describe(failure),
        other => Problem::Engine(other.to_string()),
    })?;
    let guests = instance.guests();
    let call = instance.call("about.describe", Pace::Describe, guests.about.func_describe(), ());
    let (said,) = call.await.map_err(Problem::Describe)?;
    describe::checked(said, program.shape.interfaces)
}

/// Refuses two plugins of one name.
pub(super) fn check_names(loaded: &[Loaded]) -> Result<(), LoadError> {
    let mut seen = BTreeMap::new();
    for plugin in loaded {
        if let Some(other) = seen.insert(plugin.name(), &plugin.path) {
            let problem = Problem::SameName {
                name: plugin.name().to_owned(),
                other: other.clone(),
            };
            let file = plugin.path.clone();
            return Err(LoadError { file, problem });
        }
    }
    Ok(())
}
