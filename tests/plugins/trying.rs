//! Plugins tried without a run: `xqute plugin check`, `test` and `run-hook`, and what `xqute run --record` writes for them.

use serde_json::Value;
use xqute_tests::{Output, Scratch, plugin};

const CHECK: [&str; 2] = ["plugin", "check"];
const TEST: [&str; 2] = ["plugin", "test"];
const RUN_HOOK: [&str; 2] = ["plugin", "run-hook"];

/// One of these commands with the file of a plugin, and more arguments.
fn try_plugin(scratch: &Scratch, command: [&str; 2], name: &str, args: &[&str]) -> Output {
    scratch.xqute(command).args([plugin(name)]).args(args).run()
}

#[track_caller]
fn shows(output: &Output, texts: &[&str]) {
    for text in texts {
        assert!(
            output.stdout.contains(text),
            "{text:?} is missing in\n{}",
            output.stdout
        );
    }
}

#[test]
fn check_looks_at_a_plugin_step_by_step() {
    let output = try_plugin(&Scratch::new(), CHECK, "slurm", &[]).exits(0);
    shows(
        &output,
        &[
            "slurm 0.1.0",
            "sha256",
            "exports scheduler",
            "xqute:plugin/process@0.1.0",
            "ok    file: it is a WebAssembly component",
            "ok    types: each function looks as the contract says",
            "--allow 'slurm:run=sbatch,",
            "0 failed",
        ],
    );
}

#[test]
fn check_says_at_which_step_a_plugin_fails() {
    let scratch = Scratch::new();
    scratch.write("core.wasm", b"\0asm\x01\0\0\0");
    let output = scratch.xqute(["plugin", "check", "core.wasm"]).run().exits(3);
    shows(
        &output,
        &["FAIL  file: ", "wasm-tools component new", "0 passed, 1 failed"],
    );
    let whole = std::fs::read(plugin("hello")).unwrap();
    scratch.write("cut.wasm", &whole[..whole.len() / 2]);
    let output = scratch.xqute(["plugin", "check", "cut.wasm"]).run().exits(3);
    shows(&output, &["ok    file: ", "FAIL  code: ", "1 passed, 1 failed"]);
}

#[test]
fn real_plugins_pass_the_tests() {
    let scratch = Scratch::new();
    for (name, flags) in [
        ("hello", &[][..]),
        ("journal", &["--allow", "journal:script", "--opt", "nice=5"]),
        ("slurm", &[]),
        ("all_hooks", &["--allow", "all-hooks:script"]),
    ] {
        let output = try_plugin(&scratch, TEST, name, flags).exits(0);
        shows(&output, &["about: ", "0 failed, 0 skipped"]);
    }
}

#[test]
fn a_plugin_under_test_is_not_listened_to_unless_asked_for() {
    let test = |flags: &[&str]| try_plugin(&Scratch::new(), TEST, "hello", flags).exits(0);
    test(&[]).does_not_say("hello from job");
    test(&["-vv"]).says("hello from job");
}

#[test]
fn bash_is_tried_only_where_it_is_allowed() {
    let output = try_plugin(&Scratch::new(), TEST, "journal", &[]).exits(0);
    shows(
        &output,
        &["skip  snippets: real jobs", "--allow journal:script", "1 skipped"],
    );
}

#[test]
fn a_plugin_that_misbehaves_fails_the_tests() {
    let misbehave = |place: &str, how: &str| {
        let flags = [
            "--allow",
            "misbehaves:script",
            "--opt",
            &format!("in={place}"),
            "--opt",
            &format!("how={how}"),
        ];
        try_plugin(&Scratch::new(), TEST, "misbehaves", &flags).exits(1)
    };
    shows(
        &misbehave("on_job_started", "trap"),
        &["FAIL  observer: ", "it crashed", "called with "],
    );
    shows(
        &misbehave("on_jobcmd_end", "trap"),
        &["FAIL  snippets: it has one script", "FAIL  snippets: real jobs"],
    );
    shows(&misbehave("poll", "short"), &["FAIL  scheduler: "]);
}

#[test]
fn one_hook_is_called_by_hand() {
    let scratch = Scratch::new();
    let job = r#"{"cmd": "echo hi", "name": "greet"}"#;
    let output = try_plugin(
        &scratch,
        RUN_HOOK,
        "journal",
        &["on_jobcmd_prep", job, "--opt", "nice=7"],
    )
    .exits(0);
    let script: Value = serde_json::from_str(&output.stdout).unwrap();
    assert!(script["prep"].as_str().unwrap().contains('7'), "{script}");
    let flags = ["job-submitting", job, "--opt", "deny=gre"];
    let verdict: Value =
        serde_json::from_str(&try_plugin(&scratch, RUN_HOOK, "journal", &flags).exits(0).stdout).unwrap();
    assert!(verdict["Veto"].as_str().unwrap().contains("gre"), "{verdict}");
    let told = try_plugin(&scratch, RUN_HOOK, "hello", &["job_succeeded", "-v"]).exits(0);
    assert_eq!(told.stdout, "");
    told.says("hello from job 0");
}

#[test]
fn a_hook_that_is_not_there_is_said() {
    let scratch = Scratch::new();
    try_plugin(&scratch, RUN_HOOK, "hello", &["on_job_failed"])
        .exits(3)
        .says("does not list the hook on_job_failed");
    try_plugin(&scratch, RUN_HOOK, "hello", &["on_fire"])
        .exits(2)
        .says("on_job_succeeded");
    try_plugin(&scratch, RUN_HOOK, "hello", &["on_job_succeeded", "{\"command\": 1}"])
        .exits(2)
        .says("the job");
}

/// A recording of a run with the journal.
fn recorded(scratch: &Scratch) -> String {
    scratch.write("jobs.txt", "true\nexit 3\n");
    let run = [
        "--allow",
        "journal:script",
        "run",
        "--record",
        "journal=calls.jsonl",
        "jobs.txt",
    ];
    scratch.with_plugins(&["journal"], run).run().exits(1);
    scratch.read("calls.jsonl")
}

#[test]
fn a_recorded_run_is_replayed_without_it() {
    let scratch = Scratch::new();
    recorded(&scratch);
    std::fs::remove_dir_all(scratch.path(".xqute")).unwrap();
    let output = try_plugin(&scratch, TEST, "journal", &["--replay", "calls.jsonl"]).exits(0);
    shows(
        &output,
        &[
            "gatekeeper.decide: ",
            "observer.observe: ",
            "snippets.provide: ",
            "answers as recorded",
            "0 failed",
        ],
    );
}

#[test]
fn another_answer_than_the_recorded_one_is_a_failure() {
    let scratch = Scratch::new();
    let text = recorded(&scratch);
    assert!(text.contains("\"answer\":[[\"Proceed\""), "{text}");
    scratch.write("calls.jsonl", text.replace("\"Proceed\"", "{\"Veto\":\"no\"}"));
    let output = try_plugin(&scratch, TEST, "journal", &["--replay", "calls.jsonl"]).exits(1);
    shows(
        &output,
        &["FAIL  gatekeeper.decide: 0 of", "where the recording has", "Veto"],
    );
}

#[test]
fn recordings_that_cannot_be_are_refused() {
    let scratch = Scratch::new();
    recorded(&scratch);
    scratch
        .run(["--overwrite", "--record", "journal", "--", "true"])
        .exits(2)
        .says("PLUGIN=FILE");
    let again = [
        "--allow",
        "journal:script",
        "run",
        "--overwrite",
        "--record",
        "journal=calls.jsonl",
        "--",
        "true",
    ];
    scratch
        .with_plugins(&["journal"], again)
        .run()
        .exits(3)
        .says("name a file that does not exist yet");
    scratch
        .run(["--overwrite", "--record", "nobody=x.jsonl", "--", "true"])
        .exits(2)
        .says("--record");
    try_plugin(&scratch, TEST, "hello", &["--replay", "calls.jsonl"])
        .exits(2)
        .says("is a recording of the plugin journal, not of hello");
    scratch.write("calls.jsonl", "{}\n");
    try_plugin(&scratch, TEST, "journal", &["--replay", "calls.jsonl"])
        .exits(2)
        .says("line 1");
}
