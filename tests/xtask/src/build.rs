//! `cargo xtask build`: the command and all plugins in Rust, from source. What a plugin was built from is remembered beside it as
//! a digest, so it is built again exactly when something that it is made of changed.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};
use xqute_build::{Guest, Target, Toolchain};

use crate::{
    program,
    project::{self, Project},
};

/// What every plugin is made of, beside its own folder.
pub(crate) const COMMON: [&str; 5] = ["Cargo.toml", "Cargo.lock", "wit", "sdk/rust", "sdk/build"];

/// The plugins that come with the command, by their folders in `plugins/`. They are trusted, so nothing joins them by lying
/// beside them.
const BUNDLED: [&str; 7] = ["container", "gbatch", "hello", "journal", "sge", "slurm", "ssh"];

/// What the folders of plugins that need WASI start with; the others are built without.
pub(crate) const WITH_WASI: &str = "wasi_";

/// Builds everything that is not up to date, but for the hostile plugins: those are for tests.
pub(crate) fn all() -> Result<()> {
    let project = Project::find()?;
    // The whole workspace with its tests, although only the command is needed here: cargo chooses the features of shared
    // dependencies by what is built together, and so a test run afterwards finds wasmtime built already.
    let everything = ["build", "--release", "--workspace", "--all-targets"];
    program::run(program::cargo().current_dir(&project.root).args(everything))?;
    let sources = sources(&project)?;
    let (with_wasi, without): (Vec<&Source>, Vec<&Source>) =
        sources.iter().partition(|source| source.name.starts_with(WITH_WASI));
    build(&project, Target::Unknown, &without)?;
    build(&project, Target::Wasip2, &with_wasi)?;
    bundle(&project, &sources)
}

/// The source of a plugin.
struct Source {
    /// The name of its folder.
    name: String,
    /// The name of its package.
    package: String,
    /// Whether it comes with the command.
    bundled: bool,
    /// Of all that it is made of.
    digest: String,
}

impl Source {
    fn plugin(&self, project: &Project) -> PathBuf {
        project.plugin(&self.name)
    }

    /// The file that says what the plugin was made of.
    fn note(&self, project: &Project) -> PathBuf {
        self.plugin(project).with_extension("inputs")
    }

    fn is_up_to_date(&self, project: &Project) -> bool {
        self.plugin(project).exists() && is_noted(&self.note(project), &self.digest)
    }
}

/// The plugins in `plugins/` and `tests/guests/`.
fn sources(project: &Project) -> Result<Vec<Source>> {
    let common = common(project)?;
    let mut sources = Vec::new();
    for (parent, may_be_bundled) in [("plugins", true), ("tests/guests", false)] {
        let parent = project.root.join(parent);
        let mut folders: Vec<PathBuf> = fs::read_dir(&parent)
            .with_context(|| format!("cannot read {}", parent.display()))?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<_>>()?;
        folders.retain(|folder| folder.join("Cargo.toml").exists());
        folders.sort();
        for folder in folders {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let mut digest = common.clone();
            add(&mut digest, project, &folder)?;
            sources.push(Source {
                package: package(&folder)?,
                bundled: may_be_bundled && BUNDLED.contains(&name.as_str()),
                name,
                digest: hex(digest),
            });
        }
    }
    Ok(sources)
}

fn common(project: &Project) -> Result<Sha256> {
    let mut digest = Sha256::new();
    for path in COMMON {
        add(&mut digest, project, &project.root.join(path))?;
    }
    Ok(digest)
}

/// A digest of these files and folders, which are relative to the project's.
pub(crate) fn digest(project: &Project, paths: &[String]) -> Result<String> {
    let mut digest = Sha256::new();
    for path in paths {
        add(&mut digest, project, &project.root.join(path))?;
    }
    Ok(hex(digest))
}

/// Whether a file notes just this digest.
pub(crate) fn is_noted(file: &Path, digest: &str) -> bool {
    fs::read_to_string(file).is_ok_and(|text| text == digest)
}

/// Notes what something was made of.
pub(crate) fn note(file: &Path, digest: &str) -> Result<()> {
    fs::write(file, digest).with_context(|| format!("cannot write {}", file.display()))
}

/// The name in a package's manifest, which by a habit of this project is the first `name` in it.
fn package(folder: &Path) -> Result<String> {
    let manifest = folder.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).with_context(|| format!("cannot read {}", manifest.display()))?;
    text.lines()
        .find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
        .map(str::to_owned)
        .with_context(|| format!("{} has no line `name = \"...\"`", manifest.display()))
}

/// Adds a file, or all files of a folder, with their names.
fn add(digest: &mut Sha256, project: &Project, path: &Path) -> Result<()> {
    let files = if path.is_dir() {
        project::files_below(path)?
    } else {
        vec![path.to_owned()]
    };
    for file in files {
        let bytes = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        digest.update(format!("{}\0{}\0", project.short(&file), bytes.len()));
        digest.update(bytes);
    }
    Ok(())
}

fn hex(digest: Sha256) -> String {
    digest.finalize().iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// Builds those that are not up to date, all at once.
fn build(project: &Project, target: Target, sources: &[&Source]) -> Result<()> {
    let old: Vec<&Source> = sources
        .iter()
        .copied()
        .filter(|source| !source.is_up_to_date(project))
        .collect();
    println!(
        "xtask: {} of {} plugins for {target} are up to date",
        sources.len() - old.len(),
        sources.len()
    );
    if old.is_empty() {
        return Ok(());
    }
    let toolchain = Toolchain::find(target)?;
    let names: Vec<&str> = old.iter().map(|source| source.name.as_str()).collect();
    println!("xtask: building {} {}", names.join(", "), toolchain.way);
    let guest = |source: &&Source| Guest {
        package: source.package.clone(),
        out: source.plugin(project),
    };
    let built = xqute_build::build(&project.root, &toolchain, &old.iter().map(guest).collect::<Vec<_>>())?;
    for (built, source) in built.iter().zip(old) {
        println!(
            "xtask: {} ({} KB)",
            project.short(&built.path),
            built.bytes.div_ceil(1024)
        );
        note(&source.note(project), &source.digest)?;
    }
    Ok(())
}

/// Puts the bundled plugins beside the command, with a list of their digests: these may do all that they ask for.
fn bundle(project: &Project, sources: &[Source]) -> Result<()> {
    let folder = project.bundled();
    project::empty(&folder)?;
    let mut list = "# Plugins that came with the xqute beside this folder.\n".to_owned();
    let mut count = 0;
    for source in sources.iter().filter(|source| source.bundled) {
        let plugin = source.plugin(project);
        let bytes = fs::read(&plugin).with_context(|| format!("cannot read {}", plugin.display()))?;
        fs::write(folder.join(&source.name).with_extension("wasm"), &bytes)?;
        let digest = hex(Sha256::new_with_prefix(&bytes));
        let name = source.package.strip_prefix("xqute-").unwrap_or(&source.package);
        write!(list, "\n[[plugin]]\nname = \"{name}\"\nsha256 = \"{digest}\"\n")?;
        count += 1;
    }
    fs::write(folder.join("bundled.toml"), list)?;
    println!(
        "xtask: {} and {count} plugins in {}",
        project.short(&project.xqute()),
        project.short(&folder)
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_with_the_command_is_there_and_no_guest_of_the_tests() {
        let sources = sources(&Project::find().unwrap()).unwrap();
        let bundled: Vec<_> = sources.iter().filter(|source| source.bundled).collect();
        let names: Vec<_> = bundled.iter().map(|source| source.name.as_str()).collect();
        assert_eq!(names, BUNDLED);
    }
}
