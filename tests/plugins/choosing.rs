//! Where plugins come from, and how to leave one out.

use xqute_tests::{Output, Scratch, plugin};

/// Copies the plugin `hello` to this place.
fn place(scratch: &Scratch, name: &str) {
    scratch.write(name, std::fs::read(plugin("hello")).unwrap());
}

fn greets(output: Output) {
    output.exits(0).says("hello from job 0");
}

#[test]
fn from_a_folder_that_is_named() {
    let scratch = Scratch::new();
    place(&scratch, "my plugins/hello.wasm");
    scratch.write("my plugins/README", "not a plugin");
    greets(
        scratch
            .xqute(["-v", "--plugin-dir", "my plugins", "run", "--", "true"])
            .run(),
    );
}

#[test]
fn from_folders_in_the_environment() {
    let scratch = Scratch::new();
    place(&scratch, "b/hello.wasm");
    scratch.write("a/README", "");
    greets(
        scratch
            .xqute(["-v", "run", "--", "true"])
            .env("XQUTE_PLUGIN_DIR", "a:b")
            .run(),
    );
}

#[test]
fn from_the_users_data_folder() {
    let scratch = Scratch::new();
    place(&scratch, "data/xqute/plugins/hello.wasm");
    greets(
        scratch
            .xqute(["-v", "run", "--", "true"])
            .env("XDG_DATA_HOME", scratch.path("data"))
            .run(),
    );
}

#[test]
fn from_the_configuration_file() {
    let scratch = Scratch::new();
    place(&scratch, "sub/hello.wasm");
    scratch.write("xqute.toml", "[plugins.hello]\npath = \"sub/hello.wasm\"\n");
    greets(scratch.xqute(["-v", "run", "--", "true"]).run());
}

#[test]
fn without_one_that_is_disabled() {
    let scratch = Scratch::new();
    place(&scratch, "p/hello.wasm");
    let flags = ["-v", "--plugin-dir", "p", "--disable", "hello", "run", "--", "true"];
    scratch.xqute(flags).run().exits(0).does_not_say("hello from job");
    scratch.write("xqute.toml", "[plugins.hello]\nenabled = false\n");
    let flags = ["-v", "--plugin-dir", "p", "run", "--overwrite", "--", "true"];
    scratch.xqute(flags).run().exits(0).does_not_say("hello from job");
}

#[test]
fn even_one_that_is_broken() {
    let scratch = Scratch::new();
    scratch.write("p/broken.wasm", "no plugin");
    scratch.xqute(["--plugin-dir", "p", "run", "--", "true"]).run().exits(3);
    scratch
        .xqute(["--plugin-dir", "p", "--disable", "broken", "run", "--", "true"])
        .run()
        .exits(0);
}

#[test]
fn a_file_of_ones_own_beats_the_one_that_came_with_xqute() {
    let scratch = Scratch::new();
    place(&scratch, "p/hello.wasm");
    let own = scratch.xqute(["-v", "--plugin-dir", "p", "--plugin", "hello", "run", "--", "true"]);
    greets(own.run().does_not_say("as is"));
    scratch.write(
        "xqute.toml",
        "[plugins.hello]\npath = \"p/hello.wasm\"\nenabled = true\n",
    );
    greets(scratch.xqute(["-v", "run", "--overwrite", "--", "true"]).run());
    let listed = scratch.xqute(["plugin", "list"]).run().exits(0).stdout;
    let rows = listed.lines().filter(|line| line.starts_with("hello "));
    assert_eq!(rows.count(), 1, "{listed}");
}

/// What is said about these flags before anything runs.
fn refused(flags: &[&str]) -> Output {
    let scratch = Scratch::new();
    place(&scratch, "p/hello.wasm");
    let run = scratch.xqute(["--plugin-dir", "p"]).args(flags);
    let output = run.args(["run", "--", "touch", "ran"]).run().exits(2);
    assert!(!scratch.has("ran") && !scratch.has(".xqute"), "something has run");
    output
}

#[test]
fn flags_about_plugins_that_are_not_there_are_refused() {
    let misspelt = [
        &["--allow", "helo"][..],
        &["--allow", "helo:run=ls"],
        &["--disable", "helo"],
    ];
    for flags in misspelt {
        refused(flags)
            .says(&format!("`{}` names the plugin `helo`", flags[0]))
            .says("did you mean `hello`?")
            .says("known are container, gbatch, hello");
    }
    refused(&["--disable", "zzz"])
        .does_not_say("did you mean")
        .says("known are container, gbatch, hello");
}

#[test]
fn a_configuration_may_speak_of_plugins_of_other_runs() {
    let scratch = Scratch::new();
    place(&scratch, "p/hello.wasm");
    scratch.write("xqute.toml", "[plugins.helo]\npriority = 1\n");
    let run = scratch.xqute(["-v", "--plugin-dir", "p", "run", "--", "true"]);
    let output = run.run().says("[plugins.helo]").says("did you mean `hello`?");
    greets(output);
    scratch.write("xqute.toml", "[plugins.helo]\nenabled = false\n");
    let run = scratch.xqute(["-v", "--plugin-dir", "p", "run", "--overwrite", "--", "true"]);
    greets(run.run().does_not_say("[plugins.helo]"));
}
