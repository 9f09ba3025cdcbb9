//! Plugins that do not come to an end, or come to a bad one.

use rustix::process::Signal;
use xqute_tests::{Scratch, built};

use crate::{attempt::Attempt, forged::Forged};

/// Who observes is told by another: it harms no job to spin there.
const OBSERVED: [&str; 7] = [
    "on_init",
    "on_shutdown",
    "on_job_init",
    "on_job_queued",
    "on_job_submitted",
    "on_job_started",
    "on_job_succeeded",
];

#[test]
fn spinning_in_an_observing_hook() {
    for hook in OBSERVED {
        let tried = Attempt::of_misbehaves(hook, "spin").hurried().run();
        tried.blames("observer.observe").says("was stopped").harmed_no_job();
    }
    let tried = Attempt::of_misbehaves("on_job_failed", "spin").hurried().run();
    tried.blames("observer.observe").says("was stopped").harmed_no_job();
}

#[test]
fn spinning_where_a_submission_waits_for_the_answer() {
    for (hook, call) in [
        ("on_job_submitting", "gatekeeper.decide"),
        ("on_jobcmd_init", "snippets.provide"),
        ("on_jobcmd_prep", "snippets.provide"),
        ("on_jobcmd_end", "snippets.provide"),
    ] {
        let tried = Attempt::of_misbehaves(hook, "spin").hurried().run();
        tried
            .blames(call)
            .says("was stopped")
            .says("is not called any more")
            .kept_all_jobs_from_running();
    }
}

#[test]
fn spinning_when_a_run_is_told_to_stop() {
    for (hook, call) in [
        ("on_job_killing", "gatekeeper.decide"),
        ("on_job_killed", "observer.observe"),
        ("on_shutdown", "gatekeeper.decide"),
    ] {
        let attempt = Attempt::of_misbehaves(hook, "spin").hurried();
        let run = attempt.start(&["bash", "-c", "touch ready; sleep 600"]);
        attempt.scratch.wait_for_file("ready");
        run.signal(Signal::TERM);
        let blame = format!("plugin misbehaves, call {call}");
        run.wait_for_word(&blame);
        // Nobody is asked about a second signal.
        run.signal(Signal::TERM);
        run.wait().exits(143).says(&blame).says("was stopped");
        attempt.scratch.has_no_processes();
    }
}

#[test]
fn spinning_while_jobs_are_asked_about() {
    let attempt = Attempt::of_misbehaves("on_job_polling", "spin")
        .hurried()
        .flags(["--recheck-interval", "0.5"]);
    let run = attempt.start(&["sleep", "600"]);
    run.wait_for_word("plugin misbehaves, call observer.observe");
}

#[test]
fn spinning_in_a_scheduler() {
    for place in ["wrap", "submit"] {
        let tried = Attempt::of_scheduler(place, "spin").hurried().run();
        tried
            .blames(&format!("scheduler.{place}"))
            .says("was stopped")
            .kept_all_jobs_from_running();
    }
}

#[test]
fn spinning_when_a_scheduler_is_opened() {
    let said = Attempt::of_scheduler("open", "spin").hurried().refused();
    assert!(said.contains("plugin misbehaves, call scheduler.open"), "{said}");
}

#[test]
fn spinning_when_a_scheduler_is_asked_about_jobs() {
    let attempt = Attempt::of_scheduler("poll", "spin").hurried();
    let run = attempt.start(&["true"]);
    // It is asked again later: what it did not say is nothing to the job.
    run.wait_for_word("plugin misbehaves, call scheduler.poll");
}

#[test]
fn spinning_when_a_scheduler_cancels() {
    let attempt = Attempt::of("spins_in_cancel").scheduling().hurried();
    let run = attempt.start(&["true"]);
    attempt.scratch.wait_for_file(".xqute/0/job.jid");
    run.signal(Signal::TERM);
    // It is tried again later: the job still runs, as far as anybody knows.
    run.wait_for_word("plugin hostile, call scheduler.cancel");
    run.signal(Signal::TERM);
    run.wait_for_word("TERM again");
    run.signal(Signal::TERM);
    run.wait()
        .exits(143)
        .says("1 job was left behind and may still run")
        .says("go on with `--resume`");
}

#[test]
fn spinning_when_a_scheduler_looks_for_the_jobs_of_an_earlier_run() {
    let attempt = Attempt::of("spins_in_find").scheduling().hurried();
    let run = attempt.start(&["true"]);
    attempt.scratch.wait_for_file(".xqute/0/job.jid");
    run.signal(Signal::KILL);
    drop(run);
    let again = attempt.flags(["--resume"]);
    let run = again.start(&["true"]);
    run.wait_for_word("plugin hostile, call scheduler.find");
}

#[test]
fn spinning_before_it_says_who_it_is() {
    let said = Attempt::of("spins_in_describe").refused();
    assert!(
        said.contains("spins_in_describe.wasm") && said.contains("about.describe") && said.contains("was stopped"),
        "{said}"
    );
}

#[test]
fn spinning_while_it_starts() {
    let spinning = Forged {
        observe: Some(""),
        more: "(func $spin (loop (br 0))) (start $spin)".to_owned(),
        ..Forged::default()
    };
    let said = Attempt::of_component(&spinning.component()).refused();
    assert!(
        said.contains("hostile.wasm") && said.contains("(start)") && said.contains("was stopped"),
        "{said}"
    );
}

#[test]
fn asking_the_host_without_end() {
    let tried = Attempt::of("asks_without_end").hurried().run();
    tried.blames("observer.observe").says("was stopped").harmed_no_job();
}

#[test]
fn recursing_without_end() {
    let tried = Attempt::of("recurses").run();
    tried.blames("observer.observe").says("it crashed").harmed_no_job();
}

#[test]
fn sleeping_in_the_host() {
    let tried = Attempt::of("wasi_sleeps").hurried().run();
    tried.blames("observer.observe").says("was stopped").harmed_no_job();
}

#[test]
fn waiting_for_a_program_that_never_ends() {
    let tried = Attempt::of("waits_for_a_program").hurried().allowed("run=bash").run();
    assert!(tried.scratch.has("started"));
    // It is killed with all that it started, although it heeds no SIGTERM.
    tried.blames("observer.observe").says("was stopped").harmed_no_job();
}

#[test]
fn crashing_before_it_says_who_it_is() {
    let said = Attempt::of("traps_in_describe").refused();
    assert!(said.contains("about.describe") && said.contains("it crashed"), "{said}");
}

#[test]
fn crashing_when_it_is_opened() {
    let attempt = Attempt::of_scheduler("open", "trap");
    let said = attempt.refused();
    assert!(said.contains("scheduler.open") && said.contains("it crashed"), "{said}");
}

#[test]
fn crashing_in_the_hundredth_call() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "true\n".repeat(150));
    let plugin = built::plugin("hostile/traps_on_the_hundredth_call");
    let run = scratch
        .xqute(["--plugin"])
        .args([plugin])
        .args(["run", "-j", "1", "jobs.txt"]);
    run.run()
        .exits(1)
        .says("plugin hostile, call gatekeeper.decide: it crashed")
        .says("149 succeeded, 1 failed")
        .does_not_say("is not called any more");
    assert_eq!(scratch.job(99).text("job.rc"), "-2\n");
    scratch.job(100).ended(0);
}

#[test]
fn ending_its_process() {
    let tried = Attempt::of("wasi_exits").run();
    tried.blames("observer.observe").says("exit").harmed_no_job();
    let said = Attempt::of("wasi_exits_in_describe").refused();
    assert!(said.contains("about.describe") && said.contains("exit"), "{said}");
}
