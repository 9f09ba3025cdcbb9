//! `xqute run --dry-run`: says what would happen, and nothing does.

use xqute_tests::Scratch;

#[test]
fn commands_that_would_be_started_directly_are_shown() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "echo $HOME | cat\n");
    let output = scratch
        .run(["--dry-run", "jobs.txt", "--", "printf", "%s", "a b"])
        .exits(0);
    assert_eq!(
        output.stdout,
        "# job 0, local-0, started directly\necho $HOME | cat\n\n\
         # job 1, local-1, started directly\nprintf '%s' 'a b'\n\n"
    );
    assert!(!scratch.has(".xqute"), "no workdir is made");
}

#[test]
fn scripts_are_shown_in_full_and_can_be_read_by_bash() {
    let scratch = Scratch::new();
    let args = ["--dry-run", "--prescript", "module load x", "--", "touch", "ran"];
    let output = scratch.run(args).exits(0);
    assert!(output.stdout.contains("eval 'module load x'\n"), "{}", output.stdout);
    let script = scratch.write("script", &output.stdout);
    scratch
        .program("bash".as_ref())
        .args(["-n".as_ref(), script.as_os_str()])
        .run()
        .exits(0);
    assert!(!scratch.has("ran") && !scratch.has(".xqute"));
}

#[test]
fn what_a_plugin_would_start_is_shown_also_where_it_is_not_installed() {
    let scratch = Scratch::new();
    scratch.write("jobs.txt", "true\nfalse\n");
    let args = [
        "run",
        "-s",
        "slurm",
        "--dry-run",
        "--opt",
        "partition=short",
        "jobs.txt",
    ];
    let output = scratch
        .with_plugins(&["slurm"], args)
        .env("PATH", "/no/such/folder")
        .run()
        .exits(0);
    for part in [
        "# job 1, slurm-1: ",
        "#SBATCH --partition=short\n",
        "# plugin slurm would run\nsbatch --parsable ",
    ] {
        assert!(output.stdout.contains(part), "{part}\n{}", output.stdout);
    }
    assert!(!scratch.has(".xqute"));
}

#[test]
fn plugins_that_give_bash_are_asked_and_keep_nothing() {
    let scratch = Scratch::new();
    let args = ["run", "--dry-run", "--", "true"];
    let output = scratch.with_plugins(&["all_hooks"], args).run().exits(0);
    assert!(output.stdout.contains(", from plugin all-hooks\n"), "{}", output.stdout);
}

#[test]
fn what_would_be_refused_is_refused() {
    let scratch = Scratch::new();
    scratch
        .run(["--dry-run", "--opt", "x=1", "--", "true"])
        .exits(2)
        .says("`x`");
    scratch.run(["--dry-run"]).exits(2).says("there is nothing to run");
    scratch
        .run(["--dry-run", "--resume", "--", "true"])
        .exits(2)
        .says("--resume");
    let args = [
        "run",
        "-s",
        "fake-sched",
        "--dry-run",
        "--opt",
        "answer=refused",
        "--",
        "true",
    ];
    let refused = scratch.with_plugins(&["fake_sched"], args).run().exits(1);
    refused.says("job 0 would not be submitted: rejected: refused, as the option `answer` wants it");
}
