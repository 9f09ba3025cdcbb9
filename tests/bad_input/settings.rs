//! Settings that make no sense.

use std::os::unix::fs::chown;

use xqute_tests::{Scratch, machine};

/// What is said about these flags.
fn refused(flags: &[&str]) -> String {
    let scratch = Scratch::new();
    let output = scratch
        .run(flags.iter().copied().chain(["--", "touch", "ran"]))
        .exits(2);
    assert!(!scratch.has("ran") && !scratch.has(".xqute"), "something has run");
    output.stderr
}

#[test]
fn zero_forks() {
    insta::assert_snapshot!(refused(&["--forks", "0"]), @r#"
    error: invalid value '0' for '--forks <N>': with 0 no job could ever run; the least is 1

    For more information, try '--help'.
    "#);
}

#[test]
fn a_scheduler_that_nobody_knows() {
    let said = refused(&["-s", "slrum"]);
    assert!(said.contains("`slrum`") && said.contains("local"), "{said}");
}

#[test]
fn the_schedulers_of_plugins_are_listed_too() {
    let scratch = Scratch::new();
    let fake = xqute_tests::plugin("fake_sched");
    let output = scratch
        .xqute(["--plugin"])
        .args([fake])
        .args(["run", "-s", "none", "--", "true"])
        .run()
        .exits(2);
    output.says("local").says("fake-sched");
}

#[test]
fn an_option_that_the_scheduler_does_not_know() {
    insta::assert_snapshot!(refused(&["--opt", "partition=short"]), @"error: the scheduler local takes no options, but got `partition`");
}

#[test]
fn an_option_that_a_scheduler_plugin_does_not_know() {
    let scratch = Scratch::new();
    let fake = xqute_tests::plugin("fake_sched");
    let flags = [
        "--allow",
        "fake-sched",
        "run",
        "-s",
        "fake-sched",
        "--opt",
        "anwser=3",
        "--",
        "true",
    ];
    let output = scratch.xqute(["--plugin"]).args([fake]).args(flags).run().exits(2);
    output.says("`anwser`").says("did you mean `answer`?");
}

#[test]
fn a_missing_working_directory() {
    insta::assert_snapshot!(refused(&["--cwd", "none"]), @"error: the working directory `[scratch]/here/none` does not exist or is not a folder");
}

#[test]
fn all_other_nonsense() {
    for flags in [
        &["-j", "-1"][..],
        &["-j", "many"],
        &["-e", "shrug"],
        &["-r", "-1"],
        &["--submission-batch", "0"],
        &["--timeout", "0"],
        &["--timeout", "soon"],
        &["--env", "NOVALUE"],
        &["--env", "1X=2"],
        &["--opt", "x"],
        &["--progress", "dance"],
        &["--wrapper-shell", ""],
        &["-q", "-v"],
        &["--allow", "x:fly=away"],
        &["--config", "none.toml"],
    ] {
        let said = refused(flags);
        assert!(said.starts_with("error: "), "{flags:?}\n{said}");
    }
}

#[test]
fn a_configuration_that_a_stranger_left_upwards() {
    if !machine::is_root() {
        return machine::skip(
            "a_configuration_that_a_stranger_left_upwards",
            "only root can give files away",
        );
    }
    let scratch = Scratch::new();
    let file = scratch.write("xqute.toml", "[run]\nprescript = 'touch stranger'\n");
    chown(&file, Some(12345), None).unwrap();
    let output = scratch.run(["--", "true"]).exits(2);
    insta::assert_snapshot!(output.stderr, @"
    error: the configuration file [scratch]/here/xqute.toml belongs to another user
      help: it is used if you name it: --config [scratch]/here/xqute.toml
    ");
    assert!(!scratch.has("stranger"));
    let named = scratch.xqute(["--config", "xqute.toml", "run", "--", "true"]);
    named.run().exits(0);
    assert!(scratch.has("stranger"));
}
