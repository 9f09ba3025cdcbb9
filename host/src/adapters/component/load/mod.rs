//! From a plugin file to a plugin whose name, wishes and rights are known.
//!
//! [`discover`] looks for files, `file` reads one, [`describe`] checks what the plugin says of itself, `bundled` knows what was
//! shipped, `settings` is what the user wants; `gather` decides which plugins take part.

pub(super) mod bundled;
pub mod describe;
pub mod discover;
pub(super) mod file;
pub(super) mod gather;
pub(super) mod settings;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use self::{
    bundled::Bundled,
    describe::Description,
    discover::Shipped,
    settings::{Changed, LoadOptions, PluginSettings, PluginSource, short_digest},
};
use super::{
    engine::Engine,
    error::{LoadError, Problem, StartError},
    instance::{
        Instance, Program,
        limits::{LimitOverrides, Limits, Pace},
        state::Identity,
        stem,
    },
    rights::{self, Grant, Right},
};

/// A plugin file that was compiled.
pub(super) struct Compiled {
    source: PluginSource,
    digest: String,
    size: u64,
    program: Program,
}

/// A plugin that can be started.
pub(super) struct Loaded {
    pub(super) path: PathBuf,
    pub(super) digest: String,
    /// In bytes.
    pub(super) size: u64,
    pub(super) program: Program,
    pub(super) description: Description,
    pub(super) settings: PluginSettings,
    /// Whether it was shipped with this executable and nobody has changed it.
    pub(super) bundled: bool,
    pub(super) locked: Locked,
    /// What the user granted; nothing, if the user did not say.
    given: Vec<Grant>,
    pub(super) effective: Vec<Right>,
}

/// How a plugin's file and the lock file agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locked {
    /// The lock file does not name it.
    No,
    /// It is the file that was locked.
    Yes,
    /// It is another file than the one that was locked.
    Changed,
}

/// What became of a plugin that said who it is.
pub(super) enum Introduced {
    /// It takes part.
    Wanted(Box<Loaded>),
    /// The user does not want this one.
    LeftOut(String),
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

    /// What it asks for and may not do, or not in full.
    pub(super) fn lacking(&self) -> Vec<Right> {
        let asked = self.description.rights.iter();
        asked.filter(|right| !self.may(right)).cloned().collect()
    }

    /// Says loudly what was granted in vain.
    pub(super) fn warn(&self) {
        rights::warn(self.name(), &self.description.rights, &self.given);
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
    let mut file = file::open(&source.path, max_file_size, engine.cache())?;
    let component = engine.component(&mut file, &stem(&source.path))?;
    let program = Program::new(engine, &component)?;
    Ok(Compiled {
        source,
        size: file.size(),
        digest: file.into_digest(),
        program,
    })
}

/// Asks a plugin who it is, and settles what it may do.
pub(super) async fn introduce(compiled: Compiled, options: &LoadOptions) -> Result<Introduced, LoadError> {
    let path = compiled.source.path.clone();
    let failed = |problem| LoadError {
        file: path.clone(),
        problem,
    };
    let Compiled {
        source,
        digest,
        size,
        program,
    } = compiled;
    let description = ask(&program, &stem(&path)).await.map_err(failed)?;
    let named = options.named.get(&description.name).cloned().unwrap_or_default();
    let settings = source.settings.over(named);
    if options.disabled.contains(&description.name) || settings.enabled == Some(false) {
        return Ok(Introduced::LeftOut(description.name));
    }
    let bundled = is_bundled(&options.shipped, &path, &description.name, &digest);
    let locked = locked(options, &description.name, &digest).map_err(failed)?;
    let lock = match locked {
        Locked::Yes => options.locks.get(&description.name),
        Locked::No | Locked::Changed => None,
    };
    let lock = lock.map(|lock| Grant::Only(lock.rights.clone()));
    let flags = options.allowed.iter().filter(|allow| allow.plugin == description.name);
    let flags = flags.map(|allow| allow.grant.clone());
    let given: Vec<Grant> = settings.grant.clone().into_iter().chain(flags).chain(lock).collect();
    Ok(Introduced::Wanted(Box::new(Loaded {
        effective: rights::effective(&description.rights, &together(&given, bundled)),
        given,
        path,
        digest,
        size,
        program,
        description,
        settings,
        bundled,
        locked,
    })))
}

fn locked(options: &LoadOptions, name: &str, digest: &str) -> Result<Locked, Problem> {
    match options.locks.get(name) {
        None => Ok(Locked::No),
        Some(lock) if lock.digest == digest => Ok(Locked::Yes),
        Some(_) if options.changed == Changed::Shown => Ok(Locked::Changed),
        Some(lock) => Err(Problem::Changed {
            name: name.to_owned(),
            then: short_digest(&lock.digest),
            now: short_digest(digest),
        }),
    }
}

/// All grants together. What came with xqute may do what it asks for, unless the user says how much of it.
fn together(given: &[Grant], bundled: bool) -> Grant {
    let said = given.iter().cloned().reduce(Grant::and);
    said.unwrap_or(if bundled { Grant::All } else { Grant::default() })
}

fn is_bundled(shipped: &Shipped, file: &Path, name: &str, digest: &str) -> bool {
    let Some(folder) = &shipped.folder else {
        return false;
    };
    shipped.has(file) && Bundled::read(folder).has(name, digest)
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
