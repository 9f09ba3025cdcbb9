//! Runs where all goes well.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStringExt as _,
};

use xqute_tests::Scratch;

use crate::backend::Batch;

#[test]
fn a_hundred_jobs_are_tasks_of_one_job_and_their_results_come_back() {
    let scratch = Scratch::new();
    let test = "a_hundred_jobs_are_tasks_of_one_job_and_their_results_come_back";
    let Some(batch) = Batch::own(test, &scratch) else {
        return;
    };
    let jobs: String = (0..98)
        .map(|number| format!("echo $(({number} * {number}))\n"))
        .collect();
    scratch.write("jobs.txt", [&jobs, "echo oh >&2; exit 3\n", "kill -KILL $$\n"].concat());
    let run = batch
        .run(["-j", "100", "--submission-batch", "100", "jobs.txt"])
        .run()
        .exits(1);
    run.says("98 succeeded")
        .says("2 failed")
        .says("exit code 3")
        .says("137");
    for number in 0..98 {
        assert_eq!(scratch.job(number).ended(0).stdout(), format!("{}\n", number * number));
    }
    assert_eq!(scratch.job(98).ended(3).stderr(), "oh\n");
    let (job, task) = batch.task_of(98);
    assert!(job.starts_with("gbatch-0-") && job.ends_with("-100"), "{job}");
    assert_eq!(task, "98");
    assert_eq!(batch.state_of(0), "FAILED", "one of its tasks is");
    assert_eq!(batch.requests("POST", "/jobs"), 1);
}

#[test]
fn arguments_arrive_as_they_are() {
    let scratch = Scratch::new();
    let Some(batch) = Batch::shared("arguments_arrive_as_they_are", &scratch) else {
        return;
    };
    let words = [
        "",
        "two words",
        "it's",
        "\"",
        "$HOME",
        "`id`",
        "a\nb",
        "{script}",
        "${BATCH_TASK_INDEX}",
    ];
    let mut args: Vec<Vec<u8>> = words.map(|arg| arg.as_bytes().to_vec()).to_vec();
    args.extend((1..=255).map(|byte| vec![b'x', byte, byte]));
    let printf = ["--", "printf", "%s\\0"].map(OsString::from);
    let all = printf.into_iter().chain(args.iter().cloned().map(OsString::from_vec));
    batch
        .run([])
        .args(all.collect::<Vec<_>>().iter().map(OsStr::new))
        .run()
        .exits(0);
    let expected: Vec<u8> = args.iter().flat_map(|arg| [arg, [0].as_slice()].concat()).collect();
    assert!(scratch.job(0).ended(0).bytes("job.stdout") == expected);
}

#[test]
fn a_failed_attempt_is_followed_by_another() {
    let scratch = Scratch::new();
    let Some(batch) = Batch::shared("a_failed_attempt_is_followed_by_another", &scratch) else {
        return;
    };
    let script = "echo attempt $XQUTE_JOB_ATTEMPT; [ $XQUTE_JOB_ATTEMPT = 2 ]\n";
    scratch.write("jobs.txt", script);
    batch
        .run(["-e", "retry", "--num-retries", "1", "jobs.txt"])
        .run()
        .exits(0);
    assert_eq!(scratch.job(0).ended(0).stdout(), "attempt 2\n");
    assert_eq!(scratch.job(0).attempt(1).stdout(), "attempt 1\n");
}
