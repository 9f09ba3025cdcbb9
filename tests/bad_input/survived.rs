//! What machines and jobs do to a run, which goes on.

use xqute_tests::{Scratch, machine, wait_until};

#[test]
fn outcomes_are_recorded_on_a_full_disk() {
    if !machine::is_root() {
        return machine::skip(
            "outcomes_are_recorded_on_a_full_disk",
            "mounting a small disk needs root",
        );
    }
    let scratch = Scratch::new();
    let disk = machine::Disk::mount(&scratch.path(".xqute"), "size=4m");
    // All wait until the disk is full; then they end, each in its own way.
    let fill = "head -c 8M /dev/zero > \"$XQUTE_METADIR/fill\"; touch full; exit 7\n";
    let wait = |rc| format!("until [[ -e full ]]; do sleep 0.01; done; exit {rc}\n");
    let jobs = [fill.to_owned(), wait(0), wait(3), "touch later\n".to_owned()].concat();
    let output = scratch.run_jobs(&jobs, ["-j", "3"]).exits(4);
    assert!(disk.path().join("fill").exists());
    scratch.job(0).ended(7);
    scratch.job(1).ended(0);
    scratch.job(2).ended(3);
    // This one had no place left to start in, which is said, and takes nothing from the others.
    assert!(!scratch.has("later"));
    output.says("1 succeeded").says("there is no space left for the state");
    std::fs::remove_file(disk.path().join("fill")).unwrap();
    scratch
        .run_jobs(&jobs, ["-j", "3", "--resume"])
        .exits(1)
        .says("2 succeeded, 2 failed");
    assert!(scratch.has("later"));
}

#[test]
fn space_is_in_reserve_for_jobs_in_flight_only() {
    let scratch = Scratch::new();
    let jobs = "true\n".repeat(20) + "ls \"$XQUTE_METADIR/.reserve\" | wc -l\n";
    scratch.run_jobs(&jobs, ["-j", "2"]).exits(0);
    let files: usize = scratch.job(20).ended(0).stdout().trim().parse().unwrap();
    assert!((1..=2).contains(&files), "{files} files");
}

#[test]
fn a_gigabyte_of_output_needs_no_memory() {
    let scratch = Scratch::new();
    let job = "head -c 1G /dev/zero; touch written; until [[ -e go ]]; do sleep 0.01; done\n";
    scratch.write("jobs.txt", job);
    let running = scratch.xqute(["run", "jobs.txt"]).start();
    scratch.wait_for_file("written");
    let memory = machine::peak_memory_kib(running.pid());
    scratch.write("go", "");
    running.wait().exits(0);
    assert_eq!(
        scratch.job(0).ended(0).path("job.stdout").metadata().unwrap().len(),
        1 << 30
    );
    assert!(memory < 64 << 10, "xqute had {memory} KiB");
}

#[test]
fn the_end_of_a_gigabyte_of_errors_is_shown() {
    let scratch = Scratch::new();
    let job = "truncate -s 1G /dev/stderr; echo 'the last word' >> /dev/stderr; exit 3\n";
    scratch.run_jobs(job, [""; 0]).exits(1).says("the last word");
    scratch.job(0).ended(3);
}

#[test]
fn a_job_may_remove_its_own_directory() {
    let scratch = Scratch::new();
    // Until xqute has written that the job runs, it may write something new while `rm` looks elsewhere.
    let job = "until rm -r \"$XQUTE_JOB_METADIR\"; do :; done\necho fine\n";
    scratch.run_jobs(job, ["-j", "1"]).exits(0);
    scratch.job(0).ended(0);
    assert_eq!(scratch.job(1).ended(0).stdout(), "fine\n");
}

#[test]
fn a_job_may_write_nonsense_into_its_files() {
    let scratch = Scratch::new();
    let jobs = "(sleep 0.2; echo soon > \"$XQUTE_JOB_METADIR/job.rc\") & exit 3\necho 6 > \"$XQUTE_JOB_METADIR/job.status\"; exit 4\n";
    scratch.run_jobs(jobs, [""; 0]).exits(1).says("2 failed");
    wait_until("the job's own nonsense is there", || {
        scratch.job(0).text("job.rc") == "soon\n"
    });
    scratch.job(1).ended(4);
}

#[test]
fn nobody_needs_to_read_what_is_said() {
    let scratch = Scratch::new();
    let script = "\"$1\" run -- touch ran 2>&1 | true; echo ${PIPESTATUS[0]}";
    let program = scratch.program("/bin/bash".as_ref()).args(["-c", script, "bash"]);
    let output = program.args([xqute_tests::built::xqute()]).run().exits(0);
    assert_eq!(output.stdout, "0\n");
    assert!(scratch.has("ran"));
}

#[test]
fn a_machine_without_room_for_more_jobs_is_waited_for() {
    for args in ["", "--wrapper always"] {
        let scratch = Scratch::new();
        scratch.write("jobs.txt", "until [[ -e go ]]; do sleep 0.1; done\n".repeat(40));
        let script = format!("ulimit -n 48; exec \"$1\" run -j 40 {args} jobs.txt");
        let program = scratch.program("/bin/bash".as_ref());
        let program = program.args(["-c", &script, "bash"]);
        let running = program.args([xqute_tests::built::xqute()]).start();
        running.wait_for_word("`ulimit -n` in the shell that starts xqute allows more");
        scratch.write("go", "");
        running.wait().exits(0).says("40 succeeded");
    }
}
