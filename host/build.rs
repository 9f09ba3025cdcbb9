//! Writes lists of the files that `xqute plugin new` makes a project of: the template of each language, its SDK, and the
//! contract. They are part of the executable, so that a project can be made wherever xqute is.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// The constants' names, and the folders in `sdk/`.
const LANGUAGES: [(&str, &str); 3] = [("RUST", "rust"), ("PYTHON", "python"), ("JAVASCRIPT", "javascript")];

/// What lies in an SDK's folder and is no part of the SDK: the contract has its own way, the rest is left over from builds.
const LEFT_OUT: [&str; 7] = [
    "template",
    "tests",
    "wit",
    "build",
    "node_modules",
    "__pycache__",
    ".gitignore",
];

/// What crates of the SDK inherit from the workspace of this one.
const INHERITED: [&str; 3] = [
    "[workspace.package]",
    "[workspace.lints.rust]",
    "[workspace.lints.clippy]",
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?)
        .join("..")
        .canonicalize()?;
    let mut code = String::new();
    for (constant, language) in LANGUAGES {
        let sdk = root.join("sdk").join(language);
        let mut files = Vec::new();
        list(&sdk.join("template"), "", &[], &mut files)?;
        list(&sdk, &format!("sdk/{language}"), &LEFT_OUT, &mut files)?;
        list(&root.join("wit"), &format!("sdk/{language}/wit"), &[], &mut files)?;
        if language == "rust" {
            let place = PathBuf::from(env::var("OUT_DIR")?).join("sdk-workspace.toml");
            fs::write(&place, workspace_of_sdk(&fs::read_to_string(root.join("Cargo.toml"))?))?;
            println!("cargo::rerun-if-changed={}", root.join("Cargo.toml").display());
            files.push(("sdk/Cargo.toml".to_owned(), place));
        }
        files.sort();
        writeln!(code, "const {constant}: &[File] = &[")?;
        for (name, file) in files {
            writeln!(code, "    ({name:?}, include_str!({:?})),", file.display().to_string())?;
        }
        writeln!(code, "];")?;
    }
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("templates.rs"), code)?;
    Ok(())
}

/// All files of a folder and where they go, but for those in folders of these names.
fn list(folder: &Path, to: &str, left_out: &[&str], files: &mut Vec<(String, PathBuf)>) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if left_out.contains(&name.as_str()) || name.ends_with(".egg-info") {
            continue;
        }
        let to = if to.is_empty() { name } else { format!("{to}/{name}") };
        if path.is_dir() {
            list(&path, &to, left_out, files)?;
        } else {
            files.push((to, path));
        }
    }
    Ok(())
}

/// A workspace around the crates of the SDK, with what they inherit from ours.
fn workspace_of_sdk(ours: &str) -> String {
    let mut text = "[workspace]\nresolver = \"3\"\nmembers = [\"rust\", \"rust/macros\"]\n\n\
                    [workspace.dependencies]\nxqute-plugin-macros = { path = \"rust/macros\" }\n"
        .to_owned();
    for header in INHERITED {
        let lines = ours.lines().skip_while(|line| *line != header);
        for line in lines.take_while(|line| !line.is_empty()) {
            text.push('\n');
            text.push_str(line);
        }
        text.push('\n');
    }
    text
}
