//! How runs and containers come to an end that nobody planned: interrupts, time limits, crashes, engines that go away. What
//! they have in common: no job is lost, none runs twice, and no container is left behind.

use std::fs;

use rustix::process::Signal;
use xqute_tests::{Scratch, wait_until};

use crate::{containers, in_service, left};

#[test]
fn an_interrupt_ends_what_runs_and_leaves_no_container() {
    let scratch = Scratch::new();
    // The first ends when asked to, the second has to be killed.
    scratch.write(
        "jobs.txt",
        "trap 'echo asked >asked; exit 4' TERM; touch ready-0; while :; do sleep 0.1; done\n\
         trap '' TERM; touch ready-1; while :; do sleep 0.1; done\n",
    );
    let folder = format!("volume-as-cwd={}", scratch.path("").display());
    let test = "an_interrupt_ends_what_runs_and_leaves_no_container";
    let Some(run) = containers(test, &scratch, "podman", ["-j", "2", "--opt", &folder, "jobs.txt"]) else {
        return;
    };
    let run = run.start();
    scratch.wait_for_file("ready-0");
    scratch.wait_for_file("ready-1");
    assert_eq!(left(&scratch).len(), 2);
    run.signal(Signal::INT);
    run.wait().exits(130).says("2 cancelled");
    assert_eq!(scratch.read("asked"), "asked\n");
    assert!(left(&scratch).is_empty(), "{:?}", left(&scratch));
}

#[test]
fn a_time_limit_ends_a_job_and_its_container() {
    let scratch = Scratch::new();
    let args = ["--timeout", "2", "--", "sleep", "600"];
    let Some(run) = containers("a_time_limit_ends_a_job_and_its_container", &scratch, "podman", args) else {
        return;
    };
    run.run().exits(1).says("timed out");
    assert!(left(&scratch).is_empty(), "{:?}", left(&scratch));
}

#[test]
fn a_container_that_somebody_removes_is_over() {
    let scratch = Scratch::new();
    let test = "a_container_that_somebody_removes_is_over";
    let folder = format!("volume-as-cwd={}", scratch.path("").display());
    let args = [
        "--opt",
        &folder,
        "--recheck-interval",
        "1",
        "--",
        "bash",
        "-c",
        "touch ready; sleep 600",
    ];
    let Some(run) = containers(test, &scratch, "podman", args) else {
        return;
    };
    let run = run.start();
    scratch.wait_for_file("ready");
    let id = scratch.job(0).id();
    let remove = scratch.program("podman".as_ref()).args(["rm", "-f", "-t", "0", &id]);
    in_service(remove).run().exits(0);
    let over = run.wait().exits(1).stderr;
    // An engine kills it before it forgets it, which is seen if somebody looks just then.
    assert!(over.contains("lost") || over.contains("killed by signal 9"), "{over}");
}

#[test]
fn containers_are_kept_if_the_user_wants_them() {
    let scratch = Scratch::new();
    let args = ["--opt", "remove=false", "--", "true"];
    let Some(run) = containers("containers_are_kept_if_the_user_wants_them", &scratch, "podman", args) else {
        return;
    };
    run.run().exits(0);
    let kept = left(&scratch);
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(kept[0].contains("Exited (0)"), "{kept:?}");
    let name = kept[0].split(' ').next().unwrap();
    in_service(scratch.program("podman".as_ref()).args(["rm", name]))
        .run()
        .exits(0);
}

#[test]
fn a_killed_host_loses_nothing_and_leaves_nothing() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "echo $XQUTE_JOB_INDEX >> log; sleep 0.5\n".repeat(24));
    let folder = format!("volume-as-cwd={}", scratch.path("").display());
    let args = ["-j", "4", "--opt", &folder, "--resume", "jobs.txt"];
    let test = "a_killed_host_loses_nothing_and_leaves_nothing";
    let Some(run) = containers(test, &scratch, "podman", args) else {
        return;
    };
    let run = run.start();
    let logged = || {
        fs::read_to_string(scratch.path("log"))
            .unwrap_or_default()
            .lines()
            .count()
    };
    wait_until("some jobs have run", || logged() >= 8);
    run.signal(Signal::KILL);
    assert!(run.wait().code().is_none());
    assert!(!left(&scratch).is_empty(), "jobs outlive their host");
    let resumed = containers(test, &scratch, "podman", args).unwrap();
    resumed.run().exits(0).says("24 succeeded");
    let mut ran: Vec<u32> = scratch.read("log").lines().map(|line| line.parse().unwrap()).collect();
    ran.sort_unstable();
    assert_eq!(ran, (0..24).collect::<Vec<_>>(), "none lost, none twice");
    assert!(left(&scratch).is_empty(), "{:?}", left(&scratch));
}

#[test]
fn a_docker_that_goes_away_and_comes_back_fails_no_job() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "echo $XQUTE_JOB_INDEX >> log; sleep 0.3\n".repeat(16));
    let folder = format!("volume-as-cwd={}", scratch.path("").display());
    let test = "a_docker_that_goes_away_and_comes_back_fails_no_job";
    let args = ["-j", "4", "--recheck-interval", "1", "--opt", &folder, "jobs.txt"];
    let Some(run) = containers(test, &scratch, "docker", args) else {
        return;
    };
    let service = std::env::var("DOCKER_HOST").unwrap();
    let service = service.strip_prefix("unix://").unwrap();
    // The name of the socket that this run knows comes and goes. In a URL it must not have a space.
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("docker.sock");
    std::os::unix::fs::symlink(service, &socket).unwrap();
    let run = run.env("DOCKER_HOST", format!("unix://{}", socket.display())).start();
    let logged = || {
        let log = fs::read_to_string(scratch.path("log")).unwrap_or_default();
        log.lines().count()
    };
    wait_until("some jobs have run", || logged() >= 4);
    fs::remove_file(&socket).unwrap();
    run.wait_for_word("Cannot connect to the Docker daemon");
    std::os::unix::fs::symlink(service, &socket).unwrap();
    run.wait().exits(0).says("16 succeeded");
    let mut ran: Vec<u32> = scratch.read("log").lines().map(|line| line.parse().unwrap()).collect();
    ran.sort_unstable();
    assert_eq!(ran, (0..16).collect::<Vec<_>>(), "none lost, none twice");
    assert!(left(&scratch).is_empty(), "{:?}", left(&scratch));
}
