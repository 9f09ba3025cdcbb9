//! A real Slurm, the one that `SLURM_CONF` names; `tests/services/slurm.sh up` starts one. Without it these tests say loudly
//! that they were skipped, and fail where `CI` is `true`.

use std::{
    ffi::{OsStr, OsString},
    os::unix::{ffi::OsStringExt as _, fs::PermissionsExt as _},
};

use rustix::process::Signal;
use xqute_tests::{Scratch, Xqute, machine::skip, plugin, wait_until};

/// `xqute run -s slurm` with these arguments; `None` if there is no Slurm.
fn slurm(test: &str, scratch: &Scratch, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Option<Xqute> {
    let Some(conf) = std::env::var_os("SLURM_CONF") else {
        skip(
            test,
            "there is no Slurm (SLURM_CONF is not set); start one with tests/services/slurm.sh up",
        );
        return None;
    };
    let run = scratch.with_plugins(&["slurm"], ["-v", "run", "-s", "slurm", "--recheck-interval", "1"]);
    Some(run.env("SLURM_CONF", conf).args(args))
}

#[test]
fn jobs_run_and_their_results_come_back() {
    let scratch = Scratch::new();
    let jobs: String = (0..20)
        .map(|number| format!("echo $(({number} * {number}))\n"))
        .collect();
    scratch.write("jobs.txt", [&jobs, "echo oh >&2; exit 3\n", "kill -SEGV $$\n"].concat());
    let Some(run) = slurm(
        "jobs_run_and_their_results_come_back",
        &scratch,
        ["-j", "22", "jobs.txt"],
    ) else {
        return;
    };
    run.run()
        .exits(1)
        .says("20 succeeded")
        .says("2 failed")
        .says("exit code 3");
    for number in 0..20 {
        let job = scratch.job(number).ended(0);
        assert_eq!(job.stdout(), format!("{}\n", number * number));
        assert!(job.text("job.jid").trim().parse::<u32>().is_ok());
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
    let Some(run) = slurm(test, &scratch, ["--record", "slurm=calls.jsonl", "jobs.txt"]) else {
        return;
    };
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
fn arguments_arrive_as_they_are() {
    let scratch = Scratch::new();
    let mut args: Vec<Vec<u8>> = [
        "",
        "two words",
        "it's",
        "\"",
        "$HOME",
        "`id`",
        "a\nb",
        "%j",
        "#SBATCH --hold",
    ]
    .map(|arg| arg.as_bytes().to_vec())
    .to_vec();
    args.extend((1..=255).map(|byte| vec![b'x', byte, byte]));
    let head = ["--", "printf", "%s\\0"].map(OsString::from);
    let all = head.into_iter().chain(args.iter().cloned().map(OsString::from_vec));
    let Some(run) = slurm("arguments_arrive_as_they_are", &scratch, all) else {
        return;
    };
    run.run().exits(0);
    let expected: Vec<u8> = args.iter().flat_map(|arg| [arg, [0].as_slice()].concat()).collect();
    assert!(scratch.job(0).ended(0).bytes("job.stdout") == expected);
}

#[test]
fn an_interrupt_cancels_what_runs_and_what_waits() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "touch ready; sleep 600\ntouch ready; sleep 600\n");
    let args = ["--opt", "comment=it's", "jobs.txt"];
    let Some(run) = slurm("an_interrupt_cancels_what_runs_and_what_waits", &scratch, args) else {
        return;
    };
    let run = run.start();
    scratch.wait_for_file("ready");
    run.signal(Signal::INT);
    run.wait().exits(130).says("2 cancelled");
    for index in 0..2 {
        let id = scratch.job(index).text("job.jid");
        let squeue = || {
            let squeue = scratch
                .program("squeue".as_ref())
                .args(["-h", "-t", "all", "-o", "%T", "-j", id.trim()]);
            squeue
                .env("SLURM_CONF", std::env::var_os("SLURM_CONF").unwrap())
                .run()
                .exits(0)
                .stdout
        };
        wait_until("Slurm has cancelled it", || squeue().trim() == "CANCELLED");
    }
}

#[test]
fn one_question_is_asked_about_all_jobs() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "sleep 3\n".repeat(24));
    let squeue = "#!/bin/sh\necho \"$*\" >> \"$SQUEUE_LOG\"\nexec /usr/bin/squeue \"$@\"\n";
    let fake = scratch.write("bin/squeue", squeue);
    std::fs::set_permissions(fake, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", scratch.path("bin").display(), std::env::var("PATH").unwrap());
    let args = ["-j", "24", "jobs.txt"];
    let Some(run) = slurm("one_question_is_asked_about_all_jobs", &scratch, args) else {
        return;
    };
    run.env("PATH", path)
        .env("SQUEUE_LOG", scratch.path("log"))
        .run()
        .exits(0);
    let questions = scratch.read("log");
    assert!(
        questions.lines().count() < 24,
        "{} questions about 24 jobs",
        questions.lines().count()
    );
    assert!(
        questions.lines().any(|question| question.matches(',').count() >= 23),
        "{questions}"
    );
}

#[test]
fn options_become_directives_and_bad_ones_are_refused_first() {
    let scratch = Scratch::new();
    let test = "options_become_directives_and_bad_ones_are_refused_first";
    let Some(run) = slurm(test, &scratch, ["--opt", "array=1-4", "--", "true"]) else {
        return;
    };
    run.run().exits(2).says("`array`");
    let run = slurm(test, &scratch, ["--opt", "nice=5", "--", "printenv", "SLURM_JOB_NAME"]).unwrap();
    run.run().exits(0);
    assert_eq!(scratch.job(0).stdout(), "slurm-0\n");
    assert!(scratch.job(0).text("job.wrapped.slurm").contains("#SBATCH --nice=5\n"));
}

#[test]
fn what_slurm_refuses_fails_that_job_with_its_words() {
    let scratch = Scratch::new();
    let test = "what_slurm_refuses_fails_that_job_with_its_words";
    let Some(run) = slurm(test, &scratch, ["--opt", "partition=nowhere", "--", "true"]) else {
        return;
    };
    run.run().exits(1).says("nvalid partition");
    assert_eq!(scratch.job(0).text("job.rc"), "-2\n");
}
