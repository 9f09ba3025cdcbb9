//! What README.md shows beside the tour: `xqute.toml`, a program that uses the library.

use std::{env, fs, os::unix::fs::PermissionsExt as _};

use xqute_tests::{Scratch, built, docs::blocks};

use crate::readme::readme;

/// The one code block with this first line.
fn block(fence: &str) -> String {
    let [block] = <[String; 1]>::try_from(blocks(&readme(), fence)).unwrap();
    block
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
