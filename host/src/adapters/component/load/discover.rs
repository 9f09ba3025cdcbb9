//! Finds plugin files: `*.wasm` in the plugin folders.
//!
//! Looked at, in this order: `--plugin-dir`, `XQUTE_PLUGIN_DIR` (several folders, separated as in PATH), and
//! `xqute/plugins` in the user's data folder. Whatever lies there takes part in each run, unless it is disabled.
//!
//! The folder `plugins` beside the executable is different: it is shipped with xqute, and nobody asked for what is in it.
//! Its plugins are used only when named: by `-s NAME`, `--plugin NAME`, or `enabled = true` in xqute.toml. There a file's
//! name without `.wasm` is the plugin's name, so that a run which names none of them reads none of them.

use std::{
    collections::{BTreeMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
};

use crate::adapters::{
    component::contract::{Interface, peek},
    private::user_folder,
};

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The files of the user's plugin folders, in order.
    pub files: Vec<PathBuf>,
    /// What was shipped with the executable.
    pub shipped: Shipped,
}

/// Plugins that were shipped with the executable.
#[derive(Clone, Debug, Default)]
pub struct Shipped {
    /// The folder beside the executable, if there is one.
    pub folder: Option<PathBuf>,
    /// Its plugins by name.
    pub files: BTreeMap<String, PathBuf>,
}

/// A plugin folder or file that was asked for and is not there.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// A folder that the user named.
    #[error("plugin folder {}: {source}; {from} names it", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Who named it.
        from: &'static str,
        /// What the operating system says.
        source: io::Error,
    },
    /// A plugin that the user named.
    #[error("there is no plugin file `{argument}`{}", shipped(names))]
    NoPlugin {
        /// What the user named.
        argument: String,
        /// The plugins that could be named without a path.
        names: Vec<String>,
    },
}

fn shipped(names: &[String]) -> String {
    if names.is_empty() {
        return ", and no plugin was shipped with this xqute".to_owned();
    }
    format!(", and no shipped plugin of that name; there are {}", names.join(", "))
}

/// Looks through all plugin folders; those of `--plugin-dir` come first.
///
/// # Errors
/// When a folder that the user named cannot be read. Default folders need not exist.
pub fn find(plugin_dirs: &[PathBuf]) -> Result<Found, DiscoverError> {
    let from_environment = std::env::var_os("XQUTE_PLUGIN_DIR").unwrap_or_default();
    let from_environment: Vec<_> = std::env::split_paths(&from_environment)
        .filter(|folder| !folder.as_os_str().is_empty())
        .collect();
    let mut found = Found::default();
    for (folders, from) in [
        (plugin_dirs, "--plugin-dir or xqute.toml"),
        (&from_environment[..], "XQUTE_PLUGIN_DIR"),
    ] {
        for folder in folders {
            let listed = list(folder).map_err(|source| DiscoverError::Folder {
                folder: folder.clone(),
                from,
                source,
            })?;
            found.files.extend(listed);
        }
    }
    if let Some(folder) = user_folder("XDG_DATA_HOME", ".local/share") {
        found.files.extend(list(&folder.join("plugins")).unwrap_or_default());
    }
    found.shipped = Shipped::beside_executable();
    Ok(found)
}

impl Found {
    /// The file that `--plugin` names: a path, or the name of a shipped plugin.
    ///
    /// # Errors
    /// When it is neither.
    pub fn pick(&self, argument: &str) -> Result<PathBuf, DiscoverError> {
        let path = Path::new(argument);
        if path.exists() {
            return Ok(path.to_owned());
        }
        self.shipped
            .files
            .get(argument)
            .cloned()
            .ok_or_else(|| DiscoverError::NoPlugin {
                argument: argument.to_owned(),
                names: self.shipped.files.keys().cloned().collect(),
            })
    }
}

impl Shipped {
    fn beside_executable() -> Self {
        let executable = std::env::current_exe().and_then(fs::canonicalize).ok();
        match executable.as_deref().and_then(Path::parent) {
            Some(folder) => Self::in_folder(&folder.join("plugins")),
            None => Self::default(),
        }
    }

    /// The plugins of a folder that is trusted as the executable itself is.
    pub fn in_folder(folder: &Path) -> Self {
        let Ok(files) = list(folder) else {
            return Self::default();
        };
        let by_name = |file: PathBuf| (crate::adapters::component::instance::stem(&file), file);
        Self {
            folder: Some(folder.to_owned()),
            files: files.into_iter().map(by_name).collect(),
        }
    }

    /// Whether a file lies in the folder that was shipped with the executable.
    pub(super) fn has(&self, file: &Path) -> bool {
        let folder = self.folder.as_ref().and_then(|folder| folder.canonicalize().ok());
        let file = file.canonicalize().ok();
        let parent = file.as_deref().and_then(Path::parent);
        parent.is_some() && parent == folder.as_deref()
    }

    /// Takes shipped plugins out where there is another file of that name: the user's own beats the shipped one. `told` is
    /// a plugin's name and file.
    pub fn step_back<T>(&self, plugins: &mut Vec<T>, told: impl Fn(&T) -> (&str, &Path)) {
        let own = plugins.iter().map(&told).filter(|(_, file)| !self.has(file));
        let own: HashSet<String> = own.map(|(name, _)| name.to_owned()).collect();
        plugins.retain(|plugin| {
            let (name, file) = told(plugin);
            !own.contains(name) || !self.has(file)
        });
    }

    /// The names of those that bring a scheduler. A file that cannot be read brings none.
    pub(crate) fn schedulers(&self) -> Vec<String> {
        let brings = |file: &Path| {
            let read = super::file::open(file, super::file::MAX_SIZE, None).and_then(|mut file| file.bytes());
            read.is_ok_and(|wasm| peek::exports(&wasm, Interface::Scheduler))
        };
        let files = self.files.iter().filter(|(_, file)| brings(file));
        files.map(|(name, _)| name.clone()).collect()
    }
}

/// The component files of a folder, sorted.
fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "wasm") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_listed_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.wasm", "a.wasm", "readme.txt"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = find(&[folder.path().to_owned()]).unwrap();
        let names: Vec<_> = found
            .files
            .iter()
            .map(|file| crate::adapters::component::instance::stem(file))
            .collect();
        assert!(names.starts_with(&["a".to_owned(), "b".to_owned()]), "{names:?}");
    }

    #[test]
    fn a_folder_that_was_named_must_exist() {
        let error = find(&["/no/such/folder".into()]).unwrap_err();
        insta::assert_snapshot!(error, @"plugin folder /no/such/folder: No such file or directory (os error 2); --plugin-dir or xqute.toml names it");
    }

    #[test]
    fn a_shipped_plugin_is_picked_by_name() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("slurm.wasm"), "").unwrap();
        let shipped = Shipped::in_folder(folder.path());
        let found = Found { files: vec![], shipped };
        assert_eq!(found.pick("slurm").unwrap(), folder.path().join("slurm.wasm"));
        insta::assert_snapshot!(found.pick("slrm").unwrap_err(), @"there is no plugin file `slrm`, and no shipped plugin of that name; there are slurm");
    }

    #[test]
    fn a_shipped_plugin_steps_back_whichever_path_names_it() {
        let (folder, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let shipped_file = folder.path().join("slurm.wasm");
        fs::write(&shipped_file, "").unwrap();
        let own_file = own.path().join("mine.wasm");
        fs::write(&own_file, "").unwrap();
        let alias = own.path().join("alias");
        std::os::unix::fs::symlink(folder.path(), &alias).unwrap();
        let shipped = Shipped::in_folder(folder.path());
        let left = |files: &[(&str, &Path)]| {
            let mut plugins: Vec<(String, PathBuf)> = files
                .iter()
                .map(|(name, file)| ((*name).to_owned(), (*file).to_owned()))
                .collect();
            shipped.step_back(&mut plugins, |(name, file)| (name, file));
            plugins.into_iter().map(|(_, file)| file).collect::<Vec<_>>()
        };
        let by_alias = alias.join("slurm.wasm");
        assert_eq!(
            left(&[("slurm", &by_alias), ("slurm", &own_file)]),
            [own_file.as_path()]
        );
        let others = [("slurm", by_alias.as_path()), ("mine", &own_file)];
        assert_eq!(left(&others), [by_alias.as_path(), &own_file]);
    }
}
