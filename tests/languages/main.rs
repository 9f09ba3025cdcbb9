//! Plugins in other languages than Rust, built from source by `cargo xtask test`: examples in real runs, the SDKs' own tests,
//! and the way from `xqute plugin new` to a plugin at work. Where a language's programs are missing these tests say loudly that
//! they were skipped, and fail where `CI` is `true`.

mod examples;
mod native;
mod projects;
mod spooler;
mod webhook;

use std::path::{Path, PathBuf};

use xqute_tests::{Xqute, built, machine};

/// Where `cargo xtask test` installs what is downloaded for a language; `None` if it could not.
fn workshop(test: &str, language: &str) -> Option<PathBuf> {
    let folder = built::target().join("languages").join(language);
    if folder.with_extension("inputs").exists() {
        return Some(folder);
    }
    machine::skip(
        test,
        &format!("there are no plugins in {language}; `cargo xtask languages` builds them, where it can"),
    );
    None
}

/// The virtual environment with the SDK for Python.
fn python(test: &str) -> Option<PathBuf> {
    Some(workshop(test, "python")?.join(".venv/bin/python"))
}

/// With what was downloaded before, and the tools of the user who runs the tests.
fn with_tools(xqute: Xqute) -> Xqute {
    let downloads = built::target().join("languages/downloads");
    let home = PathBuf::from(std::env::var_os("HOME").unwrap());
    let of_user = |name: &str, folder: &str| std::env::var_os(name).map_or_else(|| home.join(folder), PathBuf::from);
    xqute
        .env("PIP_CACHE_DIR", downloads.join("pip"))
        .env("npm_config_cache", downloads.join("npm"))
        .env("CARGO_HOME", of_user("CARGO_HOME", ".cargo"))
        .env("RUSTUP_HOME", of_user("RUSTUP_HOME", ".rustup"))
}

/// A folder of the repository.
fn source(folder: &str) -> PathBuf {
    built::repository().join(Path::new(folder))
}
