//! `xqute status`.

use rustix::process::Signal;
use serde_json::Value;
use xqute_tests::{Scratch, wait_for};

use crate::live::{WAITS, go, running, xqute};

fn json(scratch: &Scratch, args: &[&str]) -> Value {
    let output = scratch.xqute(["status", "--json"]).args(args).run().exits(0);
    serde_json::from_str(&output.stdout).unwrap()
}

/// The status, once so many jobs stand like this.
fn once(scratch: &Scratch, standing: &str, count: u64) -> Value {
    wait_for(&format!("{count} jobs are {standing}"), || {
        let status = json(scratch, &[]);
        (status["counts"][standing] == count).then_some(status)
    })
}

/// The table without what differs from run to run: the first two lines, and times.
fn table(text: &str) -> String {
    let lines = text.lines().skip(2);
    let lines = lines.map(|line| {
        match line
            .split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .collect::<Vec<_>>()
        {
            cells if cells.len() == 5 && cells[0] != "JOB" => [cells[0], cells[1], cells[2], cells[4]].join(" | "),
            cells => cells.join(" | "),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_run_that_lives() {
    let scratch = Scratch::new();
    let run = running(
        &scratch,
        &["exit 3\n", WAITS, WAITS]
            .concat()
            .replace("exit 3", "touch ready.0; exit 3"),
        &["-j", "2", "--submission-batch", "1"],
    );
    scratch.wait_for_file("ready.1");
    scratch.wait_for_file("ready.2");
    let status = once(&scratch, "failed", 1);
    assert_eq!(status["xqute"], 1);
    assert_eq!(status["run"]["life"], "live");
    assert_eq!(status["run"]["pid"], run.pid().as_raw_nonzero().get());
    assert_eq!(status["run"]["scheduler"], "local");
    let jobs = status["jobs"].as_array().unwrap();
    assert_eq!(jobs.len(), 3);
    assert_eq!(jobs[0]["outcome"]["failed"]["exit-code"], 3);
    assert_eq!(jobs[0]["why"], "exit code 3");
    assert_eq!(jobs[1]["cmd"], WAITS.trim_end());
    once(&scratch, "running", 2);
    let text = xqute(&scratch, &["status"]).exits(0).stdout;
    assert!(
        text.contains(&format!("live, process {}", run.pid().as_raw_nonzero())),
        "{text}"
    );
    insta::assert_snapshot!(table(&text), @r#"
    3 jobs: 2 running, 1 failed

    JOB | STATE | TRY | TIME | COMMAND
    1 | running | 1 | touch "ready.$XQUTE_JOB_INDEX"; until [[ -e go ]]; do sleep 0.01; done
    2 | running | 1 | touch "ready.$XQUTE_JOB_INDEX"; until [[ -e go ]]; do sleep 0.01; done

    JOB | STATE | TRY | TIME | COMMAND
    0 | failed | 1 | touch ready.0; exit 3
    exit code 3
    "#);
    go(&scratch);
    run.wait().exits(1);
}

#[test]
fn a_run_that_is_over() {
    let scratch = Scratch::new();
    scratch.run_jobs("true\nfalse\n", ["-e", "retry", "-r", "1"]).exits(1);
    let text = xqute(&scratch, &["status"]).exits(0).stdout;
    assert!(text.lines().nth(1).unwrap().ends_with(", over"), "{text}");
    insta::assert_snapshot!(table(&text), @"
    2 jobs: 1 finished, 1 failed

    JOB | STATE | TRY | TIME | COMMAND
    1 | failed | 2 | false
    exit code 1
    ");
    let finished = xqute(&scratch, &["status", "--state", "finished"]).exits(0).stdout;
    assert!(finished.contains("true") && !finished.contains("false"), "{finished}");
    for (state, count) in [
        ("init", 0),
        ("queued", 0),
        ("submitted", 0),
        ("running", 0),
        ("killing", 0),
        ("finished", 1),
        ("failed", 1),
        ("cancelled", 0),
    ] {
        let status = json(&scratch, &["--state", state]);
        assert_eq!(status["jobs"].as_array().unwrap().len(), count, "{state}");
        assert_eq!(status["run"]["life"], "over");
    }
    let status = json(&scratch, &["--state", "failed"]);
    assert_eq!(status["jobs"][0]["attempt"], 2);
}

#[test]
fn a_run_that_is_dead() {
    let scratch = Scratch::new();
    let run = running(&scratch, &WAITS.repeat(2), &["-j", "1"]);
    once(&scratch, "running", 1);
    run.signal(Signal::KILL);
    run.wait();
    let text = xqute(&scratch, &["status"]).exits(0).stdout;
    assert!(text.contains("dead: its process is gone"), "{text}");
    assert_eq!(json(&scratch, &[])["run"]["life"], "dead");
    go(&scratch);
}

#[test]
fn a_job_that_is_being_killed() {
    let scratch = Scratch::new();
    let job = format!("trap '' TERM; {WAITS}");
    let run = running(&scratch, &job, &[]);
    once(&scratch, "running", 1);
    xqute(&scratch, &["kill", "0"]).exits(0);
    wait_for("the job is being killed", || {
        let status = json(&scratch, &["--state", "killing"]);
        (status["jobs"][0]["index"] == 0).then_some(())
    });
    run.wait().exits(1).says("1 cancelled");
}

#[test]
fn of_many_jobs_only_some_are_shown() {
    let scratch = Scratch::new();
    scratch.run_jobs(&"false\n".repeat(50), [""; 0]).exits(1);
    let text = xqute(&scratch, &["status"]).exits(0).stdout;
    assert!(text.contains("50 jobs: 50 failed"), "{text}");
    assert!(
        text.ends_with("30 more that did not succeed, see --state failed and --state cancelled\n"),
        "{text}"
    );
    let all = xqute(&scratch, &["status", "--state", "failed"]).exits(0).stdout;
    assert_eq!(all.matches("false").count(), 50);
}

#[test]
fn names_and_commands_cannot_steer_a_terminal() {
    let scratch = Scratch::new();
    scratch.run_jobs("echo '\u{1b}[2J\u{9b}'; false\n", [""; 0]).exits(1);
    let text = xqute(&scratch, &["status"]).exits(0).stdout;
    assert!(text.contains("\\u{1b}[2J\\u{9b}"), "{text}");
}

#[test]
fn no_run_at_all() {
    let scratch = Scratch::new();
    let bad = xqute(&scratch, &["status", "-w", "nowhere"]).exits(4);
    insta::assert_snapshot!(bad.stderr, @"error: there is no run in `[scratch]/here/nowhere`; choose its folder with `-w DIR`");
    assert!(!scratch.has("nowhere"), "looking leaves nothing");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let scratch = Scratch::new();
    scratch
        .run_jobs(&format!("false # {}\n", "x".repeat(1000)).repeat(200), [""; 0])
        .exits(1);
    let bash =
        scratch
            .program("/bin/bash".as_ref())
            .args(["-o", "pipefail", "-c", "\"$0\" status --json | head -c 10"]);
    let output = bash.args([xqute_tests::built::xqute()]).run().exits(0);
    assert_eq!(output.stdout, "{\"xqute\":1");
    assert_eq!(output.stderr, "");
}
