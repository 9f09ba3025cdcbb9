//! A plugin's project: a folder in one of the languages, and the way from there to a component.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Context, Result, bail};

use crate::{Built, Target, Toolchain, build_one, cargo, javascript, python};

/// The languages that there is an SDK for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// A crate, with `Cargo.toml`.
    Rust,
    /// A project with `pyproject.toml` and a module `plugin`.
    Python,
    /// A package with `package.json` and a module `plugin.js` or `plugin.ts`.
    JavaScript,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rust, Self::Python, Self::JavaScript];

    /// The file that says what a project is, and by which its language is known.
    pub const fn manifest(self) -> &'static str {
        match self {
            Self::Rust => "Cargo.toml",
            Self::Python => "pyproject.toml",
            Self::JavaScript => "package.json",
        }
    }

    /// The project's name in the text of its manifest.
    fn name(self, manifest: &str) -> Result<String> {
        let of_table = |table: &str| {
            let manifest: toml::Table = manifest.parse()?;
            let name = manifest.get(table).and_then(|table| table.get("name")?.as_str());
            name.map(str::to_owned)
                .with_context(|| format!("it does not say `name` under [{table}]"))
        };
        match self {
            Self::Rust => of_table("package"),
            Self::Python => of_table("project"),
            Self::JavaScript => {
                let manifest: serde_json::Value = serde_json::from_str(manifest)?;
                let name = manifest.get("name").and_then(serde_json::Value::as_str);
                name.map(str::to_owned).context("it does not say \"name\"")
            }
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "Rust",
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
        })
    }
}

/// The project of one plugin.
#[derive(Clone, Debug)]
pub struct Project {
    /// Where it lies; an absolute path.
    pub folder: PathBuf,
    /// What it is written in.
    pub language: Language,
    /// The plugin's name: the project's, without a scope or `xqute-` in front.
    pub name: String,
}

impl Project {
    /// The project in this folder.
    ///
    /// # Errors
    /// Says what is missing, or cannot be read, and what has to be there.
    pub fn open(folder: &Path) -> Result<Self> {
        let shown = folder.display();
        let folder = folder
            .canonicalize()
            .with_context(|| format!("cannot open the folder {shown}"))?;
        let mut found = Language::ALL
            .into_iter()
            .filter(|language| folder.join(language.manifest()).is_file());
        let Some(language) = found.next() else {
            bail!(
                "{shown} is no plugin's project: there is neither {} in it",
                Language::ALL.map(Language::manifest).join(" nor ")
            );
        };
        if let Some(other) = found.next() {
            let (one, other) = (language.manifest(), other.manifest());
            bail!("{shown} could be built in two languages, as it has both {one} and {other}; take one of them away");
        }
        let manifest = folder.join(language.manifest());
        let text = fs::read_to_string(&manifest).map_err(anyhow::Error::new);
        let name = text
            .and_then(|text| language.name(&text))
            .with_context(|| format!("cannot tell the plugin's name from {}", manifest.display()))?;
        Ok(Self {
            folder,
            language,
            name: plugin_name(&name).to_owned(),
        })
    }

    /// Where the component goes unless another place is named: `NAME.wasm` in the project's folder.
    pub fn component(&self) -> PathBuf {
        self.folder.join(format!("{}.wasm", self.name))
    }

    /// Builds the component. Every step is told, in a line, before it is taken.
    ///
    /// # Errors
    /// Says what went wrong, in the words of the tool that failed, and what to do next.
    pub fn build(&self, out: &Path, tell: &mut dyn FnMut(&str)) -> Result<Built> {
        // The tools run in the project's folder.
        let out = &std::path::absolute(out).with_context(|| format!("cannot write {}", out.display()))?;
        match self.language {
            Language::Rust => {
                cargo::is_installed()?;
                let toolchain = Toolchain::find(Target::Unknown)?;
                tell(&format!("compiling for {} {}", toolchain.target, toolchain.way));
                build_one(&self.folder, &toolchain, out)
            }
            Language::Python => self.check(python::build(&self.folder, out, tell), out),
            Language::JavaScript => self.check(javascript::build(&self.folder, out, tell), out),
        }
    }

    /// What the tools of a language made has to be a plugin.
    fn check(&self, made: Result<()>, out: &Path) -> Result<Built> {
        made?;
        let component = fs::read(out).with_context(|| format!("cannot read what was made, {}", out.display()))?;
        let interfaces = crate::component::interfaces(&component)
            .with_context(|| format!("{} made no plugin of {}", self.language, self.folder.display()))?;
        Ok(Built {
            path: out.to_owned(),
            bytes: u64::try_from(component.len())?,
            interfaces,
        })
    }
}

/// What the SDKs make of a project's name.
fn plugin_name(name: &str) -> &str {
    let unscoped = name.strip_prefix('@').and_then(|scoped| scoped.split_once('/'));
    let name = unscoped.map_or(name, |(_, name)| name);
    name.strip_prefix("xqute-").unwrap_or(name)
}

/// The nearest of these, in the folder or above it.
pub(crate) fn nearest(folder: &Path, place: &str) -> Option<PathBuf> {
    folder
        .ancestors()
        .map(|above| above.join(place))
        .find(|found| found.exists())
}

/// When a file was last written, or the newest file in a folder; `None` if there is none.
pub(crate) fn newest(path: &Path) -> Option<SystemTime> {
    let about = fs::metadata(path).ok()?;
    if !about.is_dir() {
        return about.modified().ok();
    }
    let entries = fs::read_dir(path).ok()?.flatten();
    entries.filter_map(|entry| newest(&entry.path())).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("xqute-build-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn each_language_is_known_by_its_manifest() {
        for (language, text) in [
            (Language::Rust, "[package]\nname = \"xqute-some\""),
            (Language::Python, "[project]\nname = \"xqute-some\""),
            (Language::JavaScript, "{\"name\": \"@me/xqute-some\"}"),
        ] {
            let folder = folder(&format!("{language}"), &[(language.manifest(), text)]);
            let project = Project::open(&folder).unwrap();
            assert_eq!((project.language, project.name.as_str()), (language, "some"));
            assert_eq!(project.component(), folder.canonicalize().unwrap().join("some.wasm"));
            fs::remove_dir_all(folder).unwrap();
        }
    }

    #[test]
    fn a_folder_that_is_no_project_is_told() {
        let trouble = |name: &str, files: &[(&str, &str)]| {
            let folder = folder(name, files);
            let error = format!("{:#}", Project::open(&folder).unwrap_err());
            fs::remove_dir_all(folder).unwrap();
            error
        };
        let none = trouble("none", &[]);
        assert!(
            none.contains("neither Cargo.toml nor pyproject.toml nor package.json"),
            "{none}"
        );
        let both = trouble("both", &[("Cargo.toml", ""), ("package.json", "")]);
        assert!(both.contains("both Cargo.toml and package.json"), "{both}");
        let unnamed = trouble("unnamed", &[("pyproject.toml", "[project]")]);
        assert!(unnamed.contains("does not say `name` under [project]"), "{unnamed}");
        let broken = trouble("broken", &[("package.json", "{")]);
        assert!(broken.contains("cannot tell the plugin's name from"), "{broken}");
    }
}
