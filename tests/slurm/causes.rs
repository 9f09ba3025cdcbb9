//! Each way in which Slurm can end a job, and what xqute makes of it.

use xqute_tests::{Output, Running, Scratch, wait_until};

use crate::service::{Slurm, ended};

/// A run of these lines, each of which writes `ready.INDEX` when it runs, as `$ready`.
fn start(slurm: &Slurm, scratch: &Scratch, lines: &str, options: &[&str]) -> Running {
    let ready = "ready='touch ready.'$XQUTE_JOB_INDEX; ";
    let lines: String = lines.lines().map(|line| format!("{ready}{line}\n")).collect();
    scratch.write("jobs.txt", lines);
    let options = options.iter().flat_map(|option| ["--opt", option]);
    let args = ["-j", "20", "jobs.txt"].into_iter().chain(options);
    slurm.run(scratch, args).start()
}

/// What is said of one job that ends in this way.
fn failing(slurm: &Slurm, line: &str, options: &[&str]) -> Output {
    let scratch = Scratch::new();
    start(slurm, &scratch, line, options).wait().exits(1)
}

#[test]
fn exit_codes_and_signals() {
    let Some(slurm) = Slurm::shared("exit_codes_and_signals") else {
        return;
    };
    let scratch = Scratch::new();
    let run = start(
        &slurm,
        &scratch,
        "exit 1\nexit 137\nexit 255\nkill -SEGV $$\nkill -KILL $$\ntrue",
        &[],
    );
    let output = run.wait().exits(1).says("1 succeeded");
    for word in [
        "(slurm-0): exit code 1",
        "(slurm-1): exit code 137",
        "(slurm-2): exit code 255",
        "(slurm-3): killed by signal 11",
        "(slurm-4): killed by signal 9",
    ] {
        assert!(output.stderr.contains(word), "{word} is not in\n{}", output.stderr);
    }
}

#[test]
fn somebody_cancels_what_runs() {
    let Some(slurm) = Slurm::shared("somebody_cancels_what_runs") else {
        return;
    };
    let scratch = Scratch::new();
    let run = start(&slurm, &scratch, &"$ready; sleep 600\n".repeat(5), &[]);
    for job in 0..5 {
        scratch.wait_for_file(format!("ready.{job}"));
        slurm.ask(&scratch, "scancel", &[&scratch.job(job).id()]);
    }
    run.wait().exits(1).says("5 cancelled");
}

#[test]
fn the_time_limit_of_slurm() {
    let Some(slurm) = Slurm::shared("the_time_limit_of_slurm") else {
        return;
    };
    let scratch = Scratch::new();
    let run = start(&slurm, &scratch, "$ready; sleep 600", &["time=1"]);
    scratch.wait_for_file("ready.0");
    // It counts in minutes; an administrator may say that they are over.
    let job = format!("JobId={}", scratch.job(0).id());
    slurm.ask(&scratch, "scontrol", &["update", &job, "EndTime=now"]);
    run.wait().exits(1).says("timed out");
    assert!(scratch.job(0).text("job.slurm").contains("DUE TO TIME LIMIT"));
}

#[test]
fn too_much_memory() {
    let Some(slurm) = Slurm::shared("too_much_memory") else {
        return;
    };
    // Bash keeps all of it.
    let line = "x=$(head -c 300M /dev/zero | tr '\\0' x); sleep 600";
    failing(&slurm, line, &["mem=20M"]).says("out of memory");
    let scratch = Scratch::new();
    let run = start(&slurm, &scratch, &format!("{line}\n").repeat(4), &["mem=20M"]);
    let output = run.wait().exits(1).says("4 failed");
    assert_eq!(
        output.stderr.matches("): out of memory").count(),
        4,
        "{}",
        output.stderr
    );
}

#[test]
fn a_job_that_never_starts() {
    let Some(slurm) = Slurm::shared("a_job_that_never_starts") else {
        return;
    };
    failing(&slurm, "true", &["deadline=now+2minutes", "time=10"])
        .says("never started")
        .says("DEADLINE");
    let scratch = Scratch::new();
    let failed = slurm.ask(
        &scratch,
        "sbatch",
        &["--parsable", "-o", "/dev/null", "--wrap", "exit 1"],
    );
    slurm.wait_for_state(&scratch, &failed, "FAILED");
    let dependency = format!("dependency=afterok:{failed}");
    failing(&slurm, "true", &[&dependency, "kill-on-invalid-dep=yes"])
        .says("never started")
        .says("DependencyNeverSatisfied");
}

#[test]
fn a_job_that_is_started_again_is_the_same_attempt() {
    let Some(slurm) = Slurm::shared("a_job_that_is_started_again_is_the_same_attempt") else {
        return;
    };
    let scratch = Scratch::new();
    let line = "[ -e again.$XQUTE_JOB_INDEX ] || { touch again.$XQUTE_JOB_INDEX; $ready; sleep 600; }\n";
    let run = start(&slurm, &scratch, &line.repeat(5), &["requeue=true"]);
    for job in 0..5 {
        scratch.wait_for_file(format!("ready.{job}"));
    }
    for job in 0..5 {
        let id = scratch.job(job).id();
        slurm.ask(&scratch, "scontrol", &["requeue", &id]);
        // Slurm lets such jobs wait for two minutes. A machine does not start one in the second in which it was stopped.
        wait_until("it waits again", || slurm.state(&scratch, &id) == "PENDING");
        let eligible = format!("JobId={id}");
        slurm.ask(&scratch, "scontrol", &["update", &eligible, "StartTime=now+2"]);
    }
    run.wait().exits(0).says("5 succeeded");
    ended(&scratch.job(3), "0");
    assert!(!scratch.job(3).attempt(1).exists());
}

#[test]
fn a_machine_that_fails() {
    let Some(slurm) = Slurm::alone("a_machine_that_fails") else {
        return;
    };
    let scratch = Scratch::new();
    let run = start(&slurm, &scratch, &"$ready; sleep 600\n".repeat(4), &["no-requeue=true"]);
    for job in 0..4 {
        scratch.wait_for_file(format!("ready.{job}"));
    }
    let nodes = slurm.ask(&scratch, "sinfo", &["-h", "-p", "debug", "-o", "%N"]);
    let node = format!("NodeName={nodes}");
    slurm.ask(&scratch, "scontrol", &["update", &node, "State=DOWN", "Reason=test"]);
    let output = run.wait().exits(1).says("4 failed");
    // It may be back by itself already: then there is nothing to resume.
    let resume = slurm.client(&scratch, "scontrol", &["update", &node, "State=RESUME"]);
    resume.run();
    let is_back = || slurm.ask(&scratch, "sinfo", &["-h", "-p", "debug", "-o", "%t"]) == "idle";
    wait_until("the machine is back", is_back);
    assert_eq!(
        output.stderr.matches("): the machine it ran on failed").count(),
        4,
        "{}",
        output.stderr
    );
}

#[test]
fn a_job_that_makes_room_for_another() {
    let Some(slurm) = Slurm::alone("a_job_that_makes_room_for_another") else {
        return;
    };
    let scratch = Scratch::new();
    let cpus = slurm.ask(&scratch, "sinfo", &["-h", "-p", "debug", "-o", "%c"]);
    let all = format!("cpus-per-task={cpus}");
    let run = start(&slurm, &scratch, "$ready; sleep 600", &["partition=scavenge", &all]);
    scratch.wait_for_file("ready.0");
    let other = slurm.ask(
        &scratch,
        "sbatch",
        &["--parsable", "-o", "/dev/null", "-c", &cpus, "--wrap", "true"],
    );
    run.wait().exits(1).says("preempted");
    slurm.wait_for_state(&scratch, &other, "COMPLETED");
}
