//! `--events`: what happens, line by line.

use std::{
    fs::{File, OpenOptions},
    io::Read as _,
    os::unix::fs::symlink,
    path::Path,
};

use rustix::{
    fs::{CWD, FileType, Mode, mknodat},
    process::Signal,
};
use serde_json::Value;
use xqute_tests::{Scratch, wait_until};

/// All lines of a file of events.
fn events(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What happened to one job, in order.
fn of_job(events: &[Value], job: u32) -> Vec<&str> {
    let ours = events.iter().filter(|event| event["job"] == job);
    ours.map(|event| event["event"].as_str().unwrap()).collect()
}

#[test]
fn every_job_is_told_from_feeding_to_its_end() {
    let scratch = Scratch::new();
    scratch.write("tries", "");
    let jobs = "true\nexit 3\necho x >> tries; (( $(wc -l < tries) == 2 ))\n";
    let flags = [
        "--events",
        "e.jsonl",
        "-e",
        "retry",
        "-r",
        "1",
        "-j",
        "2",
        "--jobname-prefix",
        "p",
    ];
    scratch.run_jobs(jobs, flags).exits(1);
    let events = events(&scratch.read("e.jsonl"));
    assert_eq!(events[0]["xqute-events"], 1);
    assert_eq!(events[0]["scheduler"], "local");
    assert_eq!(events[0]["workdir"], scratch.path(".xqute").to_str().unwrap());
    let once = ["fed", "submitted", "started", "ended"];
    let twice = ["fed", "submitted", "started", "ended", "submitted", "started", "ended"];
    assert_eq!(of_job(&events, 0), once);
    assert_eq!(of_job(&events, 1), twice);
    assert_eq!(of_job(&events, 2), twice);
    let last = events.last().unwrap();
    assert_eq!(last["event"], "over");
    assert_eq!(
        (&last["fed"], &last["succeeded"], &last["failed"], &last["retries"]),
        (&3.into(), &2.into(), &1.into(), &2.into())
    );
    let fed = events
        .iter()
        .find(|event| event["event"] == "fed" && event["job"] == 1)
        .unwrap();
    assert_eq!(
        (&fed["name"], &fed["cmd"], &fed["origin"]),
        (&"p-1".into(), &"exit 3".into(), &"given".into())
    );
    let ends: Vec<_> = events
        .iter()
        .filter(|event| event["event"] == "ended" && event["job"] == 1)
        .collect();
    for (end, (attempt, will_retry)) in ends.iter().zip([(1, true), (2, false)]) {
        assert_eq!(
            (&end["attempt"], &end["will_retry"]),
            (&attempt.into(), &will_retry.into())
        );
        assert_eq!(
            (&end["outcome"], &end["cause"], &end["detail"]),
            (&"failed".into(), &"exit-code".into(), &3.into())
        );
    }
    let times: Vec<_> = events.iter().map(|event| event["at"].as_str().unwrap()).collect();
    assert!(
        times
            .iter()
            .all(|at| at.len() == "2026-03-01T12:00:00.000000Z".len() && at.ends_with('Z'))
    );
}

#[test]
fn arguments_that_are_no_text_are_told_byte_by_byte() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};
    let scratch = Scratch::new();
    let run = scratch.xqute(["run", "--events", "e.jsonl", "--", "true"]);
    run.args([OsStr::from_bytes(b"\xff\x01")]).run().exits(0);
    let events = events(&scratch.read("e.jsonl"));
    assert_eq!(events[1]["cmd"], serde_json::json!(["true", "\u{fffd}\u{1}"]));
    assert_eq!(
        events[1]["cmd_bytes"],
        serde_json::json!([[116, 114, 117, 101], [255, 1]])
    );
}

#[test]
fn a_run_replaces_what_another_one_told() {
    let scratch = Scratch::new();
    scratch.run(["--events", "e.jsonl", "-w", "one", "--", "true"]).exits(0);
    let first = scratch.read("e.jsonl");
    scratch
        .run(["--events", "e.jsonl", "-w", "two", "--", "false"])
        .exits(1);
    let second = scratch.read("e.jsonl");
    assert_eq!(first.lines().count(), second.lines().count());
    assert_ne!(events(&first)[0]["run"], events(&second)[0]["run"]);
}

#[test]
fn somebody_may_read_along_through_a_pipe() {
    let scratch = Scratch::new();
    let output = scratch.run(["--events", "/dev/stdout", "--", "true"]).exits(0);
    let events = events(&output.stdout);
    assert_eq!(of_job(&events, 0), ["fed", "submitted", "started", "ended"]);
}

/// A pipe at `place`, and somebody at its other end.
fn reader_of_a_pipe(place: &Path) -> File {
    mknodat(CWD, place, FileType::Fifo, Mode::from(0o600), 0).unwrap();
    // Does not wait for a writer, as it is one itself.
    OpenOptions::new().read(true).write(true).open(place).unwrap()
}

#[test]
fn a_reader_that_takes_nothing_keeps_nobody_from_stopping_a_run() {
    let scratch = Scratch::new();
    let _reader = reader_of_a_pipe(&scratch.path("e"));
    // The lines of so many and so long jobs fill whatever there is between both.
    let long = format!("true {}\n", "x".repeat(40_000));
    let jobs = ["touch ready; sleep 600\n".to_owned(), long.repeat(100)].concat();
    scratch.write("jobs.txt", jobs);
    let running = scratch.xqute(["run", "--events", "e", "-j", "1", "jobs.txt"]).start();
    scratch.wait_for_file("ready");
    running.signal(Signal::INT);
    // The job is told to end meanwhile.
    wait_until("the job has ended", || scratch.job(0).path("job.rc").exists());
    running.wait_for_word("warning: SIGINT: no further job starts");
    running.signal(Signal::INT);
    running.wait().exits(130).says("not complete").says("101 cancelled");
    let state = scratch.xqute(["status"]).run().stdout;
    assert!(state.contains("101 cancelled"), "{state}");
}

#[test]
fn a_reader_that_is_slow_gets_everything() {
    let scratch = Scratch::new();
    let mut reader = reader_of_a_pipe(&scratch.path("e"));
    let running = scratch.xqute(["run", "--events", "e", "jobs.txt"]);
    scratch.write("jobs.txt", format!("true {}\n", "x".repeat(40_000)).repeat(100));
    let running = running.start();
    let mut text = Vec::new();
    let mut part = vec![0; 1 << 16];
    while !text.ends_with(b"\n") || !String::from_utf8_lossy(&text).contains("\"event\":\"over\"") {
        let length = reader.read(&mut part).unwrap();
        text.extend_from_slice(&part[..length]);
    }
    running.wait().exits(0);
    let events = events(str::from_utf8(&text).unwrap());
    assert_eq!(events.iter().filter(|event| event["event"] == "ended").count(), 100);
}

#[test]
fn places_for_events_are_looked_at_before_anything_runs() {
    let scratch = Scratch::new();
    scratch.write("jobs.jsonl", "{\"cmd\": \"true\"}\n");
    symlink("jobs.jsonl", scratch.path("link")).unwrap();
    for (place, words) in [
        (".", "Is a directory"),
        ("none/e.jsonl", "there is no such folder"),
        ("jobs.jsonl", "is not a file of events"),
        ("link", "is not a file of events"),
    ] {
        scratch
            .run(["--events", place, "jobs.jsonl"])
            .exits(2)
            .says(words)
            .says("--events");
    }
    assert_eq!(scratch.read("jobs.jsonl"), "{\"cmd\": \"true\"}\n");
    assert!(!scratch.has(".xqute"));
    // A run that cannot start leaves no file behind.
    scratch.run(["--events", "e.jsonl", "none.txt"]).exits(2);
    assert!(!scratch.has("e.jsonl"));
}

#[test]
fn a_full_disk_stops_the_events_and_not_the_run() {
    let scratch = Scratch::new();
    let output = scratch.run(["--events", "/dev/full", "--", "touch", "done"]).exits(4);
    output.says("/dev/full").says("not complete").says("1 succeeded");
    assert!(scratch.has("done"));
}

#[test]
fn a_run_that_was_stopped_says_so() {
    let scratch = Scratch::new();
    let flags = ["--events", "e.jsonl", "-e", "halt", "-j", "1"];
    scratch.run_jobs("false\ntrue\n", flags).exits(1);
    let events = events(&scratch.read("e.jsonl"));
    assert_eq!(events.last().unwrap()["stopped"], "halted");
    let cancelled = events.iter().find(|event| event["outcome"] == "cancelled").unwrap();
    assert_eq!((&cancelled["job"], &cancelled["cause"]), (&1.into(), &"halted".into()));
}

#[test]
fn a_resumed_run_goes_on_in_the_same_file() {
    let scratch = Scratch::new();
    let jobs = scratch.write("jobs.txt", "touch started; [ -e go ] || sleep 1000\ntrue\n");
    let args = ["run", "--events", "e.jsonl", "-j", "1"];
    let run = scratch.xqute(args).args([&jobs]).start();
    scratch.wait_for_file("started");
    run.signal(Signal::TERM);
    run.wait().exits(143);
    scratch.write("go", "");
    let run = scratch
        .xqute(args)
        .args(["--resume", "--report", "r.html"])
        .args([&jobs]);
    run.run().exits(0);
    let events = events(&scratch.read("e.jsonl"));
    let heads: Vec<_> = events.iter().filter(|event| !event["xqute-events"].is_null()).collect();
    assert_eq!(heads.len(), 2);
    assert_eq!(heads[0]["run"], heads[1]["run"]);
    assert_eq!(events.iter().filter(|event| event["event"] == "fed").count(), 2);
    let stops: Vec<_> = events.iter().filter(|event| event["event"] == "over").collect();
    assert_eq!(
        (&stops[0]["stopped"], &stops[0]["signal"]),
        (&"signalled".into(), &15.into())
    );
    assert_eq!(
        (&stops[1]["succeeded"], &stops[1]["stopped"]),
        (&2.into(), &Value::Null)
    );
    assert!(scratch.read("r.html").contains("All of them succeeded."));
}
