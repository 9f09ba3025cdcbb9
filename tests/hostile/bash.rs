//! Plugins whose bash breaks out of its place. They were granted the right to put bash into scripts, which is full power:
//! who lies on purpose cannot be found out. But a job is not called a success when its command did not run, an exit code is
//! that of the command, and nothing hangs.

use rustix::process::Signal;

use crate::attempt::{Attempt, JOBS, Tried};

fn bash(name: &str) -> Tried {
    Attempt::of(name).allowed("script").run()
}

#[test]
fn a_script_that_ends_before_the_command() {
    for (name, place, rc) in [
        ("bash_exits_0", "init", 1),
        ("bash_exits_9", "init", 9),
        ("bash_exits_0_right_before", "prep", 1),
        ("bash_is_strict_and_fails", "init", 1),
        ("bash_terminates_its_shell", "init", 143),
    ] {
        let tried = bash(name);
        for job in 0..JOBS {
            let said = tried.job(job).ended(rc).stderr();
            assert!(
                said.contains(&format!("ended in {place} of plugin hostile")),
                "{name}, job {job}: {said}"
            );
        }
        tried.says("of plugin hostile").kept_all_jobs_from_running();
    }
}

#[test]
fn a_script_that_ends_without_a_word() {
    for name in [
        "bash_becomes_another_program",
        "bash_clears_the_trap",
        "bash_takes_the_trap",
        "bash_reads_without_running",
    ] {
        let tried = bash(name).says("never started").kept_all_jobs_from_running();
        assert_eq!(tried.job(0).text("job.rc"), "-3\n", "{name}");
    }
}

#[test]
fn a_shell_that_is_killed() {
    let tried = bash("bash_kills_its_shell")
        .says("signal 9")
        .kept_all_jobs_from_running();
    assert_eq!(tried.job(0).text("job.rc"), "137\n");
}

#[test]
fn bash_that_is_not_complete_in_itself() {
    for name in [
        "bash_leaves_a_quote_open",
        "bash_leaves_a_document_open",
        "bash_leaves_a_block_open",
        "bash_closes_a_block",
    ] {
        // It spoils itself and nothing else; bash says what is wrong with it, where the job's errors are.
        let tried = bash(name).harmed_no_job();
        assert!(tried.job(0).stderr().contains("line "), "{name}");
    }
}

#[test]
fn tampering_with_what_records_the_end() {
    for name in [
        "bash_redefines_the_end",
        "bash_removes_the_end",
        "bash_decides_the_exit_code",
        "bash_freezes_the_exit_code",
        "bash_changes_the_exit_code",
        "bash_exits_at_the_end",
        "bash_becomes_another_program_at_the_end",
        "bash_returns",
        "bash_returns_at_the_end",
        "bash_is_strict",
        "bash_closes_its_files",
    ] {
        bash(name).says("10 succeeded, 10 failed").harmed_no_job();
    }
}

#[test]
fn going_elsewhere() {
    bash("bash_goes_elsewhere").harmed_no_job();
}

#[test]
fn staying_behind() {
    let tried = bash("bash_stays_behind");
    // As what a job leaves in the background: it goes on, and the run does not wait for it.
    tried.says("10 succeeded, 10 failed");
}

#[test]
fn never_coming_to_an_end() {
    let tried = Attempt::of("bash_never_ends")
        .allowed("script")
        .flags(["--timeout", "100ms"])
        .at_once(JOBS)
        .run();
    tried.says("timed out").kept_all_jobs_from_running();
}

#[test]
fn never_coming_to_an_end_when_the_run_is_stopped() {
    let attempt = Attempt::of("bash_never_ends").allowed("script");
    let run = attempt.start(&["true"]);
    attempt.scratch.wait_for_file(".xqute/0/job.stderr");
    run.signal(Signal::TERM);
    run.wait().exits(143);
    attempt.scratch.has_no_processes();
}

#[test]
fn bash_that_is_too_long_or_has_a_nul() {
    for name in ["bash_is_long", "bash_has_a_nul"] {
        bash(name)
            .blames("snippets.provide")
            .says("on_jobcmd_init")
            .without("given")
            .kept_all_jobs_from_running();
    }
}
