//! Job files that cannot be run: the error names the file, the line and what was expected, and no job has run.

use xqute_tests::{Scratch, machine};

/// Runs a job file that is wrong after a job that is right, and returns what is said.
fn refused(name: &str, bytes: impl AsRef<[u8]>) -> String {
    let scratch = Scratch::new();
    scratch.write("good.txt", "touch ran\n");
    scratch.write(name, bytes);
    said(&scratch, name)
}

fn said(scratch: &Scratch, name: &str) -> String {
    scratch.write("good.txt", "touch ran\n");
    let output = scratch.run(["good.txt", name]).exits(2);
    assert!(!scratch.has("ran") && !scratch.has(".xqute"), "something has run");
    output.stderr
}

#[test]
fn a_missing_file() {
    insta::assert_snapshot!(said(&Scratch::new(), "jobs.txt"), @r#"
    error: jobs.txt: there is no such file
      help: to run a command instead of a job file, put -- in front of it
    "#);
}

#[test]
fn a_folder() {
    let scratch = Scratch::new();
    scratch.write("folder/jobs.txt", "true");
    insta::assert_snapshot!(said(&scratch, "folder"), @r#"
    error: folder: this is a folder, not a job file
      help: name the job files in it
    "#);
}

#[test]
fn a_file_that_may_not_be_read() {
    if !machine::is_root() {
        return machine::skip("a_file_that_may_not_be_read", "becoming somebody else needs root");
    }
    let scratch = Scratch::new();
    scratch.open_to_all();
    let file = scratch.write("jobs.txt", "touch ran\n");
    std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let output = scratch.xqute(["run", "jobs.txt"]).as_nobody().run().exits(2);
    insta::assert_snapshot!(output.stderr, @"error: jobs.txt: permission denied");
}

#[test]
fn a_file_that_the_system_cannot_read() {
    insta::assert_snapshot!(said(&Scratch::new(), "/proc/self/mem"), @"error: /proc/self/mem: cannot be read: Input/output error (os error 5)");
}

#[test]
fn a_binary_file() {
    insta::assert_snapshot!(refused("jobs.bin", b"true\n\x7fELF\x02\0\0\0"), @r#"
    error: jobs.bin:2: the line has a NUL byte in it, so this is no job file but a binary one
      help: a job file is text: a shell command line on each line
    "#);
}

#[test]
fn a_key_that_nobody_knows() {
    let line = "{\"cmd\": \"true\"}\n\n{\"cmd\": \"true\", \"tiemout\": 3}\n";
    insta::assert_snapshot!(refused("jobs.jsonl", line), @r#"
    error: jobs.jsonl:3: unknown key `tiemout`
      help: did you mean `timeout`?
    "#);
}

#[test]
fn a_line_that_is_no_json() {
    insta::assert_snapshot!(refused("jobs.jsonl", "{\"cmd\": \"true\"\n"), @r#"
    error: jobs.jsonl:1: this is not one JSON object: EOF while parsing an object (column 14)
      help: expected on each line of a .jsonl file: {"cmd": ["program", "argument"]} or {"cmd": "shell line"}
    "#);
}

#[test]
fn every_other_bad_object() {
    for bad in [
        "{}",
        "[]",
        "{\"cmd\": []}",
        "{\"cmd\": \"\"}",
        "{\"cmd\": 3}",
        "{\"cmd\": [\"a\", 3]}",
        "{\"cmd\": \"a\\u0000b\"}",
        "{\"cmd\": \"true\", \"cmd\": \"false\"}",
        "{\"cmd\": \"true\", \"timeout\": \"soon\"}",
        "{\"cmd\": \"true\", \"timeout\": 0}",
        "{\"cmd\": \"true\", \"num_retries\": -1}",
        "{\"cmd\": \"true\", \"env\": {\"A B\": \"1\"}}",
        "{\"cmd\": \"true\", \"cwd\": \"/no/such/folder\"}",
    ] {
        let said = refused("jobs.jsonl", format!("{{\"cmd\": \"touch ran\"}}\n{bad}\n"));
        assert!(said.contains("jobs.jsonl:2: "), "{bad}\n{said}");
    }
}

#[test]
fn an_option_of_a_job_that_the_scheduler_does_not_know() {
    let said = refused(
        "jobs.jsonl",
        "{\"cmd\": [\"echo\", \"it's\"], \"opts\": {\"partition\": \"short\"}}\n",
    );
    insta::assert_snapshot!(said, @r#"
    error: jobs.jsonl:1: the scheduler local takes no options, but got `partition`
    "#);
}

#[test]
fn standard_input_is_checked_as_well() {
    let scratch = Scratch::new();
    let output = scratch.xqute(["run", "-"]).stdin("touch ran\nx\0\n").run().exits(2);
    insta::assert_snapshot!(output.stderr, @r#"
    error: standard input:2: the line has a NUL byte in it, so this is no job file but a binary one
      help: a job file is text: a shell command line on each line
    "#);
    assert!(!scratch.has("ran"));
    scratch
        .xqute(["run", "-", "-"])
        .stdin("true\n")
        .run()
        .exits(2)
        .says("twice");
}

#[test]
fn no_jobs_at_all() {
    insta::assert_snapshot!(Scratch::new().run([""; 0]).exits(2).stderr, @r#"
    error: there is nothing to run
      help: name a job file, give jobs on standard input with -, or a command behind --
    "#);
}
