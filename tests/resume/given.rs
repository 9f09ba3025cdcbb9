//! The jobs that are given again are compared with those that are recorded.

use std::fs;

use xqute_tests::Scratch;

use crate::host::{WAITS, kill, once, resume, starts, status};

/// A run of three jobs that is over.
fn over() -> Scratch {
    let scratch = Scratch::new();
    scratch.run_jobs(&jobs(&["a", "b", "c"]), [""; 0]).exits(0);
    scratch
}

/// Jobs that tell that they ran.
fn jobs(names: &[&str]) -> String {
    names.iter().map(|name| format!("echo {name} >> {name}\n")).collect()
}

/// Goes on with these jobs.
fn with(scratch: &Scratch, names: &[&str]) -> xqute_tests::Output {
    scratch.write("jobs.txt", jobs(names));
    resume(scratch, &[])
}

#[test]
fn a_changed_job_is_refused() {
    let scratch = over();
    let output = with(&scratch, &["a", "new", "c"]).exits(2);
    output
        .says("jobs.txt:2:")
        .says("job 1 is not what it was when the run began")
        .says("its command was `echo b >> b` and is `echo new >> new`")
        .says("--overwrite");
    assert!(!scratch.has("new"));
    scratch.write("jobs.jsonl", "{\"cmd\": \"echo a >> a\", \"timeout\": \"5s\"}\n");
    let output = scratch.run(["--resume", "jobs.jsonl"]).exits(2);
    output
        .says("jobs.jsonl:1:")
        .says("its command is the same, but not its timeout");
}

#[test]
fn so_is_another_order() {
    let scratch = over();
    let output = with(&scratch, &["b", "a", "c"]).exits(2);
    output
        .says("jobs.txt:1:")
        .says("its command was `echo a >> a` and is `echo b >> b`");
}

#[test]
fn so_are_fewer_jobs() {
    let scratch = over();
    let output = with(&scratch, &["a", "b"]).exits(2);
    output.says("the run began with 3 jobs, but only 2 are given now");
}

#[test]
fn more_jobs_are_added() {
    let scratch = over();
    with(&scratch, &["a", "b", "c", "d"])
        .exits(0)
        .says("1 is new")
        .says("4 succeeded");
    assert_eq!((scratch.read("a"), scratch.read("d")), ("a\n".into(), "d\n".into()));
    // They belong to it from now on.
    with(&scratch, &["a", "b", "c"]).exits(2);
    with(&scratch, &["a", "b", "c", "d"]).exits(0).says("4 jobs are done");
}

#[test]
fn no_jobs_mean_those_that_are_recorded() {
    let scratch = over();
    fs::remove_file(scratch.path("jobs.txt")).unwrap();
    scratch
        .run(["--resume"])
        .exits(0)
        .says("3 jobs are done")
        .says("3 succeeded");
}

#[test]
fn a_pipe_is_compared_as_well() {
    let scratch = Scratch::new();
    let pipe = |how: &[&str], names: &[&str]| {
        let run = scratch.xqute(["run", "-"]).args(how);
        run.stdin(jobs(names)).run()
    };
    pipe(&[], &["a", "b"]).exits(0);
    pipe(&["--resume"], &["a", "b", "c"])
        .exits(0)
        .says("2 jobs are done")
        .says("3 succeeded");
    assert_eq!((scratch.read("a"), scratch.read("c")), ("a\n".into(), "c\n".into()));
    pipe(&["--resume"], &["a", "x", "c"])
        .exits(2)
        .says("its command was `echo b >> b`");
    pipe(&["--resume"], &["a", "b"]).exits(2).says("began with 3 jobs");
    assert!(!scratch.has("x"));
}

#[test]
fn jobs_that_were_fed_live_survive_and_are_not_compared() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", format!("{WAITS}\n"));
    let args = ["run", "--listen", "-j", "1", "--submission-batch", "1", "jobs.txt"];
    let running = scratch.xqute(args).start();
    scratch.wait_for_file("ready.0");
    scratch.xqute(["feed", "--", "touch", "fed"]).run().exits(0);
    // What was accepted is recorded.
    kill(running);
    let running = scratch.xqute(["run", "--resume", "-j", "1", "jobs.txt"]).start();
    running.wait_for_word("resuming: 0 jobs are done, 1 waits, 1 may still run");
    assert!(!scratch.has("fed"));
    scratch.write("go", "");
    running.wait().exits(0).says("2 succeeded");
    assert!(scratch.has("fed"));
    assert_eq!(starts(&scratch, 0), 1);
    assert_eq!(status(&scratch)["jobs"].as_array().unwrap().len(), 2);
}

#[test]
fn another_scheduler_is_refused() {
    let scratch = over();
    let args = ["run", "-s", "fake-sched", "--resume", "jobs.txt"];
    let output = scratch.with_plugins(&["fake_sched"], args).run().exits(2);
    output.says("jobs of this run are with the scheduler `local`, not with `fake-sched`; go on with `-s local`");
    once(&scratch, "finished", 3);
}
