//! Jobs that see nothing of this machine's files: what they need is fetched from the store, and what they leave goes there.

use std::{fs, path::PathBuf};

use rustix::process::Signal;
use xqute_tests::{Output, Scratch, Store, Xqute, wait_until};

everywhere!(
    a_staged_job_leaves_all_in_the_store,
    what_a_staged_job_prints_is_there_while_it_runs,
    a_killed_job_leaves_what_it_wrote,
    a_killed_run_is_gone_on_with,
    jobs_that_cannot_be_brought_say_so,
    other_options_than_at_first_are_refused,
    a_mounted_workdir_is_used,
);

fn staged(scratch: &Scratch, store: &Store, args: &[&str]) -> Xqute {
    let stage = format!("stage-dir={}", scratch.path("stage").display());
    let url = store.url("run");
    let run = scratch.xqute(["run", "-w", &url, "--opt", &stage]).args(args);
    store.addressed(run)
}

fn in_store(scratch: &Scratch, store: &Store, name: &str) -> String {
    fs::read_to_string(store.get(scratch, "run").join(name)).unwrap()
}

fn logs(scratch: &Scratch, store: &Store, args: &[&str]) -> Output {
    let logs = scratch.xqute(["logs", "-w", &store.url("run")]).args(args);
    store.addressed(logs).run()
}

/// Jobs that see their files elsewhere: here two that succeed, one at its second try, and one that fails.
const JOBS: &str = "echo one; pwd\necho two > \"$XQUTE_JOB_METADIR/a file\"\n\
                    echo try $XQUTE_JOB_ATTEMPT; echo oh >&2; (( XQUTE_JOB_ATTEMPT == 2 ))\necho no >&2; exit 7\n";

fn check_jobs(scratch: &Scratch, store: &Store, output: Output) {
    output.says("3 succeeded, 1 failed").says("exit code 7").says("no");
    let there = crate::files(&store.get(scratch, "run"));
    let text = |name: &str| {
        there
            .get(name)
            .map(|content| String::from_utf8_lossy(content).into_owned())
    };
    let here = scratch.path("").display().to_string();
    let here = here.trim_end_matches('/');
    assert_eq!(text("0/job.stdout"), Some(format!("one\n{here}\n")));
    assert_eq!(text("1/a file").as_deref(), Some("two\n"));
    assert_eq!(text("2/job.retry/1/job.stdout").as_deref(), Some("try 1\n"));
    assert_eq!(text("2/job.retry/1/job.stderr").as_deref(), Some("oh\n"));
    assert_eq!(text("2/job.stdout").as_deref(), Some("try 2\n"));
    assert_eq!(text("3/job.stderr").as_deref(), Some("no\n"));
    assert_eq!(text("3/job.retry/1/job.rc").as_deref(), Some("7\n"));
    for (job, rc) in ["0\n", "0\n", "0\n", "7\n"].iter().enumerate() {
        assert_eq!(text(&format!("{job}/job.rc")).as_deref(), Some(*rc), "{job}");
        assert!(text(&format!("{job}/job.jid")).is_some(), "{job}: {:?}", there.keys());
    }
    assert_eq!(logs(scratch, store, &["2"]).exits(0).stdout, "try 2\n");
    assert_eq!(
        logs(scratch, store, &["2", "--attempt", "1"]).exits(0).stdout,
        "try 1\n"
    );
    assert_eq!(logs(scratch, store, &["3", "--stderr"]).exits(0).stdout, "no\n");
}

fn a_staged_job_leaves_all_in_the_store(scratch: &Scratch, store: &Store) {
    scratch.write("jobs.txt", JOBS);
    let retry = ["-e", "retry", "--num-retries", "1", "jobs.txt"];
    let output = staged(scratch, store, &retry).run().exits(1);
    check_jobs(scratch, store, output);
    assert_eq!(
        fs::read_dir(scratch.path("stage")).unwrap().count(),
        0,
        "all is tidied up"
    );
}

fn a_mounted_workdir_is_used(scratch: &Scratch, store: &Store) {
    if !store.url("").starts_with("s3") || !store.is_mounted("a_mounted_workdir_is_used") {
        return;
    }
    scratch.write("jobs.txt", JOBS);
    let (url, mounted) = (store.url("run"), store.mounted("run"));
    let option = format!("mounted_workdir={}", mounted.display());
    let args = [
        "run",
        "-w",
        &url,
        "--opt",
        &option,
        "-e",
        "retry",
        "--num-retries",
        "1",
        "jobs.txt",
    ];
    let output = store.addressed(scratch.xqute(args)).run().exits(1);
    check_jobs(scratch, store, output);
}

fn what_a_staged_job_prints_is_there_while_it_runs(scratch: &Scratch, store: &Store) {
    scratch.write(
        "jobs.txt",
        "echo first; until [[ -e go ]]; do sleep 0.1; done; echo last\n",
    );
    let running = staged(scratch, store, &["jobs.txt"]).start();
    wait_until("its output is there", || {
        store.list(scratch, "run").iter().any(|name| name == "0/job.stdout")
            && in_store(scratch, store, "0/job.stdout") == "first\n"
    });
    assert_eq!(logs(scratch, store, &["0"]).exits(0).stdout, "first\n");
    let follow = scratch.xqute(["logs", "-f", "-w", &store.url("run"), "0"]);
    let follow = store.addressed(follow).start();
    scratch.write("go", "");
    running.wait().exits(0);
    assert_eq!(follow.wait().exits(0).stdout, "first\nlast\n");
}

fn a_killed_job_leaves_what_it_wrote(scratch: &Scratch, store: &Store) {
    scratch.write("jobs.txt", "echo first; while :; do sleep 0.1; done\n");
    let running = staged(scratch, store, &["jobs.txt"]).start();
    wait_until("its output is there", || {
        store.list(scratch, "run").iter().any(|name| name == "0/job.stdout")
    });
    let kill = scratch.xqute(["kill", "-w", &store.url("run"), "0"]);
    store.addressed(kill).run().exits(0);
    running.wait().exits(1).says("1 cancelled");
    assert_eq!(in_store(scratch, store, "0/job.stdout"), "first\n");
    assert_ne!(in_store(scratch, store, "0/job.rc"), "0\n");
}

fn a_killed_run_is_gone_on_with(scratch: &Scratch, store: &Store) {
    let line = "echo $XQUTE_JOB_INDEX >> ran; until [[ -e go ]]; do sleep 0.1; done; echo done\n";
    scratch.write("jobs.txt", line.repeat(3));
    let running = staged(scratch, store, &["-j", "2", "jobs.txt"]).start();
    wait_until("two of them run", || {
        fs::read_to_string(scratch.path("ran")).is_ok_and(|ran| ran.lines().count() == 2)
    });
    running.signal(Signal::KILL);
    running.wait();
    scratch.write("go", "");
    // They end while nobody is there.
    wait_until("both have ended", || {
        let names = store.list(scratch, "run");
        ["0/job.rc", "1/job.rc"]
            .iter()
            .all(|rc| names.iter().any(|name| name == rc))
    });
    let output = staged(scratch, store, &["--resume"]).run().exits(0);
    output.says("3 succeeded");
    let mut ran: Vec<String> = scratch.read("ran").lines().map(str::to_owned).collect();
    ran.sort();
    assert_eq!(ran, ["0", "1", "2"], "none of them twice");
    for job in 0..3 {
        assert_eq!(in_store(scratch, store, &format!("{job}/job.stdout")), "done\n");
    }
}

fn jobs_that_cannot_be_brought_say_so(scratch: &Scratch, store: &Store) {
    let program = |name: &str, text: &str| -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let path = scratch.write(name, format!("#!/bin/sh\n{text}\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    };
    for (text, said) in [
        (
            "exit 127",
            "where it was to run, which brings it there; install xqute there",
        ),
        ("exit 125", "could not bring it to the machine where it was to run"),
    ] {
        let with = format!("stage-with={}", program("carrier", text).display());
        let args = ["--overwrite", "--opt", &with, "--", "true"];
        staged(scratch, store, &args).run().exits(1).says(said);
    }
    let output = scratch.xqute([
        "run-staged",
        &store.url("none"),
        "/proc/none/stage",
        "/proc/none/stage/0/script",
    ]);
    store
        .addressed(output)
        .run()
        .exits(125)
        .says("cannot use `/proc/none/stage/0` on this machine");
    let output = scratch.xqute(["run-staged", &store.url("none"), "/tmp", "/etc/passwd"]);
    store
        .addressed(output)
        .run()
        .exits(125)
        .says("is no script of a job in");
}

fn other_options_than_at_first_are_refused(scratch: &Scratch, store: &Store) {
    staged(scratch, store, &["--", "true"]).run().exits(0);
    let url = store.url("run");
    let again = store.addressed(scratch.xqute(["run", "-w", &url, "--resume", "--", "true"]));
    again
        .run()
        .exits(4)
        .says("go on with the options `mounted-workdir` and `stage-dir` that it was started with");
    for (options, said) in [
        (&["mounted-workdir=mnt"][..], "which is not an absolute path"),
        (
            &["mounted-workdir=/a", "stage-dir=/b"],
            "two ways for jobs to see the workdir",
        ),
        (&["stage-with=/a"], "says nothing without `stage-dir`"),
    ] {
        let options = options.iter().flat_map(|option| ["--opt", option]);
        let run = scratch
            .xqute(["run", "-w", &url].into_iter().chain(options))
            .args(["--", "true"]);
        store.addressed(run).run().exits(2).says(said);
    }
    let here = scratch.xqute(["run", "--opt", "stage-dir=/tmp", "--", "true"]);
    here.run().exits(2).says("is for workdirs in stores");
}
