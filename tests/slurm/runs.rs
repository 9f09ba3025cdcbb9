//! Jobs run, and their results come back.

use std::os::unix::fs::PermissionsExt as _;

use rustix::process::Signal;
use xqute_tests::{Scratch, plugin};

use crate::service::Slurm;

#[test]
fn jobs_run_and_their_results_come_back() {
    let scratch = Scratch::new();
    let jobs: String = (0..20)
        .map(|number| format!("echo $(({number} * {number}))\n"))
        .collect();
    scratch.write("jobs.txt", [&jobs, "echo oh >&2; exit 3\n", "kill -SEGV $$\n"].concat());
    let Some(slurm) = Slurm::shared("jobs_run_and_their_results_come_back") else {
        return;
    };
    let run = slurm.run(&scratch, ["-j", "22", "jobs.txt"]);
    run.run()
        .exits(1)
        .says("20 succeeded")
        .says("2 failed")
        .says("exit code 3");
    for number in 0..20 {
        let job = scratch.job(number).ended(0);
        assert_eq!(job.stdout(), format!("{}\n", number * number));
        let id = job.text("job.jid");
        assert!(id.starts_with(|first: char| first.is_ascii_digit()), "{id}");
        assert!(job.path("job.wrapped.slurm").exists());
    }
    assert_eq!(scratch.job(20).ended(3).stderr(), "oh\n");
    scratch.job(21).ended(139);
}

#[test]
fn what_is_recorded_of_a_real_run_is_replayed_without_slurm() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "true\nexit 3\nsleep 1\n");
    let test = "what_is_recorded_of_a_real_run_is_replayed_without_slurm";
    let Some(slurm) = Slurm::shared(test) else { return };
    let run = slurm.run(&scratch, ["--record", "slurm=calls.jsonl", "jobs.txt"]);
    run.run().exits(1).says("2 succeeded");
    let recorded = scratch.read("calls.jsonl");
    assert!(
        recorded.contains("\"process.run\"") && recorded.contains("sbatch"),
        "{recorded}"
    );
    let replay = scratch.xqute(["plugin", "test"]).args([plugin("slurm")]);
    let replay = replay.args(["--replay", "calls.jsonl"]).env("PATH", "/no/such/folder");
    let output = replay.run().exits(0);
    for call in ["scheduler.submit: ", "scheduler.poll: "] {
        assert!(output.stdout.contains(call), "{}", output.stdout);
    }
}

#[test]
fn an_interrupt_cancels_what_runs_and_what_waits() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "touch ready; sleep 600\ntouch ready; sleep 600\n");
    let Some(slurm) = Slurm::shared("an_interrupt_cancels_what_runs_and_what_waits") else {
        return;
    };
    let args = ["--opt", "comment=it's", "-j", "2", "jobs.txt"];
    let run = slurm.run(&scratch, args).start();
    scratch.wait_for_file("ready");
    run.signal(Signal::INT);
    run.wait().exits(130).says("2 cancelled");
    for job in 0..2 {
        let id = scratch.job(job).id();
        slurm.wait_for_state(&scratch, &id, "CANCELLED");
    }
}

#[test]
fn one_question_is_asked_about_all_jobs() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "sleep 1\n".repeat(24));
    let squeue = "#!/bin/sh\necho \"$*\" >> \"$SQUEUE_LOG\"\nexec /usr/bin/squeue \"$@\"\n";
    let fake = scratch.write("bin/squeue", squeue);
    std::fs::set_permissions(fake, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", scratch.path("bin").display(), std::env::var("PATH").unwrap());
    let Some(slurm) = Slurm::shared("one_question_is_asked_about_all_jobs") else {
        return;
    };
    let run = slurm.run(&scratch, ["-j", "24", "jobs.txt"]);
    run.env("PATH", path)
        .env("SQUEUE_LOG", scratch.path("log"))
        .run()
        .exits(0);
    let questions = scratch.read("log").lines().count();
    assert!(questions < 24, "{questions} questions about 24 jobs");
}

#[test]
fn options_become_directives_and_bad_ones_are_refused_first() {
    let scratch = Scratch::new();
    let test = "options_become_directives_and_bad_ones_are_refused_first";
    let Some(slurm) = Slurm::shared(test) else { return };
    let run = slurm.run(&scratch, ["--opt", "array=1-4", "--", "true"]);
    run.run().exits(2).says("`array`");
    let run = slurm.run(&scratch, ["--opt", "nice=5", "--", "printenv", "SLURM_JOB_NAME"]);
    run.run().exits(0);
    assert_eq!(scratch.job(0).stdout(), "slurm-0\n");
    assert!(scratch.job(0).text("job.wrapped.slurm").contains("#SBATCH --nice=5\n"));
}
