//! The plugins that are not written in Rust: built from source by `xqute plugin build`, as their authors would. Each language
//! has a workshop in `target/languages`, a project that `xqute plugin new` makes; what pip and npm install there is found by
//! all plugins that are copied into it, and so installed once.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Context as _, Result, anyhow, bail};

use crate::{
    build::{digest, is_noted, note},
    program::{is_installed, program, read, run},
    project::{self, Project},
};

/// A language, as far as building goes.
struct Language {
    /// As `--lang` takes it, and as its folder in `sdk/` is called.
    name: &'static str,
    /// What tells its projects from others.
    manifest: &'static str,
    /// What it takes.
    programs: &'static [&'static str],
}

const LANGUAGES: [Language; 2] = [
    Language {
        name: "python",
        manifest: "pyproject.toml",
        programs: &["python3"],
    },
    Language {
        name: "javascript",
        manifest: "package.json",
        programs: &["node", "npm"],
    },
];

/// Ends of names of what building and testing leave behind.
const LEFT_OVER: [&str; 4] = ["__pycache__", "node_modules", "package-lock.json", ".wasm"];

/// Installs the programs that it takes. As root, on Debian.
pub(crate) fn install(project: &Project) -> Result<()> {
    run(program("bash").arg(project.root.join("tests/services/languages.sh")))
}

/// Builds what is not up to date. Where a language's programs are missing its plugins are left out, aloud, and so are their
/// tests; not where `CI` is `true`.
pub(crate) fn all() -> Result<()> {
    let project = Project::find()?;
    thread::scope(|scope| {
        let project = &project;
        let builds = LANGUAGES.map(|language| scope.spawn(move || build(project, &language)));
        builds
            .into_iter()
            .try_for_each(|build| build.join().map_err(|_| anyhow!("a build panicked"))?)
    })
}

fn build(project: &Project, language: &Language) -> Result<()> {
    let folders = folders(project, language)?;
    if let Some(missing) = language.programs.iter().find(|program| !is_installed(program)) {
        let text = format!("{missing} is not installed: plugins in {} are not built", language.name);
        if std::env::var("CI").is_ok_and(|ci| ci == "true") {
            bail!("{text}; tests/services/languages.sh installs it");
        }
        println!("\nxtask: {text}, and every test that needs one will be SKIPPED and says so.\n");
        return Ok(());
    }
    let sdk = format!("sdk/{}", language.name);
    let sdk = ["wit", &sdk, "sdk/build/src", "host/build.rs"].map(str::to_owned);
    let sdk = digest(project, &sdk)?;
    let workshop = Workshop {
        project,
        folder: project.target.join("languages").join(language.name),
    };
    workshop.prepare(language, &sdk)?;
    for folder in folders {
        workshop.build(&folder, &sdk)?;
    }
    Ok(())
}

/// The plugins in a language.
fn folders(project: &Project, language: &Language) -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for parent in ["plugins", "tests/languages"] {
        let parent = project.root.join(parent);
        for entry in fs::read_dir(&parent).with_context(|| format!("cannot read {}", parent.display()))? {
            folders.push(entry?.path());
        }
    }
    folders.retain(|folder| folder.join(language.manifest).exists());
    folders.sort();
    Ok(folders)
}

/// What a plugin is made of, without what is left over where somebody built it in its place.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = project::files_below(folder)?;
    files.retain(|file| {
        let parts = file.strip_prefix(folder).into_iter().flatten();
        let mut parts = parts.map(|part| part.to_string_lossy());
        !parts.any(|part| part.starts_with('.') || LEFT_OVER.iter().any(|end| part.ends_with(end)))
    });
    Ok(files)
}

/// A project whose environment others use.
struct Workshop<'a> {
    project: &'a Project,
    folder: PathBuf,
}

impl Workshop<'_> {
    /// Makes it anew if the SDK has changed.
    fn prepare(&self, language: &Language, sdk: &str) -> Result<()> {
        let done = self.folder.with_extension("inputs");
        if is_noted(&done, sdk) {
            return Ok(());
        }
        project::remove(&self.folder)?;
        let mut new = self.xqute("new");
        run(new.arg(&self.folder).args(["--lang", language.name]))?;
        run(self.xqute("build").arg(&self.folder))?;
        note(&done, sdk)
    }

    fn build(&self, source: &Path, sdk: &str) -> Result<()> {
        let name = source.file_name().context("a plugin's folder has a name")?;
        let files = sources(source)?;
        let short: Vec<String> = files.iter().map(|file| self.project.short(file).to_string()).collect();
        let inputs = sdk.to_owned() + &digest(self.project, &short)?;
        let plugin = self.project.plugins().join(name).with_extension("wasm");
        let done = plugin.with_extension("inputs");
        if plugin.exists() && is_noted(&done, &inputs) {
            println!("xtask: {} is up to date", self.project.short(&plugin));
            return Ok(());
        }
        let copy = self.folder.join(name);
        project::empty(&copy)?;
        for file in files {
            let place = copy.join(file.strip_prefix(source)?);
            fs::create_dir_all(place.parent().unwrap_or(&copy))?;
            fs::copy(&file, &place).with_context(|| format!("cannot copy {}", file.display()))?;
        }
        let mut build = self.xqute("build");
        build.arg(&copy).arg("--output").arg(&plugin);
        print!("xtask: {}", String::from_utf8_lossy(&read(&mut build)?));
        note(&done, &inputs)
    }

    /// `xqute plugin ...`, with what it downloads kept for the tests.
    fn xqute(&self, command: &str) -> std::process::Command {
        let mut xqute = program(self.project.xqute());
        xqute.args(["plugin", command]);
        for (variable, name) in [("PIP_CACHE_DIR", "pip"), ("npm_config_cache", "npm")] {
            xqute.env(variable, self.project.target.join("languages/downloads").join(name));
        }
        xqute
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_has_examples() {
        let project = Project::find().unwrap();
        for language in LANGUAGES {
            let folders = folders(&project, &language).unwrap();
            let hello = format!("plugins/hello-{}", language.name);
            assert!(folders.contains(&project.root.join(hello)), "{folders:?}");
        }
    }
}
