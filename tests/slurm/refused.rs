//! What cannot work is said before the first job, and what will wait for ever while it waits.

use rustix::process::Signal;
use xqute_tests::Scratch;

use crate::service::Slurm;

#[test]
fn what_slurm_would_never_run_is_refused_with_its_words() {
    let Some(slurm) = Slurm::shared("what_slurm_would_never_run_is_refused_with_its_words") else {
        return;
    };
    for (option, words) in [
        ("partition=nowhere", "Invalid partition name specified"),
        ("mem=1T", "Requested node configuration is not available"),
        // Submitted, this one would wait for ever.
        ("cpus-per-task=9999", "Requested node configuration is not available"),
        ("constraint=nothing-has-it", "Invalid feature specification"),
        ("time=soon", "Invalid --time specification"),
        ("reservation=none", "Requested reservation is invalid"),
    ] {
        let scratch = Scratch::new();
        let run = slurm.run(&scratch, ["--opt", option, "--", "true"]);
        run.run().exits(2).says("scheduler slurm").says(words);
        assert!(!scratch.job(0).exists(), "{option}");
    }
}

#[test]
fn what_slurm_refuses_fails_that_job_with_its_words() {
    let scratch = Scratch::new();
    scratch.write(
        "jobs.jsonl",
        "{\"cmd\": \"true\", \"opts\": {\"partition\": \"nowhere\"}}\n{\"cmd\": \"true\"}\n",
    );
    let Some(slurm) = Slurm::shared("what_slurm_refuses_fails_that_job_with_its_words") else {
        return;
    };
    let run = slurm.run(&scratch, ["jobs.jsonl"]);
    run.run().exits(1).says("nvalid partition").says("1 succeeded");
    assert_eq!(scratch.job(0).text("job.rc"), "-2\n");
}

#[test]
fn a_machine_without_slurm_is_told_so() {
    let test = "a_machine_without_slurm_is_told_so";
    let Some(slurm) = Slurm::shared(test) else { return };
    let scratch = Scratch::new();
    let run = slurm.run(&scratch, ["--", "true"]).env("PATH", "/no/such/folder");
    run.run()
        .exits(3)
        .says("no program `sbatch` on PATH")
        .says("install them");
    assert!(!scratch.job(0).exists());
    let run = slurm
        .run(&scratch, ["--", "true"])
        .env("SLURM_CONF", scratch.write("slurm.conf", ""));
    run.run().exits(3).says("find no configuration").says("SLURM_CONF");
    assert!(!scratch.job(0).exists());
}

#[test]
fn jobs_that_wait_for_ever_are_spoken_of_once() {
    let Some(slurm) = Slurm::shared("jobs_that_wait_for_ever_are_spoken_of_once") else {
        return;
    };
    for (options, reason, advice) in [
        (
            &["partition=closed"][..],
            "PartitionDown",
            "choose another with --opt partition=NAME",
        ),
        (
            &["partition=short", "time=10"],
            "PartitionTimeLimit",
            "lower --opt time",
        ),
    ] {
        let scratch = Scratch::new();
        scratch.write("jobs.txt", "true\n".repeat(5));
        let options = options.iter().flat_map(|option| ["--opt", option]);
        let run = slurm.run(&scratch, ["-j", "5", "jobs.txt"].into_iter().chain(options));
        let run = run.start();
        run.wait_for_word(reason);
        run.signal(Signal::INT);
        let output = run
            .wait()
            .exits(130)
            .says(advice)
            .says("5 cancelled")
            .says("5 jobs wait");
        let told = output
            .stderr
            .lines()
            .filter(|line| line.contains("warn") && line.contains(reason));
        assert_eq!(told.count(), 1, "{}", output.stderr);
    }
}
