//! Many jobs, one submission.

use std::collections::BTreeSet;

use xqute_tests::{Scratch, docs::page};

use crate::service::{Slurm, ended};

#[test]
fn many_jobs_are_one_submission_and_each_is_itself() {
    let scratch = Scratch::new();
    let line =
        "echo \"$SLURM_JOB_NAME $XQUTE_JOB_INDEX $SLURM_ARRAY_TASK_ID\"; echo oh >&2; [ $XQUTE_JOB_INDEX != 7 ]\n";
    scratch.write("50%/jobs.txt", line.repeat(12));
    let Some(slurm) = Slurm::shared("many_jobs_are_one_submission_and_each_is_itself") else {
        return;
    };
    // Slurm replaces `%` and what follows it in the names of files.
    let run = slurm.run(&scratch, ["-j", "12", "-w", "%j/%a", "50%/jobs.txt"]);
    run.run().exits(1).says("11 succeeded");
    let mut arrays = BTreeSet::new();
    for index in 0..12 {
        let job = xqute_tests::JobDir::new(scratch.path("%j/%a").join(index.to_string()));
        let id = job.id();
        let (array, task) = id.split_once('_').unwrap();
        arrays.insert(array.to_owned());
        assert_eq!(task, index.to_string());
        assert_eq!(job.stdout(), format!("slurm-{index} {index} {index}\n"));
        assert_eq!(job.stderr(), "oh\n");
        assert_eq!(job.text("job.slurm"), "", "Slurm's own words have their place");
        ended(&job, if index == 7 { "1" } else { "0" });
    }
    assert_eq!(arrays.len(), 1, "{arrays:?}");
}

#[test]
fn a_retry_is_a_job_of_its_own() {
    let scratch = Scratch::new();
    let line = "[ $XQUTE_JOB_INDEX != 2 ] || [ -e ok ] || { touch ok; exit 3; }\n";
    scratch.write("jobs.txt", line.repeat(5));
    let Some(slurm) = Slurm::shared("a_retry_is_a_job_of_its_own") else {
        return;
    };
    let run = slurm.run(&scratch, ["-j", "5", "-e", "retry", "jobs.txt"]);
    run.run().exits(0).says("5 succeeded");
    let job = scratch.job(2).ended(0);
    assert!(job.attempt(1).text("job.jid").contains('_'));
    assert!(!job.text("job.jid").contains('_'));
    ended(&job.attempt(1), "3");
}

#[test]
fn a_killed_job_does_not_take_its_array_along() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "sleep 1\n".repeat(6));
    let Some(slurm) = Slurm::shared("a_killed_job_does_not_take_its_array_along") else {
        return;
    };
    let run = slurm
        .run(&scratch, ["-j", "6", "--opt", "hold=true", "jobs.txt"])
        .start();
    let (second, fifth) = (scratch.job(1).id(), scratch.job(4).id());
    // One by hand, one by xqute. Neither has started, so Slurm forgets both at once.
    slurm.ask(&scratch, "scancel", &[&second]);
    scratch.xqute(["kill", "4"]).run().exits(0);
    assert_eq!(slurm.state(&scratch, &second), "");
    let array = fifth.split_once('_').unwrap().0;
    slurm.ask(&scratch, "scontrol", &["release", array]);
    run.wait().exits(1).says("4 succeeded").says("2 cancelled");
}

#[test]
fn the_example_of_the_page_works() {
    let scratch = Scratch::new();
    let page = page("plugins/slurm/README.md");
    let command = page
        .lines()
        .find_map(|line| line.strip_prefix("    xqute run "))
        .unwrap();
    scratch.write("jobs.txt", "true\n".repeat(10));
    let Some(slurm) = Slurm::shared("the_example_of_the_page_works") else {
        return;
    };
    let args: Vec<&str> = command.split(' ').collect();
    assert!(args.contains(&"slurm"), "{command}");
    slurm.run(&scratch, &args[2..]).run().exits(0).says("10 succeeded");
    let job = page.lines().find_map(|line| line.strip_prefix("    {")).unwrap();
    scratch.write(
        "jobs.jsonl",
        format!("{{{}\n", job.replace("\"gres\": \"gpu:1\", ", "")),
    );
    scratch.write("train", "#!/bin/sh\n");
    let dry = slurm
        .run(&scratch, ["--dry-run", "-w", "dry", "jobs.jsonl"])
        .run()
        .exits(0);
    for word in ["--job-name=train-1", "--time=2:00:00"] {
        assert!(dry.stdout.contains(word), "{word} is not in\n{}", dry.stdout);
    }
}
