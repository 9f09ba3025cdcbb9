//! Plugins that start programs which they were not granted.

use std::{fs, os::unix::fs::symlink};

use xqute_tests::Scratch;

use crate::attempt::{Attempt, Tried};

/// What every such program would leave.
const TRACE: &str = "ran_by_plugin";

/// It was refused, and nothing ran.
fn denied(tried: Tried) {
    tried.says("Denied").without(TRACE).harmed_no_job();
}

#[test]
fn one_that_it_never_asked_for() {
    denied(Attempt::of("runs_what_it_never_asked_for").run());
    denied(Attempt::of("runs_what_it_never_asked_for").allowed("run=touch").run());
}

#[test]
fn one_that_was_asked_for_but_not_granted() {
    let tried = Attempt::of("runs_by_its_place").run();
    denied(tried);
}

#[test]
fn by_its_place() {
    denied(Attempt::of("runs_by_its_place").allowed("run=touch").run());
}

#[test]
fn by_a_detour() {
    denied(Attempt::of("runs_by_a_detour").allowed("run=true").run());
}

#[test]
fn by_a_link() {
    let attempt = Attempt::of("runs_by_a_link").allowed("run=innocent");
    symlink("/usr/bin/touch", attempt.scratch.path("innocent")).unwrap();
    denied(attempt.run());
}

#[test]
fn from_the_folder_of_the_run() {
    let attempt = Attempt::of("runs_from_here").allowed("run=id").with_path_from_here();
    program(&attempt.scratch, "id");
    // The name is granted, and means the one on PATH; folders that are not absolute do not count.
    attempt.run().says("Output").without("ran_from_here").harmed_no_job();
}

/// A program in the folder of the run.
fn program(scratch: &Scratch, name: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let file = scratch.write(name, "#!/bin/sh\ntouch ran_from_here\n");
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn with_a_nul_in_its_name() {
    denied(Attempt::of("runs_with_a_nul_in_the_name").allowed("run=true").run());
}

#[test]
fn with_a_nul_in_an_argument() {
    let tried = Attempt::of("runs_with_a_nul_in_an_argument").allowed("run=touch").run();
    tried.says("Rejected").says("NUL").without(TRACE).harmed_no_job();
}

#[test]
fn in_words_of_a_shell() {
    denied(Attempt::of("runs_with_shell_words").allowed("run=true").run());
}

#[test]
fn by_a_path_that_it_asks_for() {
    let said = Attempt::of("asks_for_a_path").refused();
    assert!(
        said.contains("asks_for_a_path.wasm") && said.contains("/bin/touch"),
        "{said}"
    );
}

#[test]
fn before_anything_could_be_granted() {
    let tried = Attempt::of("runs_in_describe").allowed("run=touch").run();
    tried.without(TRACE).harmed_no_job();
}
