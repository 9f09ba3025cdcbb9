//! What README.md shows beside the tour: the first plugin of one's own, `xqute.toml`, a program that uses the library.

use std::{
    env, fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use xqute_tests::{Scratch, built};

use crate::readme::{blocks, readme};

/// The one code block with this first line.
fn block(fence: &str) -> String {
    let [block] = <[String; 1]>::try_from(blocks(&readme(), fence)).unwrap();
    block
}

/// A workspace that has nothing but the plugin `hello`. It takes the SDK from the repository. What cargo makes of that is kept
/// for the next time, in a target folder of its own: nobody has to wait for somebody else's build.
fn workspace(scratch: &Scratch) {
    let root = built::repository();
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let (_, shared) = manifest.split_once("[workspace.package]").unwrap();
    let shared = shared.replace("path = \"", &format!("path = \"{}/", root.display()));
    scratch.write(
        "Cargo.toml",
        format!("[workspace]\nresolver = \"3\"\nmembers = [\"plugins/*\"]\n\n[workspace.package]{shared}"),
    );
    fs::copy(root.join("Cargo.lock"), scratch.path("Cargo.lock")).unwrap();
    for file in ["Cargo.toml", "src/lib.rs", "src/tests.rs"] {
        let file = Path::new("plugins/hello").join(file);
        scratch.write(file.to_str().unwrap(), fs::read(root.join(&file)).unwrap());
    }
    fs::create_dir_all(scratch.path("target/release")).unwrap();
    fs::create_dir_all(scratch.path("target/plugins")).unwrap();
    symlink(built::xqute(), scratch.path("target/release/xqute")).unwrap();
}

/// `cargo xtask build` would build the whole repository, so here `hello` takes the place of the plugin that it makes; that
/// cargo builds such plugins is a test of `sdk/build`.
const CARGO: &str = "cargo() {
  if [ \"$1\" = xtask ]; then cp \"$HELLO\" target/plugins/mine.wasm; else command cargo \"$@\"; fi
}
";

#[test]
fn a_copy_of_hello_is_the_start_of_a_plugin() {
    let scratch = Scratch::new();
    workspace(&scratch);
    let recipe = format!("{CARGO}{}", block("```bash recipe"));
    let mut bash = scratch
        .program("/bin/bash".as_ref())
        .args(["-exuo", "pipefail", "-c", &recipe])
        .env("HELLO", built::plugin("hello"))
        .env("CARGO_TARGET_DIR", built::target().join("recipe"))
        .env("CARGO_NET_OFFLINE", "true");
    // Where cargo and its registry are.
    for name in ["HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
        if let Some(value) = env::var_os(name) {
            bash = bash.env(name, value);
        }
    }
    let output = bash.run().exits(0).says("hello from job 0");
    assert!(output.stdout.contains("2 passed"), "{}", output.stdout);
}

#[test]
fn the_configuration_works_as_it_stands() {
    let scratch = Scratch::new();
    scratch.write("xqute.toml", block("```toml"));
    fs::create_dir(scratch.path("plugins")).unwrap();
    fs::copy(built::plugin("journal"), scratch.path("plugins/journal.wasm")).unwrap();
    // A Slurm that takes no job: the scripts that it was to run can be read.
    let sbatch = scratch.write("bin/sbatch", "#!/bin/sh\nexit 1\n");
    fs::set_permissions(sbatch, fs::Permissions::from_mode(0o755)).unwrap();
    let path = [scratch.path("bin"), "/usr/bin".into(), "/bin".into()];
    let jobs = scratch.write("jobs.txt", "true\nrm -rf nothing\n");
    let run = scratch.xqute(["run"]).args([jobs]);
    let output = run.env("PATH", env::join_paths(path).unwrap()).run().exits(1);
    output
        .says("sbatch refused the job")
        .says("plugin journal did not let it start");
    let script = scratch.read(".xqute/0/job.wrapped.slurm");
    for line in [
        "#SBATCH --partition=short",
        "#SBATCH --licenses=a,b",
        "export LC_ALL=C",
        "journal_start=",
    ] {
        assert!(script.contains(line), "{line:?} is not in\n{script}");
    }
    assert!(scratch.has(".xqute/0/job.retry/3"), "the strategy is to retry");
}

#[test]
fn the_program_that_it_shows_is_compiled() {
    // As an example in the documentation of the crate.
    let documentation = fs::read_to_string(built::repository().join("host/src/lib.rs")).unwrap();
    for line in block("```rust library").lines() {
        assert!(
            documentation.contains(&format!("//! {line}\n")),
            "{line:?} is not there"
        );
    }
}
