//! The tour of README.md, typed into a shell command by command.

use std::{fs, os::unix::fs::symlink};

use xqute_tests::{
    Scratch, built,
    docs::{self, blocks},
};

pub(crate) fn readme() -> String {
    docs::page("README.md")
}

/// Something that looks like a clone of the repository after `cargo xtask build`.
pub(crate) fn clone(scratch: &Scratch) {
    fs::create_dir_all(scratch.path("target/release")).unwrap();
    symlink(built::xqute(), scratch.path("target/release/xqute")).unwrap();
    symlink(built::plugins(), scratch.path("target/plugins")).unwrap();
}

#[test]
fn every_command_of_the_tour_works() {
    let scratch = Scratch::new();
    clone(&scratch);
    let tour = blocks(&readme(), "```bash tour");
    assert!(tour.len() >= 5, "the tour has only {} blocks", tour.len());
    let script = scratch.write("tour.sh", format!("set -euo pipefail\nset -x\n{}", tour.concat()));
    let bash = scratch.program("/bin/bash".as_ref()).args([script]);
    bash.run().exits(0);
}

#[test]
fn what_the_tour_shows_is_what_one_sees() {
    let scratch = Scratch::new();
    clone(&scratch);
    let tour = blocks(&readme(), "```bash tour").concat();
    let output = scratch
        .program("/bin/bash".as_ref())
        .args(["-euo", "pipefail", "-c", &tour])
        .run()
        .exits(0);
    // Times and folders differ from day to day; the README has `...` for them.
    for shown in blocks(&readme(), "```text tour") {
        for line in shown
            .lines()
            .flat_map(|line| line.split("..."))
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let seen = output.stdout.contains(line) || output.stderr.contains(line);
            assert!(seen, "{line:?} is not in\n{}\n{}", output.stdout, output.stderr);
        }
    }
}

#[test]
fn the_plugins_that_it_shows_are_the_real_ones() {
    for (fence, file) in [
        ("```rust", "plugins/hello/src/lib.rs"),
        ("```python", "plugins/hello-python/plugin.py"),
    ] {
        assert_eq!(blocks(&readme(), fence).first(), Some(&docs::page(file)));
    }
}

#[test]
fn it_has_every_exit_code_and_flag() {
    let scratch = Scratch::new();
    let readme = readme();
    for code in ["0", "1", "2", "3", "4", "128+N"] {
        assert!(
            readme.contains(&format!("| {code} |")),
            "exit code {code} is not in the table"
        );
    }
    for file in scratch_files() {
        assert!(readme.contains(&format!("`{file}`")), "{file} is not in README.md");
    }
    let help = scratch.xqute(["run", "--help"]).run().exits(0).stdout;
    for flag in help
        .split_whitespace()
        .filter(|word| word.starts_with("--") && word.len() > 3)
    {
        let flag = flag.trim_end_matches([',', '.', ']', ')']);
        assert!(readme.contains(flag), "{flag} is not in README.md");
    }
}

/// The files of a job directory.
fn scratch_files() -> [&'static str; 7] {
    [
        "job.wrapped.local",
        "job.status",
        "job.rc",
        "job.stdout",
        "job.stderr",
        "job.jid",
        "job.retry/1/",
    ]
}
