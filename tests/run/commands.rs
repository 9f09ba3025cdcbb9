//! What reaches a command: the exact bytes of an argv, and bash for a line.

use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};

use xqute_tests::Scratch;

/// Runs printf with these arguments and checks that it got them as they are.
fn arrive(args: &[Vec<u8>]) {
    let scratch = Scratch::new();
    let head = ["--", "printf", "%s\\0"].map(OsString::from);
    let all = head.into_iter().chain(args.iter().cloned().map(OsString::from_vec));
    scratch.run(all).exits(0);
    let expected: Vec<u8> = args.iter().flat_map(|arg| [arg, [0].as_slice()].concat()).collect();
    assert!(
        scratch.job(0).ended(0).bytes("job.stdout") == expected,
        "{args:?} did not arrive"
    );
}

#[test]
fn arguments_arrive_as_they_are() {
    let args = [
        "",
        " ",
        "two words",
        "it's",
        "\"",
        "$HOME",
        "${x:-y}",
        "`id`",
        "$(id)",
        "\\",
        "a\nb",
        "*",
        "~",
        "!!",
        "-n",
        "--",
    ];
    arrive(&args.map(|arg| arg.as_bytes().to_vec()));
}

#[test]
fn every_byte_but_nul_arrives() {
    let single = (1..=255).map(|byte| vec![byte]);
    let inside = (1..=255).map(|byte| vec![b'a', byte, b'\'', byte]);
    arrive(&single.chain(inside).collect::<Vec<_>>());
}

#[test]
fn ten_thousand_arguments_arrive() {
    arrive(
        &(0..10_000)
            .map(|number| format!("argument {number}").into_bytes())
            .collect::<Vec<_>>(),
    );
}

#[test]
fn a_program_whose_name_has_a_space_is_run() {
    let scratch = Scratch::new();
    let program = scratch.write("my program", "#!/bin/sh\necho \"$1\"\n");
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    scratch.run(["--", "./my program", "a  b"]).exits(0);
    assert_eq!(scratch.job(0).stdout(), "a  b\n");
}

#[test]
fn a_line_is_bash() {
    let scratch = Scratch::new();
    let jobs = "printf 'b\\na\\n' | sort > sorted; [[ -s sorted ]] && echo {1..3}\nx=(1 2); echo ${#x[@]} # two\n";
    scratch.run_jobs(jobs, [""; 0]).exits(0);
    assert_eq!(scratch.read("sorted"), "a\nb\n");
    assert_eq!(scratch.job(0).stdout(), "1 2 3\n");
    assert_eq!(scratch.job(1).stdout(), "2\n");
}

#[test]
fn a_line_has_an_exit_code_of_its_own() {
    let scratch = Scratch::new();
    scratch
        .run_jobs("exit 4\nfalse | true\nkill -TERM $$\n(exit 255)\n", [""; 0])
        .exits(1);
    for (index, rc) in [(0, 4), (1, 0), (2, 143), (3, 255)] {
        scratch.job(index).ended(rc);
    }
}

#[test]
fn an_unbalanced_quote_breaks_only_its_job() {
    let scratch = Scratch::new();
    scratch.run_jobs("echo 'unbalanced\necho fine\n", [""; 0]).exits(1);
    assert_ne!(scratch.job(0).text("job.rc"), "0\n");
    assert_eq!(scratch.job(1).ended(0).stdout(), "fine\n");
}

#[test]
fn a_job_reads_nothing_from_our_standard_input() {
    let scratch = Scratch::new();
    scratch
        .xqute(["run", "-j", "1", "-"])
        .stdin("cat\necho second\n")
        .run()
        .exits(0);
    assert_eq!(scratch.job(0).stdout(), "");
    assert_eq!(scratch.job(1).stdout(), "second\n");
}
