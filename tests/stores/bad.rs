//! Places that cannot be workdirs, and stores that do not let anybody in.

use xqute_tests::{Scratch, Store};

everywhere!(
    a_bucket_that_is_not_there,
    what_is_no_place_in_a_store,
    what_belongs_to_somebody_else,
    an_object_where_a_folder_should_be,
    odd_names_are_names,
    a_run_that_another_machine_has,
);

/// Everything after the scheme and the bucket.
fn run(scratch: &Scratch, store: &Store, workdir: &str) -> xqute_tests::Output {
    store
        .addressed(scratch.xqute(["run", "-w", workdir, "--", "touch", "ran"]))
        .run()
}

fn a_bucket_that_is_not_there(scratch: &Scratch, store: &Store) {
    let url = store.url("run").replace("xqute-test/", "no-such-bucket/");
    let output = run(scratch, store, &url).exits(4);
    output
        .says("has no")
        .says("`no-such-bucket`; make it first, or check the name");
    assert!(!scratch.has("ran"));
}

fn what_is_no_place_in_a_store(scratch: &Scratch, store: &Store) {
    for (below, why) in [
        ("run/", "it has a slash at its end"),
        ("a//b", "it has two slashes in a row"),
        ("a/../b", "`.` and `..` are no names in a store"),
        ("a\nb", "it has the control character '\\n'"),
    ] {
        run(scratch, store, &store.url(below)).exits(2).says(why);
    }
    if store.url("").starts_with("az") {
        run(scratch, store, &store.url("a\\b"))
            .exits(2)
            .says("it has a backslash, which Azure takes for a slash");
    }
    run(scratch, store, &store.url("run").replacen("://", "x://", 1))
        .exits(2)
        .says("it knows paths of this machine, and stores at gs://, s3:// and az://");
    assert!(!scratch.has("ran"));
}

fn what_belongs_to_somebody_else(scratch: &Scratch, store: &Store) {
    store.put(scratch, "run/7/notes", "mine");
    let url = store.url("run");
    for flags in [&[][..], &["--overwrite"], &["--resume"]] {
        let args = ["run", "-w", &url].into_iter().chain(flags.iter().copied());
        let output = store.addressed(scratch.xqute(args).args(["--", "true"])).run().exits(4);
        output.says("/run/7` that is no run's; choose another workdir with `-w`");
    }
    assert_eq!(store.list(scratch, "run"), ["7/notes"]);
}

fn an_object_where_a_folder_should_be(scratch: &Scratch, store: &Store) {
    store.put(scratch, "run", "mine");
    run(scratch, store, &store.url("run"))
        .exits(4)
        .says("is an object, not a folder");
}

fn odd_names_are_names(scratch: &Scratch, store: &Store) {
    for name in ["a b", "100%", "%2F", "ä€😀", "a+b&c=d?e#f", "~", "'\""] {
        run(scratch, store, &store.url(name)).exits(0);
        let names = store.list(scratch, name);
        assert!(names.iter().any(|object| object == "0/job.rc"), "{name}: {names:?}");
        store
            .addressed(scratch.xqute(["status", "-w", &store.url(name)]))
            .run()
            .exits(0);
    }
}

fn a_run_that_another_machine_has(scratch: &Scratch, store: &Store) {
    let marker =
        r#"{"tag": "0123456789abcdef", "host": "elsewhere", "home": "/home/you/run", "jobs_see": "/home/you/run"}"#;
    store.put(scratch, "run/xqute.run.json", marker);
    let url = store.url("run");
    for flags in [&[][..], &["--overwrite"], &["--resume"]] {
        let args = ["run", "-w", &url].into_iter().chain(flags.iter().copied());
        let output = store.addressed(scratch.xqute(args).args(["--", "true"])).run().exits(4);
        output.says("belongs to a run of the machine `elsewhere`, which keeps its state in `/home/you/run`");
    }
    let status = store.addressed(scratch.xqute(["status", "-w", &store.url("run")]));
    status.run().exits(4).says("`elsewhere` has it, in `/home/you/run`");
    assert_eq!(store.list(scratch, "run"), ["xqute.run.json"]);
}
