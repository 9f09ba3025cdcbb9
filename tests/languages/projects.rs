//! From `xqute plugin new` to a plugin at work, in each language.

use std::path::{Path, PathBuf};

use xqute_tests::{
    Output, Scratch, built,
    docs::{blocks, page},
};

use crate::{with_tools, workshop};

/// The guide's three commands for a language, in a shell.
fn guide(scratch: &Scratch, language: &str) -> Output {
    let commands = blocks(&page("sdk/README.md"), &format!("```bash {language}")).concat();
    assert_eq!(commands.lines().count(), 3, "{commands}");
    let path = format!(
        "{}:{}",
        scratch.path("bin").display(),
        std::env::var("PATH").unwrap_or_default()
    );
    std::fs::create_dir_all(scratch.path("bin")).unwrap();
    std::os::unix::fs::symlink(built::xqute(), scratch.path("bin/xqute")).unwrap();
    // The same versions as here: nothing is downloaded, and what was built before is found.
    let lock = built::repository().join("Cargo.lock");
    let bash = scratch
        .program("/bin/bash".as_ref())
        .args(["-euo", "pipefail", "-c"])
        .args([commands.replacen('\n', "\n[ ! -e mine/Cargo.toml ] || cp \"$LOCK\" mine/\n", 1)]);
    let output = with_tools(bash)
        .env("PATH", path)
        .env("LOCK", lock)
        .env("CARGO_TARGET_DIR", cargo_target())
        .env("CARGO_NET_OFFLINE", "true")
        .run()
        .exits(0);
    for part in [
        "xqute plugin build mine",
        "exports about, gatekeeper, observer",
        " 0 failed, 0 skipped",
    ] {
        assert!(output.stdout.contains(part), "{part} is not in\n{}", output.stdout);
    }
    output
}

/// Where cargo builds projects. Not where this workspace is built: crates of the same name would take each other's place.
fn cargo_target() -> PathBuf {
    built::target().join("languages/rust")
}

/// It keeps a job from starting and tells of another that failed, as the guide shows.
fn works(scratch: &Scratch) {
    let guide = page("sdk/README.md");
    let commands = format!("PATH=bin:$PATH\n{}", blocks(&guide, "```bash try").concat());
    let bash = scratch
        .program("/bin/bash".as_ref())
        .args(["-euo", "pipefail", "-c", &commands]);
    let output = bash.run().exits(0);
    for line in blocks(&guide, "```text try").concat().lines() {
        let seen = output.stdout.contains(line) || output.stderr.contains(line);
        assert!(seen, "{line:?} is not in\n{}\n{}", output.stdout, output.stderr);
    }
}

#[test]
fn in_rust() {
    let scratch = Scratch::new();
    guide(&scratch, "rust").says("compiling for wasm32-unknown-unknown");
    works(&scratch);
    let test = with_tools(
        scratch
            .program("cargo".as_ref())
            .args(["test", "--release", "--offline"]),
    );
    let test = test
        .current_dir(scratch.path("mine"))
        .env("CARGO_TARGET_DIR", cargo_target());
    assert!(test.run().exits(0).stdout.contains("2 passed"));
}

#[test]
fn in_python() {
    if workshop("in_python", "python").is_none() {
        return;
    }
    let scratch = Scratch::new();
    guide(&scratch, "python")
        .says("-m venv")
        .says("pip install")
        .says("xqute-plugin-build");
    let again = scratch.xqute(["plugin", "build", "mine"]).run().exits(0);
    again.says("using ").does_not_say("pip install");
    works(&scratch);
    let python = scratch.program(&scratch.path("mine/.venv/bin/python"));
    let test = python.args(["-m", "unittest"]).current_dir(scratch.path("mine"));
    test.run().exits(0).says("Ran 2 tests");
}

#[test]
fn in_javascript() {
    if workshop("in_javascript", "javascript").is_none() {
        return;
    }
    let scratch = Scratch::new();
    guide(&scratch, "javascript").says("npm install").says("build.js");
    works(&scratch);
    let test = scratch
        .program("node".as_ref())
        .args(["--test"])
        .current_dir(scratch.path("mine"));
    let output = test.run().exits(0);
    assert!(output.stdout.contains("# pass 2"), "{}", output.stdout);
}

#[test]
fn what_fails_is_shown_in_the_words_of_the_tool() {
    let scratch = Scratch::new();
    // By a name of its own: to cargo, projects of one name that are built in one place are the same, and this one would be as
    // good as built as soon as another one is.
    let new = scratch.xqute(["plugin", "new", "broken", "--lang", "rust"]);
    new.run().exits(0);
    let lock = built::repository().join("Cargo.lock");
    std::fs::copy(lock, scratch.path("broken/Cargo.lock")).unwrap();
    scratch.write("broken/src/lib.rs", "fn broken( {}\n");
    let build = with_tools(scratch.xqute(["plugin", "build", "broken"]));
    let build = build
        .env("CARGO_TARGET_DIR", cargo_target())
        .env("CARGO_NET_OFFLINE", "true");
    build.run().exits(2).says("fn broken( {}").says("cargo could not build");
    assert!(!scratch.has("broken/broken.wasm"));
}

#[test]
fn a_missing_tool_is_named() {
    let scratch = Scratch::new();
    for (folder, language, tool) in [
        ("a", "python", "python3"),
        ("b", "javascript", "node"),
        ("c", "rust", "cargo"),
    ] {
        scratch
            .xqute(["plugin", "new", folder, "--lang", language])
            .run()
            .exits(0);
        let build = scratch
            .xqute(["plugin", "build", folder])
            .env("PATH", scratch.path("nowhere"));
        build.run().exits(2).says(&format!("`{tool}` is not installed"));
    }
}

#[test]
fn folders_that_are_in_use_or_badly_named_are_refused() {
    let scratch = Scratch::new();
    scratch.write("full/file", "");
    let refused = |dir: &str| scratch.xqute(["plugin", "new", dir, "--lang", "rust"]).run().exits(2);
    refused("full")
        .says("the folder full is not empty")
        .says("name a folder that is not there yet");
    refused("full/file").says("cannot make a project in full/file");
    refused("My Plugin")
        .says("`My Plugin` cannot be the name")
        .says("my-plugin");
    refused("local").says("my-local");
    assert!(!scratch.has("My Plugin") && !scratch.has("local"));
}

#[test]
fn a_folder_that_is_no_project_is_refused() {
    let scratch = Scratch::new();
    let build = |dir: &str| scratch.xqute(["plugin", "build", dir]).run().exits(2);
    build(".")
        .says("neither Cargo.toml nor pyproject.toml nor package.json")
        .says("xqute plugin new DIR");
    build("nowhere").says("cannot open the folder");
}

#[test]
fn the_component_goes_where_it_is_wanted() {
    if workshop("the_component_goes_where_it_is_wanted", "javascript").is_none() {
        return;
    }
    let scratch = Scratch::new();
    let project = built::target().join("languages/javascript/hello-javascript");
    let build = scratch
        .xqute(["plugin", "build", "-o", "some/where.wasm"])
        .args([&project]);
    let output = build.run().exits(0).says("using ");
    assert!(
        output.stdout.starts_with("[scratch]/here/some/where.wasm ("),
        "{}",
        output.stdout
    );
    assert!(Path::new(&scratch.path("some/where.wasm")).exists());
}
