//! Plugins that lie about who they are, or say it at length.

use xqute_tests::{Scratch, built};

use crate::attempt::Attempt;

/// It is refused, and these words say why.
#[track_caller]
fn refused(name: &str, words: &[&str]) {
    let said = Attempt::of(name).allowed("script").refused();
    assert!(said.contains(&format!("{name}.wasm")), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is missing: {said}");
    }
}

#[test]
fn lists_without_end() {
    for name in [
        "describes_a_million_rights",
        "describes_a_million_hooks",
        "describes_too_many_options",
        "describes_at_length",
    ] {
        refused(name, &["describe"]);
    }
}

#[test]
fn terminal_escapes() {
    for name in ["describes_with_terminal_escapes", "asks_with_terminal_escapes"] {
        refused(name, &["control characters"]);
    }
}

#[test]
fn names_that_cannot_be() {
    refused("is_called_local", &["`local`"]);
    for name in [
        "is_called_nothing",
        "is_called_at_length",
        "is_called_with_terminal_escapes",
    ] {
        refused(name, &["1 to 32"]);
    }
}

#[test]
fn the_name_of_a_plugin_that_came_with_xqute() {
    // It gets the name, as the user named the file, but not the rights.
    let scratch = Scratch::new();
    let plugin = built::plugin("hostile/is_called_journal");
    let inspect = scratch.xqute(["plugin", "inspect"]).args([&plugin]).run().exits(0);
    assert!(
        inspect.stdout.contains("denied") && !inspect.stdout.contains("granted  "),
        "{}",
        inspect.stdout
    );
    let run = scratch.xqute(["-v", "--plugin"]).args([&plugin]);
    run.args(["run", "--", "true"]).run().exits(0);
}

#[test]
fn a_name_twice() {
    let scratch = Scratch::new();
    for name in ["one.wasm", "two.wasm"] {
        std::fs::copy(built::plugin("hostile/recurses"), scratch.path(name)).unwrap();
    }
    let output = scratch
        .xqute([
            "--plugin", "one.wasm", "--plugin", "two.wasm", "run", "--", "touch", "ran",
        ])
        .run()
        .exits(3);
    output
        .says("`hostile`")
        .says("one.wasm")
        .says("two.wasm")
        .says("name only one of the files")
        .says("`--disable hostile` would leave out both");
    assert!(!scratch.has("ran"));
}

#[test]
fn exports_that_are_not_there() {
    refused("lies_about_its_exports", &["on_jobcmd_init", "snippets"]);
}

#[test]
fn another_answer_each_time() {
    // It is asked once in a run: what was granted is what was asked for then, and no other question follows.
    let tried = Attempt::of("wasi_describes_differently").allowed("run=program-1").run();
    tried.says("program-1").says("never asks for it").harmed_no_job();
}
