//! `xqute plugin new DIR --lang LANGUAGE`: unpacks a project. What is in it is chosen when xqute is built, see `build.rs` of
//! this crate; this file knows where it goes and what it may be called.

use std::{fs, io};

use camino::{Utf8Path, Utf8PathBuf};
use xqute::{adapters::component::rights::is_name, builder::LOCAL};

use crate::cli::{
    args::plugin::Lang,
    error::{Failure, Result},
    exit::Exit,
    out,
};

/// Where a file goes in the project, and its text.
type File = (&'static str, &'static str);

// `RUST`, `PYTHON` and `JAVASCRIPT`.
include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// What the templates call the plugin.
const PLACEHOLDER: &str = "plugin-name";

/// The SDK is unpacked here, as it is.
const SDK: &str = "sdk/";

/// Makes the project, and says what to do with it.
pub(super) fn new(dir: &Utf8Path, lang: Lang, here: &Utf8Path) -> Result<Exit> {
    let folder = here.join(dir);
    // The folder may have been named as `.`.
    let folder = folder.canonicalize_utf8().unwrap_or(folder);
    let name = plugin_name(&folder)?;
    is_free(&folder, dir)?;
    let files = match lang {
        Lang::Rust => RUST,
        Lang::Python => PYTHON,
        Lang::Javascript => JAVASCRIPT,
    };
    for (place, text) in files {
        let mine = !place.starts_with(SDK);
        let text = if mine {
            text.replace(PLACEHOLDER, name)
        } else {
            (*text).to_owned()
        };
        write(&folder.join(place), &text)?;
    }
    let typed = shlex::try_quote(dir.as_str()).map_or_else(|_| dir.as_str().into(), std::borrow::Cow::into_owned);
    out::print(&format!(
        "made the plugin `{name}` in {dir}; its README.md says what is where\nnext:\n  \
         xqute plugin build {typed}\n  xqute plugin test {typed}\n"
    ))?;
    Ok(Exit::Success)
}

fn plugin_name(folder: &Utf8Path) -> Result<&str> {
    let name = folder.file_name().unwrap_or_default();
    if is_name(name) && name != LOCAL {
        return Ok(name);
    }
    let better: Utf8PathBuf = folder.with_file_name(suggestion(name));
    let failure = Failure::usage(format!(
        "a plugin is called as its folder, and `{name}` cannot be the name of one; a name is 1 to 32 of a-z, 0-9, `-`, `_`, \
         starting with a letter, and not `{LOCAL}`"
    ));
    Err(failure.help(format!("try {better}")))
}

/// A name that a plugin can have, as near as possible to one that it cannot have.
fn suggestion(name: &str) -> String {
    let plain = name.chars().map(|char| match char.to_ascii_lowercase() {
        char if char.is_ascii_alphanumeric() || char == '_' => char,
        _ => '-',
    });
    let plain: String = plain.skip_while(|char| !char.is_ascii_lowercase()).take(32).collect();
    match plain.trim_end_matches('-') {
        "" => "my-plugin".to_owned(),
        LOCAL => format!("my-{LOCAL}"),
        plain => plain.to_owned(),
    }
}

fn is_free(folder: &Utf8Path, dir: &Utf8Path) -> Result<()> {
    match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure::usage(format!("the folder {dir} is not empty"))
            .help("name a folder that is not there yet; it is made, and the plugin is called as it is")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => {
            let error = anyhow::Error::new(error).context(format!("cannot make a project in {dir}"));
            Err(Failure::new(Exit::Usage, error).help("name a folder that is not there yet, or is empty"))
        }
    }
}

fn write(file: &Utf8Path, text: &str) -> Result<()> {
    let folder = file.parent().unwrap_or(file);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(file, text))
        .map_err(|error| {
            Failure::new(
                Exit::Usage,
                anyhow::Error::new(error).context(format!("cannot write {file}")),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_project_has_a_manifest_a_test_a_readme_and_the_contract() {
        for (files, manifest, language) in [
            (RUST, "Cargo.toml", "rust"),
            (PYTHON, "pyproject.toml", "python"),
            (JAVASCRIPT, "package.json", "javascript"),
        ] {
            let has = |name: &str| files.iter().any(|(place, _)| *place == name);
            assert!(has(manifest) && has("README.md") && has(".gitignore"), "{language}");
            assert!(has(&format!("sdk/{language}/wit/world.wit")), "{language}");
            assert!(has(&format!("sdk/{language}/{manifest}")), "{language}");
            assert!(
                files
                    .iter()
                    .any(|(place, _)| !place.starts_with(SDK) && place.contains("test")),
                "{language}"
            );
            let places: Vec<&str> = files.iter().map(|(place, _)| *place).collect();
            assert!(
                !places
                    .iter()
                    .any(|place| place.contains("__pycache__") || place.contains("node_modules"))
            );
            let of_manifest = files.iter().find(|(place, _)| *place == manifest).unwrap().1;
            assert!(of_manifest.contains(&format!("xqute-{PLACEHOLDER}")), "{of_manifest}");
        }
    }

    #[test]
    fn names_are_suggested() {
        for (bad, better) in [
            ("My Plugin", "my-plugin"),
            ("2fast", "fast"),
            ("local", "my-local"),
            ("été", "t"),
            ("", "my-plugin"),
            ("a.b-", "a-b"),
        ] {
            assert_eq!(suggestion(bad), better);
            assert!(is_name(&suggestion(bad)));
        }
        let long = suggestion(&"x".repeat(40));
        assert_eq!(long.len(), 32);
    }
}
