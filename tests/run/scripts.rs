//! The order of things around a command, and where their words go.

use xqute_tests::Scratch;

#[test]
fn the_prescript_comes_before_and_the_postscript_after() {
    let scratch = Scratch::new();
    let pre = "echo pre; export FROM_PRE=1";
    let post = "echo post; cat \"$XQUTE_JOB_METADIR/job.rc\" \"$XQUTE_JOB_METADIR/job.status\"";
    scratch
        .run([
            "--prescript",
            pre,
            "--postscript",
            post,
            "--",
            "bash",
            "-c",
            "echo cmd $FROM_PRE; exit 3",
        ])
        .exits(1);
    let job = scratch.job(0).ended(3);
    assert_eq!(
        job.stdout(),
        "cmd 1\n",
        "only the command's own output is in job.stdout"
    );
    assert_eq!(job.stderr(), "pre\npost\n3\n7\n");
}

#[test]
fn a_prescript_that_exits_is_the_end_of_the_job() {
    let scratch = Scratch::new();
    scratch
        .run([
            "--prescript",
            "exit 9",
            "--postscript",
            "echo post",
            "--",
            "touch",
            "ran",
        ])
        .exits(1);
    assert_eq!(scratch.job(0).ended(9).stderr(), "post\n");
    assert!(!scratch.has("ran"));
}

#[test]
fn a_postscript_cannot_change_how_a_job_ended() {
    let scratch = Scratch::new();
    scratch.run(["--postscript", "exit 9", "--", "true"]).exits(0);
    scratch.job(0).ended(0);
}

#[test]
fn scripts_that_bash_cannot_read_are_refused() {
    for flag in ["--prescript", "--postscript"] {
        let scratch = Scratch::new();
        let output = scratch.run([flag, "echo 'oh", "--", "touch", "ran"]).exits(2);
        output.says(&format!("bash cannot read the {}: ", &flag[2..]));
        assert!(!scratch.has("ran") && !scratch.has(".xqute"));
    }
}

#[test]
fn a_shell_that_is_no_bash_is_refused() {
    let scratch = Scratch::new();
    for shell in ["/bin/cat", "/no/such/bash"] {
        let output = scratch.run(["--wrapper-shell", shell, "--", "touch", "ran"]).exits(2);
        output.says(shell);
    }
    assert!(!scratch.has("ran") && !scratch.has(".xqute"));
}

#[test]
fn another_bash_can_run_the_scripts() {
    let scratch = Scratch::new();
    scratch
        .run(["--wrapper-shell", "/bin/bash -e", "--prescript", "false", "--", "true"])
        .exits(1);
    assert!(
        scratch
            .job(0)
            .ended(1)
            .text("job.wrapped.local")
            .starts_with("#!/bin/bash -e\n")
    );
}
