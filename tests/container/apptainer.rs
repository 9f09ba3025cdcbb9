//! apptainer's way: no daemon, no container that one could list. No real one can be installed here, so a script of that name
//! takes the same arguments and runs jobs as they are: it proves how xqute starts, finds, ends and judges them, not what
//! apptainer does with the arguments.

use rustix::process::Signal;
use xqute_tests::{Scratch, Xqute};

use crate::program;

const STAND_IN: &str = r#"#!/bin/bash
[ "$1" = exec ] || exit 255
shift
while :; do
  case $1 in
    --pid) shift;;
    --pwd) cd "$2" && shift 2;;
    --env) export "$2" && shift 2;;
    --bind) shift 2;;
    *) break;;
  esac
done
[ -e "$1" ] || { echo "FATAL:   could not open image $1" >&2; exit 255; }
shift
exec "$@"
"#;

fn apptainer(scratch: &Scratch, args: &[&str]) -> Xqute {
    let path = program(scratch, "apptainer", STAND_IN);
    let image = scratch.write("tools.sif", "an image");
    let run = scratch.with_plugins(
        &["container"],
        ["-v", "run", "-s", "container", "--opt", "bin=apptainer"],
    );
    let run = run.args(["--opt", &format!("image={}", image.display())]);
    run.args(["--recheck-interval", "1"]).args(args).env("PATH", path)
}

#[test]
fn jobs_run_and_their_results_come_back() {
    let scratch = Scratch::new();
    let jobs = "echo hi; echo \"$EXTRA\"\nexit 3\nkill -SEGV $$\nexit 200\n";
    scratch.write("jobs.txt", jobs);
    apptainer(&scratch, &["-j", "4", "--opt", "env=EXTRA=1 2", "jobs.txt"])
        .run()
        .exits(1)
        .says("1 succeeded")
        .says("3 failed");
    assert_eq!(scratch.job(0).ended(0).stdout(), "hi\n1 2\n");
    scratch.job(1).ended(3);
    scratch.job(2).ended(139);
    scratch.job(3).ended(200);
    scratch.has_no_processes();
}

#[test]
fn an_interrupt_ends_what_runs() {
    let scratch = Scratch::new();
    let folder = scratch.path("").display().to_string();
    let jobs = format!(
        "cd \"{folder}\"; trap 'echo asked >asked; exit 4' TERM; touch ready-0; while :; do sleep 0.1; done\n\
         cd \"{folder}\"; trap '' TERM; touch ready-1; while :; do sleep 0.1; done\n"
    );
    scratch.write("jobs.txt", jobs);
    let run = apptainer(&scratch, &["-j", "2", "jobs.txt"]).start();
    scratch.wait_for_file("ready-0");
    scratch.wait_for_file("ready-1");
    run.signal(Signal::INT);
    run.wait().exits(130).says("2 cancelled");
    assert_eq!(scratch.read("asked"), "asked\n");
    scratch.has_no_processes();
}

#[test]
fn an_image_that_is_missing_is_refused() {
    let scratch = Scratch::new();
    let run = scratch.with_plugins(&["container"], ["run", "-s", "container", "--opt", "bin=apptainer"]);
    let run = run.args(["--opt", "image=no-such.sif", "--", "true"]);
    run.run().exits(2).says("there is no `no-such.sif` on this machine");
    let run = apptainer(&scratch, &["--opt", "user=me", "--", "true"]);
    run.run().exits(2).says("`user` cannot be given for apptainer");
}

#[test]
fn a_killed_host_finds_its_jobs_again() {
    let scratch = Scratch::new();
    let log = scratch.path("log").display().to_string();
    scratch.write(
        "jobs.txt",
        format!("echo $XQUTE_JOB_INDEX >> \"{log}\"; sleep 2\n").repeat(6),
    );
    let args = ["-j", "3", "--resume", "jobs.txt"];
    let run = apptainer(&scratch, &args).start();
    scratch.wait_for_file("log");
    run.signal(Signal::KILL);
    assert!(run.wait().code().is_none());
    apptainer(&scratch, &args).run().exits(0).says("6 succeeded");
    let mut ran: Vec<u32> = scratch.read("log").lines().map(|line| line.parse().unwrap()).collect();
    ran.sort_unstable();
    assert_eq!(ran, (0..6).collect::<Vec<_>>(), "none lost, none twice");
}
