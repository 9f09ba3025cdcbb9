//! The layout that scripts of users rely on.

use xqute_tests::Scratch;

const FILES: [&str; 6] = [
    "job.jid",
    "job.rc",
    "job.status",
    "job.stderr",
    "job.stdout",
    "job.wrapped.local",
];

#[test]
fn every_job_has_a_directory_with_its_files() {
    let scratch = Scratch::new();
    let args = ["-j", "1", "--prescript", ":"];
    scratch.run_jobs("echo a\necho b >&2\n", args).exits(0);
    for index in 0..2 {
        assert_eq!(scratch.job(index).ended(0).files(), FILES);
    }
    assert!(!scratch.job(2).exists());
    assert_eq!(scratch.job(0).stdout(), "a\n");
    assert_eq!(scratch.job(1).stderr(), "b\n");
}

#[test]
fn the_workdir_can_be_elsewhere() {
    let scratch = Scratch::new();
    scratch.run(["-w", "some/where else", "--", "true"]).exits(0);
    assert_eq!(scratch.read("some/where else/0/job.rc"), "0\n");
    assert!(!scratch.has(".xqute"));
}

#[test]
fn a_job_that_runs_has_number_4_and_one_that_was_not_started_has_none_above_2() {
    let scratch = Scratch::new();
    let jobs = "cat \"$XQUTE_JOB_METADIR/job.status\"; cat \"$XQUTE_METADIR/1/job.status\" || echo none\ntrue\n";
    scratch.run_jobs(jobs, ["-j", "1", "--submission-batch", "1"]).exits(0);
    let seen = scratch.job(0).stdout();
    let (own, other) = seen.trim().split_once('\n').unwrap();
    assert_eq!(own, "4");
    assert!(["none", "0", "2"].contains(&other), "{other}");
}

#[test]
fn the_job_id_is_that_of_a_process() {
    // Its own, or that of the bash that runs its script.
    for (form, show) in [(&[][..], "echo $$"), (&["--prescript", ":"], "echo $PPID")] {
        let scratch = Scratch::new();
        scratch
            .xqute(["run"])
            .args(form)
            .args(["--", "bash", "-c", show])
            .run()
            .exits(0);
        assert_eq!(scratch.job(0).text("job.jid").trim(), scratch.job(0).stdout().trim());
    }
}

#[test]
fn the_script_can_be_run_again_by_hand() {
    let scratch = Scratch::new();
    scratch
        .run([
            "--prescript",
            ":",
            "--env",
            "WORD=it's",
            "--",
            "bash",
            "-c",
            "echo \"$WORD\"; exit 3",
        ])
        .exits(1);
    let job = scratch.job(0).ended(3);
    std::fs::remove_file(job.path("job.rc")).unwrap();
    scratch
        .program("/bin/bash".as_ref())
        .args([job.path("job.wrapped.local")])
        .run()
        .exits(3);
    assert_eq!(job.ended(3).stdout(), "it's\n");
}

#[test]
fn overwrite_removes_the_earlier_run_and_nothing_else() {
    let scratch = Scratch::new();
    scratch.write(".xqute/mine", "keep");
    scratch.run_jobs("true\ntrue\n", [""; 0]).exits(0);
    scratch.run(["--overwrite", "--", "false"]).exits(1);
    scratch.job(0).ended(1);
    assert!(!scratch.job(1).exists());
    assert_eq!(scratch.read(".xqute/mine"), "keep");
}
