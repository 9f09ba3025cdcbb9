//! Schedulers that plugins bring. `fake_sched` runs nothing and answers as it is told.

use xqute_tests::{Output, Scratch};

fn run(answer: &str, more: &[&str]) -> (Scratch, Output) {
    let scratch = Scratch::new();
    let answer = format!("answer={answer}");
    let flags = [
        "run",
        "-s",
        "fake-sched",
        "--opt",
        &answer,
        "--recheck-interval",
        "0.05",
    ];
    let output = scratch
        .with_plugins(&["fake_sched"], flags)
        .args(more)
        .args(["--", "touch", "ran"])
        .run();
    assert!(!scratch.has("ran"), "the fake has run a job");
    (scratch, output)
}

#[test]
fn its_word_counts() {
    let (scratch, output) = run("succeeded", &[]);
    output.exits(0);
    let job = scratch.job(0);
    assert_eq!(job.text("job.status"), "6\n");
    let id = job.text("job.jid");
    assert!(id.ends_with(".0.1\n"), "{id}");
    let script = job.text("job.wrapped.fake-sched");
    assert!(
        script.starts_with("#!/bin/bash\n#FAKE --name=fake-sched-0\n"),
        "{script}"
    );
}

#[test]
fn every_other_answer() {
    for (answer, rc, words) in [
        ("7", "7\n", "exit code 7"),
        ("lost", "-3\n", "lost"),
        ("cancelled", "143\n", "cancelled in the backend"),
        ("refused", "-2\n", "refused, as the option `answer` wants it"),
    ] {
        let (scratch, output) = run(answer, &[]);
        output.exits(1).says(words);
        let job = scratch.job(0);
        assert_eq!(
            (job.text("job.rc").as_str(), job.text("job.status").as_str()),
            (rc, "7\n"),
            "{answer}"
        );
    }
}

#[test]
fn no_answer_is_not_gone_but_not_for_ever() {
    let (scratch, output) = run("unknown", &[]);
    output.exits(1).says("lost");
    assert_eq!(scratch.job(0).text("job.rc"), "-3\n");
}

#[test]
fn it_is_asked_until_the_job_has_ended() {
    let (_scratch, output) = run("running,unknown,running,succeeded", &[]);
    output.exits(0);
}

#[test]
fn what_it_refuses_is_tried_again_when_wanted() {
    let (scratch, output) = run("refused", &["-e", "retry", "-r", "2"]);
    output.exits(1);
    assert!(scratch.job(0).attempt(2).exists());
    assert!(!scratch.job(0).attempt(3).exists());
}

#[test]
fn job_names_have_a_prefix() {
    let (scratch, output) = run("succeeded", &["--jobname-prefix", "night"]);
    output.exits(0);
    assert!(
        scratch
            .job(0)
            .text("job.wrapped.fake-sched")
            .contains("#FAKE --name=night-0\n")
    );
}

#[test]
fn those_that_could_be_used_are_named_when_one_is_not_known() {
    let scratch = Scratch::new();
    let flags = ["run", "-s", "nope", "--", "touch", "ran"];
    let output = scratch.with_plugins(&["fake_sched", "hello"], flags).run().exits(2);
    output.says(
        "there is no scheduler `nope`; known are `local`, `container`, `fake-sched`, `gbatch`, `sge`, `slurm`, `ssh`",
    );
    assert!(!scratch.has("ran"));
}

#[test]
fn a_plugin_may_be_no_scheduler() {
    let output = Scratch::new().run(["-s", "journal", "--", "touch", "ran"]).exits(2);
    output
        .says("`journal` is a plugin but no scheduler")
        .says("known are `local`, `container`, `gbatch`, `sge`, `slurm`, `ssh`");
}

#[test]
fn one_that_is_disabled_is_said_to_be() {
    let flags = ["--disable", "slurm", "run", "-s", "slurm", "--", "true"];
    let output = Scratch::new().xqute(flags).run().exits(2);
    output
        .says("the plugin `slurm` is disabled")
        .does_not_say("`sge`, `slurm`");
}
