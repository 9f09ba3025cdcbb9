//! Plugins that crash, spin, hoard or answer nonsense, and what that means for their jobs. All that a plugin could try is in
//! the folder `hostile`.

use rustix::process::Signal;
use xqute_tests::{Output, Scratch};

/// The limits under which a plugin misbehaves: who computes for ever has less time than usual, so that the test has it too.
fn limits(how: &str) -> &'static str {
    if how == "spin" { "call-ms = 1500" } else { "" }
}

/// Three jobs with a plugin that misbehaves in `place`, in this way.
fn run(place: &str, how: &str, more: &str) -> (Scratch, Output) {
    let scratch = Scratch::new();
    let more = format!("limits = {{ {} }}\n{more}", limits(how));
    scratch.configure("misbehaves", &format!("in = \"{place}\", how = \"{how}\""), &more);
    scratch.write("jobs.txt", "echo 0\necho 1\necho 2\n");
    let run = scratch.with_plugins(&["misbehaves"], ["run", "-j", "1", "jobs.txt"]);
    let output = run.run();
    (scratch, output)
}

const WAYS: [(&str, &str); 3] = [("trap", "it crashed"), ("spin", "was stopped"), ("hoard", "of memory")];

#[test]
fn an_observer_that_misbehaves_harms_no_job() {
    for (how, word) in WAYS {
        let (scratch, output) = run("on_init", how, "");
        output
            .exits(0)
            .says("plugin misbehaves, call observer.observe")
            .says(word);
        assert_eq!(scratch.job(2).ended(0).stdout(), "2\n");
    }
}

#[test]
fn a_gatekeeper_that_misbehaves_fails_the_jobs_that_it_was_asked_about() {
    for (how, word) in WAYS {
        let (scratch, output) = run("on_job_submitting", how, "");
        output
            .says("plugin misbehaves, call gatekeeper.decide")
            .says(word)
            .says("3 failed");
        assert_eq!(scratch.job(0).text("job.rc"), "-2\n");
    }
}

#[test]
fn snippets_that_misbehave_fail_their_jobs() {
    for place in ["on_jobcmd_init", "on_jobcmd_prep", "on_jobcmd_end"] {
        let (scratch, output) = run(place, "trap", "");
        output.says("plugin misbehaves, call snippets.provide").says("3 failed");
        assert_eq!(scratch.job(1).text("job.rc"), "-2\n");
    }
}

#[test]
fn a_plugin_that_keeps_failing_is_quarantined_and_said_so() {
    let (_scratch, output) = run("on_job_submitting", "trap", "");
    output
        .exits(3)
        .says("is not called any more")
        .says("quarantined: plugin misbehaves: call gatekeeper.decide: it crashed");
}

#[test]
fn one_that_fails_now_and_then_is_not() {
    let (_scratch, output) = run("on_shutdown", "trap", "");
    output
        .exits(0)
        .says("plugin misbehaves")
        .does_not_say("is not called any more");
}

#[test]
fn failures_can_be_ignored() {
    let (scratch, output) = run("on_job_submitting", "trap", "on-failure = \"ignore\"");
    output.says("plugin misbehaves").says("3 succeeded");
    scratch.job(2).ended(0);
}

#[test]
fn or_halt_the_run() {
    let (scratch, output) = run("on_job_submitting", "trap", "on-failure = \"halt\"");
    output
        .exits(3)
        .says("plugin misbehaves")
        .says("halted: nothing further was started after a plugin failed")
        .does_not_say("succeeded, 3");
    assert!((0..3).all(|job| !scratch.job(job).path("job.stdout").exists()));
}

#[test]
fn a_veto_keeps_nobody_from_killing_a_run() {
    let scratch = Scratch::new();
    scratch.configure("misbehaves", "in = \"on_shutdown\", how = \"veto\"", "");
    let stubborn = "trap '' TERM; touch ready; while :; do sleep 600; done";
    let run = scratch
        .with_plugins(&["misbehaves"], ["run", "--", "bash", "-c", stubborn])
        .start();
    scratch.wait_for_file("ready");
    run.signal(Signal::TERM);
    run.wait_for_word("plugin misbehaves keeps the run from stopping on SIGTERM: never");
    run.signal(Signal::INT);
    run.wait()
        .exits(130)
        .says("SIGINT again: all jobs are killed")
        .does_not_say("no further job starts");
    scratch.has_no_processes();
}

#[test]
fn a_halt_that_nothing_was_left_for_is_not_success() {
    let (_scratch, output) = run("on_init", "trap", "on-failure = \"halt\"");
    output
        .exits(3)
        .says("halted: nothing further was started after a plugin failed");
}

#[test]
fn other_plugins_do_not_notice() {
    let scratch = Scratch::new();
    scratch.configure("misbehaves", "in = \"on_job_succeeded\", how = \"trap\"", "");
    // With a third job it could fail three times in a row.
    scratch.write("jobs.txt", "true\n".repeat(2));
    let run = scratch.with_plugins(&["misbehaves", "hello"], ["-v", "run", "-j", "1", "jobs.txt"]);
    run.run()
        .says("hello from job 0")
        .says("hello from job 1")
        .says("2 succeeded");
}

#[test]
fn a_scheduler_that_misbehaves_fails_its_jobs_and_no_more() {
    for (place, how) in [
        ("submit", "trap"),
        ("submit", "short"),
        ("submit", "spin"),
        ("wrap", "trap"),
        ("wrap", "short"),
    ] {
        let (scratch, output) = scheduled(place, how, &[]);
        output
            .exits(1)
            .says("misbehaves")
            .says(&format!("scheduler.{place}"))
            .says("2 failed");
        assert_eq!(scratch.job(0).text("job.rc"), "-2\n", "{place} {how}");
    }
}

/// Two jobs on a scheduler that misbehaves.
fn scheduled(place: &str, how: &str, more: &[&str]) -> (Scratch, Output) {
    let scratch = Scratch::new();
    scratch.write("xqute.toml", format!("[plugins.misbehaves.limits]\n{}\n", limits(how)));
    scratch.write("jobs.txt", "true\ntrue\n");
    let (place, how) = (format!("in={place}"), format!("how={how}"));
    let flags = [
        "run",
        "-s",
        "misbehaves",
        "--opt",
        &place,
        "--opt",
        &how,
        "--recheck-interval",
        "0.05",
    ];
    let output = scratch
        .with_plugins(&["misbehaves"], flags)
        .args(more)
        .args(["jobs.txt"])
        .run();
    (scratch, output)
}
