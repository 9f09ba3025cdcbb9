//! Runs cargo for plugins and finds the modules that it made.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

use crate::{
    Examples, Toolchain,
    program::{program, read, read_installed, run, shown},
};

/// The profile of plugins, for workspaces that do not have one: small, a panic is a trap, and functions keep their names.
const PROFILE: [&str; 6] = [
    r#"profile.plugin.inherits="release""#,
    r#"profile.plugin.opt-level="s""#,
    "profile.plugin.lto=true",
    "profile.plugin.codegen-units=1",
    r#"profile.plugin.panic="abort""#,
    r#"profile.plugin.strip="debuginfo""#,
];

const RUST: &str = "install Rust 1.95 or newer with rustup";

/// The cargo in use: the one that runs this, or else that on PATH.
pub(crate) fn cargo() -> Command {
    program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Says it if there is no cargo.
pub(crate) fn is_installed() -> Result<()> {
    read_installed(cargo().arg("--version"), RUST).map(|_| ())
}

/// Compiles packages of the workspace around `folder`; one module for each, in the same order.
pub(crate) fn build(folder: &Path, toolchain: &Toolchain, packages: &[&str]) -> Result<Vec<PathBuf>> {
    let workspace = Workspace::around(folder)?;
    let manifests: Vec<&str> = packages
        .iter()
        .map(|name| workspace.manifest(name))
        .collect::<Result<_>>()?;
    let selected: Vec<&str> = packages.iter().flat_map(|package| ["--package", package]).collect();
    let mut made = compile(folder, toolchain, &workspace, &selected)?;
    manifests
        .into_iter()
        .map(|manifest| made.remove(manifest).ok_or_else(|| no_module(manifest)))
        .collect()
}

/// Compiles the package in `folder`.
pub(crate) fn build_one(folder: &Path, toolchain: &Toolchain) -> Result<PathBuf> {
    let manifest = folder.join("Cargo.toml");
    let manifest = manifest.canonicalize().with_context(|| {
        format!(
            "{} is not there; is {} the folder of a plugin?",
            manifest.display(),
            folder.display()
        )
    })?;
    let manifest = manifest.to_string_lossy();
    let workspace = Workspace::around(folder)?;
    let mut made = compile(
        folder,
        toolchain,
        &workspace,
        &["--quiet", "--manifest-path", &manifest],
    )?;
    made.remove(&*manifest).ok_or_else(|| no_module(&manifest))
}

/// Compiles examples; one module for each, in the same order.
pub(crate) fn build_examples(folder: &Path, toolchain: &Toolchain, examples: Examples<'_>) -> Result<Vec<PathBuf>> {
    let workspace = Workspace::around(folder)?;
    let mut cargo = toolchain.cargo_build()?;
    cargo
        .current_dir(folder)
        .args(["--package", examples.package, "--features", examples.feature])
        .args(["--profile", examples.profile])
        .args(examples.names.iter().flat_map(|name| ["--example", name]))
        .arg("--target-dir")
        .arg(workspace.target_dir.join("guests"));
    let output = run(cargo.stdout(Stdio::inherit()).stderr(Stdio::inherit()))?;
    if !output.status.success() {
        bail!(
            "cargo could not build the examples of {} for {}; its messages are above. It was run as {}",
            examples.package,
            toolchain.target,
            shown(&cargo)
        );
    }
    let made = workspace.target_dir.join("guests").join(toolchain.target.triple());
    let made = made.join(examples.profile).join("examples");
    let modules = examples.names.iter().map(|name| made.join(name).with_extension("wasm"));
    Ok(modules.collect())
}

fn no_module(manifest: &str) -> anyhow::Error {
    anyhow!("cargo made no module of {manifest}; it needs `[lib]` with `crate-type = [\"cdylib\", \"rlib\"]`")
}

/// What cargo knows about a workspace.
struct Workspace {
    target_dir: PathBuf,
    has_profile: bool,
    /// The manifest of each member.
    manifests: HashMap<String, String>,
}

impl Workspace {
    fn around(folder: &Path) -> Result<Self> {
        let mut metadata = cargo();
        metadata
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .current_dir(folder);
        let found: Value =
            serde_json::from_str(&read(&mut metadata)?).context("cannot read what cargo metadata says")?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let target_dir = found
            .get("target_directory")
            .and_then(text)
            .context("cargo metadata names no target folder")?;
        let root = found.get("workspace_root").and_then(text).unwrap_or_default();
        let manifest = fs::read_to_string(Path::new(&root).join("Cargo.toml")).unwrap_or_default();
        let members = found.get("packages").and_then(Value::as_array).into_iter().flatten();
        let manifests =
            members.filter_map(|member| Some((text(member.get("name")?)?, text(member.get("manifest_path")?)?)));
        Ok(Self {
            target_dir: PathBuf::from(target_dir),
            has_profile: manifest.lines().any(|line| line.trim() == "[profile.plugin]"),
            manifests: manifests.collect(),
        })
    }

    fn manifest(&self, package: &str) -> Result<&str> {
        self.manifests.get(package).map(String::as_str).with_context(|| {
            let mut names: Vec<&str> = self.manifests.keys().map(String::as_str).collect();
            names.sort_unstable();
            format!("there is no package `{package}` here, only {}", names.join(", "))
        })
    }
}

/// Compiles what is selected; returns the modules by the manifest of their package.
fn compile(
    folder: &Path,
    toolchain: &Toolchain,
    workspace: &Workspace,
    selected: &[&str],
) -> Result<HashMap<String, PathBuf>> {
    let mut cargo = toolchain.cargo_build()?;
    cargo.current_dir(folder).args([
        "--lib",
        "--profile",
        "plugin",
        "--message-format",
        "json-render-diagnostics",
    ]);
    if !workspace.has_profile {
        cargo.args(PROFILE.iter().flat_map(|setting| ["--config", setting]));
    }
    cargo
        .arg("--target-dir")
        .arg(workspace.target_dir.join("guests"))
        .args(selected);
    let output = run(cargo.stdout(Stdio::piped()).stderr(Stdio::inherit()))?;
    if !output.status.success() {
        bail!(
            "cargo could not build for {}; its messages are above. It was run as {}",
            toolchain.target,
            shown(&cargo)
        );
    }
    Ok(modules(&String::from_utf8_lossy(&output.stdout)))
}

/// The wasm files in cargo's messages, by manifest.
fn modules(messages: &str) -> HashMap<String, PathBuf> {
    let mut found = HashMap::new();
    for message in messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
    {
        let files = message.get("filenames").and_then(Value::as_array).into_iter().flatten();
        let module = files.filter_map(Value::as_str).find(|file| file.ends_with(".wasm"));
        if let (Some(manifest), Some(module)) = (message.get("manifest_path").and_then(Value::as_str), module) {
            found.insert(manifest.to_owned(), PathBuf::from(module));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_found_by_their_manifest() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","manifest_path":"/p/Cargo.toml","filenames":["/t/libp.rlib","/t/p.wasm"]}"#,
            "\nnot json\n",
            r#"{"reason":"compiler-artifact","manifest_path":"/q/Cargo.toml","filenames":["/t/libq.rlib"]}"#,
        );
        let found = modules(messages);
        assert_eq!(found.len(), 1);
        assert_eq!(found["/p/Cargo.toml"], Path::new("/t/p.wasm"));
    }
}
