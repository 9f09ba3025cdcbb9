//! Builds xqute plugins from source, on any machine.
//!
//! A plugin is a project in Rust, Python or JavaScript; [`Project`] tells which one lies in a folder and builds it, as
//! `xqute plugin build` does. Beside it there is what Rust alone needs: [`build`] compiles many crates of one workspace at
//! once. The compiler's wasm target is found, or added, by [`Toolchain::find`].
//!
//! - `project`: which language a folder is in, and the way from there to a component
//! - `python`, `javascript`: the tools of these languages, installed beside the project
//! - `toolchain`: where a compiler for wasm comes from
//! - `cargo`: runs cargo and finds what it made
//! - `component`: makes a component of a module and looks at what it exports
//! - `program`: the only file that starts programs

mod cargo;
mod component;
mod javascript;
mod program;
mod project;
mod python;
mod toolchain;

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

pub use component::Interfaces;
pub use project::{Language, Project};
pub use toolchain::{Toolchain, Way};

/// What plugins can be compiled for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// No imports but xqute's own: the strictest sandbox, and the smallest files.
    #[default]
    Unknown,
    /// With WASI, for crates that need files, random numbers or the like.
    Wasip2,
}

impl Target {
    /// The name that rustc uses.
    pub const fn triple(self) -> &'static str {
        match self {
            Self::Unknown => "wasm32-unknown-unknown",
            Self::Wasip2 => "wasm32-wasip2",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.triple())
    }
}

/// One plugin to build.
#[derive(Clone, Debug)]
pub struct Guest {
    /// The name of its package.
    pub package: String,
    /// Where the component goes. Folders are created.
    pub out: PathBuf,
}

/// A plugin that was built.
#[derive(Clone, Debug)]
pub struct Built {
    /// The component.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// What it exports and imports.
    pub interfaces: Interfaces,
}

/// Builds plugins that belong to one workspace, all at once. `folder` is the workspace or any crate in it.
///
/// What cargo makes on the way lies in `target/guests`, apart from native builds.
///
/// # Errors
/// Says what went wrong and what to do next.
pub fn build(folder: &Path, toolchain: &Toolchain, guests: &[Guest]) -> Result<Vec<Built>> {
    let packages: Vec<&str> = guests.iter().map(|guest| guest.package.as_str()).collect();
    let modules = cargo::build(folder, toolchain, &packages)?;
    guests
        .iter()
        .zip(modules)
        .map(|(guest, module)| finish(&module, &guest.out))
        .collect()
}

/// Builds the one plugin whose `Cargo.toml` lies in `folder`.
///
/// # Errors
/// Says what went wrong and what to do next.
pub fn build_one(folder: &Path, toolchain: &Toolchain, out: &Path) -> Result<Built> {
    finish(&cargo::build_one(folder, toolchain)?, out)
}

/// Many small plugins that are the examples of one package.
#[derive(Clone, Copy, Debug)]
pub struct Examples<'a> {
    /// The package.
    pub package: &'a str,
    /// The feature without which cargo leaves them out.
    pub feature: &'a str,
    /// The profile that they are compiled with.
    pub profile: &'a str,
    /// Those that are wanted.
    pub names: &'a [String],
}

/// Builds examples of a package of the workspace around `folder`, into the folder `out`.
///
/// # Errors
/// Says what went wrong and what to do next.
pub fn build_examples(folder: &Path, toolchain: &Toolchain, examples: Examples<'_>, out: &Path) -> Result<Vec<Built>> {
    let modules = cargo::build_examples(folder, toolchain, examples)?;
    let named = examples.names.iter().zip(modules);
    named
        .map(|(name, module)| finish(&module, &out.join(name).with_extension("wasm")))
        .collect()
}

fn finish(module: &Path, out: &Path) -> Result<Built> {
    let bytes = fs::read(module).with_context(|| format!("cannot read what was made, {}", module.display()))?;
    let component =
        component::from_module(bytes).with_context(|| format!("cannot make a plugin of {}", module.display()))?;
    let interfaces = component::interfaces(&component)?;
    create_folder_of(out)?;
    // Written beside and renamed: a host that is starting never sees half a plugin.
    let part = out.with_extension("wasm.part");
    fs::write(&part, &component).with_context(|| format!("cannot write {}", part.display()))?;
    fs::rename(&part, out).with_context(|| format!("cannot write {}", out.display()))?;
    Ok(Built {
        path: out.to_path_buf(),
        bytes: u64::try_from(component.len())?,
        interfaces,
    })
}

fn create_folder_of(file: &Path) -> Result<()> {
    let Some(folder) = file.parent() else { return Ok(()) };
    fs::create_dir_all(folder).with_context(|| format!("cannot create the folder {}", folder.display()))
}
