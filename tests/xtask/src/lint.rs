//! `cargo xtask lint`: formatting, lints, documentation.

use anyhow::Result;

use crate::{
    program::{cargo, run},
    project::Project,
};

/// Fails at the first of them that finds something.
pub(crate) fn run_all() -> Result<()> {
    let root = Project::find()?.root;
    run(cargo().current_dir(&root).args(["fmt", "--all", "--check"]))?;
    // In release, as everything else: proc macros and build scripts are built once.
    let mut clippy = cargo();
    clippy.args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--release",
        "--",
        "-D",
        "warnings",
    ]);
    run(clippy.current_dir(&root))?;
    let mut doc = cargo();
    doc.env("RUSTDOCFLAGS", "-D warnings")
        .args(["doc", "--workspace", "--no-deps", "--release"]);
    run(doc.current_dir(&root))
}
