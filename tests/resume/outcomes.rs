//! What is done stays done; what is not runs.

use rustix::process::Signal;
use xqute_tests::Scratch;

use crate::host::{SHORT, WAITS, kill, once, resume, starts, status};

#[test]
fn what_is_done_does_not_run_again_and_what_failed_only_when_it_is_asked_for() {
    let scratch = Scratch::new();
    let jobs = format!("{SHORT}\n{SHORT}; [[ -e mended ]]\n");
    scratch.run_jobs(&jobs, [""; 0]).exits(1);
    let output = resume(&scratch, &[]).exits(1).says("2 jobs are done, 0 wait");
    output.says("1 succeeded, 1 failed");
    assert_eq!((starts(&scratch, 0), starts(&scratch, 1)), (1, 1));
    scratch.write("mended", "");
    let again = scratch.run(["--resume-failed", "jobs.txt"]).exits(0);
    again.says("1 job is done, 1 waits").says("2 succeeded");
    assert_eq!((starts(&scratch, 0), starts(&scratch, 1)), (1, 2));
    // The earlier attempt is kept.
    scratch.job(1).ended(0).attempt(1).ended(1);
    assert_eq!(status(&scratch)["jobs"][1]["attempt"], 2);
}

#[test]
fn a_run_that_was_stopped_goes_on_with_the_rest() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", format!("{SHORT}\n{WAITS}\n{SHORT}\n"));
    let args = ["run", "-j", "1", "--submission-batch", "1", "jobs.txt"];
    let running = scratch.xqute(args).start();
    scratch.wait_for_file("ready.1");
    running.signal(Signal::INT);
    running.wait().exits(130).says("1 succeeded, 2 cancelled");
    scratch.write("go", "");
    resume(&scratch, &[])
        .exits(0)
        .says("1 job is done, 2 wait")
        .says("3 succeeded");
    let all: Vec<_> = (0..3).map(|job| starts(&scratch, job)).collect();
    assert_eq!(all, [1, 2, 1]);
}

#[test]
fn without_anything_to_go_on_with_a_new_run_starts() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", SHORT);
    resume(&scratch, &[])
        .exits(0)
        .says("1 succeeded")
        .does_not_say("resuming");
    assert_eq!(starts(&scratch, 0), 1);
}

#[test]
fn overwriting_starts_anew() {
    let scratch = Scratch::new();
    scratch.run_jobs(&format!("{SHORT}\n{SHORT}\n"), [""; 0]).exits(0);
    scratch.run_jobs(&format!("{SHORT}\n"), ["--overwrite"]).exits(0);
    assert_eq!((starts(&scratch, 0), starts(&scratch, 1)), (2, 1));
    assert_eq!(status(&scratch)["jobs"].as_array().unwrap().len(), 1);
    assert!(!scratch.job(1).exists());
}

#[test]
fn jobs_come_after_jobs_that_were_done_before() {
    let scratch = Scratch::new();
    let job = |name: &str, cmd: &str, after: &str| {
        format!("{{\"name\": \"{name}\", \"cmd\": {cmd:?}, \"after\": [{after}]}}\n")
    };
    let jobs = [
        job("good", SHORT, ""),
        job("bad", &format!("{SHORT}; exit 3"), ""),
        job(
            "long",
            &WAITS.replace('"', "'").replace("'ready.$XQUTE_JOB_INDEX'", "ready.2"),
            "",
        ),
        job("late", SHORT, "\"good\", \"long\""),
    ]
    .concat();
    scratch.write("jobs.jsonl", &jobs);
    let running = scratch
        .xqute(["run", "-j", "1", "--submission-batch", "1", "jobs.jsonl"])
        .start();
    scratch.wait_for_file("ready.2");
    once(&scratch, "failed", 1);
    kill(running);
    scratch.write("go", "");
    let more = [job("last", SHORT, "\"late\", 0"), job("never", SHORT, "\"bad\"")].concat();
    scratch.write("jobs.jsonl", jobs + &more);
    let output = scratch.run(["--resume", "jobs.jsonl"]).exits(1);
    output.says("4 succeeded, 1 failed, 1 cancelled");
    assert_eq!(starts(&scratch, 4), 1);
    assert_eq!(starts(&scratch, 5), 0);
    assert_eq!(status(&scratch)["jobs"][5]["state"], "cancelled");
}
