//! Builds the hostile plugins, which only tests use: all examples of one package, at once, and again when anything that
//! they are made of has changed.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result};
use xqute_build::{Examples, Target, Toolchain};

use crate::{build, project::Project};

/// The package, by its folder.
const FOLDER: &str = "tests/hostile/guests";
const PACKAGE: &str = "xqute-hostile";

/// Builds those that are not up to date, which are all or none.
pub(crate) fn build() -> Result<()> {
    let project = Project::find()?;
    let out = project.plugins().join("hostile");
    let made_of: Vec<String> = build::COMMON.into_iter().chain([FOLDER]).map(str::to_owned).collect();
    let digest = build::digest(&project, &made_of)?;
    let note = out.with_extension("inputs");
    let names = names(&project)?;
    let is_there = |name: &String| out.join(name).with_extension("wasm").exists();
    if names.iter().all(is_there) && build::is_noted(&note, &digest) {
        println!("xtask: {} hostile plugins are up to date", names.len());
        return Ok(());
    }
    let (with_wasi, without): (Vec<String>, Vec<String>) =
        names.into_iter().partition(|name| name.starts_with(build::WITH_WASI));
    for (target, names) in [(Target::Unknown, without), (Target::Wasip2, with_wasi)] {
        let toolchain = Toolchain::find(target)?;
        println!(
            "xtask: building {} hostile plugins for {target} {}",
            names.len(),
            toolchain.way
        );
        let examples = Examples {
            package: PACKAGE,
            feature: "guests",
            profile: "hostile",
            names: &names,
        };
        xqute_build::build_examples(&project.root, &toolchain, examples, &out)?;
    }
    build::note(&note, &digest)
}

/// Their names, which are those of their files.
fn names(project: &Project) -> Result<Vec<String>> {
    let folder = project.root.join(FOLDER).join("examples");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let files: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    let names = files
        .iter()
        .filter(|file| file.extension().is_some_and(|end| end == "rs"));
    let names = names.filter_map(|file| Some(file.file_stem()?.to_string_lossy().into_owned()));
    let mut names: Vec<String> = names.collect();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_is_an_example_of_the_package() {
        let project = Project::find().unwrap();
        let manifest = fs::read_to_string(project.root.join(FOLDER).join("Cargo.toml")).unwrap();
        let listed: Vec<&str> = manifest
            .split("[[example]]\nname = \"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert_eq!(names(&project).unwrap(), listed);
    }
}
