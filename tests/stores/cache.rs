//! Objects as files: `xqute fetch`, and job files in stores.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rustix::process::Signal;
use xqute_tests::{Output, Scratch, Store, Xqute, wait_until};

everywhere!(
    an_object_becomes_a_file,
    what_has_changed_is_fetched_again,
    what_was_used_longest_ago_goes,
    what_does_not_fit_is_refused,
    two_at_once_fetch_it_once,
    what_was_cut_short_is_fetched_again,
    what_cannot_be_fetched,
    who_is_not_let_in,
    a_job_file_may_be_in_a_store,
);

fn program<'a>(scratch: &Scratch, store: &Store, args: impl IntoIterator<Item = &'a str>) -> Xqute {
    let program = store.addressed(scratch.xqute(args));
    program.env("XDG_CACHE_HOME", scratch.path("cache"))
}

fn fetch(scratch: &Scratch, store: &Store, names: &[&str]) -> Xqute {
    let urls: Vec<String> = names.iter().map(|name| store.url(name)).collect();
    program(scratch, store, ["fetch"]).args(urls)
}

/// The files that it printed.
fn files(scratch: &Scratch, output: &Output) -> Vec<PathBuf> {
    let here = format!("{}/", scratch.path("").to_str().unwrap().trim_end_matches('/'));
    let lines = output.stdout.lines();
    lines
        .map(|line| line.replace("[scratch]/here/", &here).into())
        .collect()
}

fn fetched(scratch: &Scratch, store: &Store, name: &str) -> PathBuf {
    let output = fetch(scratch, store, &[name]).run().exits(0);
    files(scratch, &output).pop().unwrap()
}

/// The last names of all files in the cache, or of all parts.
fn kept(scratch: &Scratch, what: &str) -> Vec<String> {
    let folder = scratch.path("cache/xqute/objects").join(what);
    let mut names: Vec<_> = match folder.exists() {
        true => crate::files(&folder).into_keys().collect(),
        false => Vec::new(),
    };
    names = names
        .iter()
        .map(|name| Path::new(name).file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

fn requests(store: &Store) -> u32 {
    store.proxy.requests().values().sum()
}

/// Enough to take a while when the way is slow.
fn large() -> String {
    (0..1_000_000).map(|number| format!("{number:07}\n")).collect()
}

fn an_object_becomes_a_file(scratch: &Scratch, store: &Store) {
    let names = [
        "b/plain.tar.gz",
        "a b/100% %2F",
        "ä€😀.txt",
        "'\"",
        "a+b&c=d?e#f",
        "empty",
    ];
    for name in names {
        let content = if name == "empty" { "" } else { name };
        store.put(scratch, name, content);
    }
    scratch.write("mine.txt", "mine");
    let output = fetch(scratch, store, &names).args(["mine.txt"]).run().exits(0);
    let files = files(scratch, &output);
    assert_eq!(files.len(), names.len() + 1);
    assert_eq!(files[names.len()], scratch.path("mine.txt"));
    for (name, file) in names.iter().zip(&files) {
        assert_eq!(file.file_name(), Path::new(name).file_name());
        let content = if *name == "empty" { "" } else { *name };
        assert_eq!(fs::read_to_string(file).unwrap(), content);
    }
    // What is there costs one question for each.
    let before = requests(store);
    let again = fetch(scratch, store, &names).args(["mine.txt"]).run().exits(0);
    assert_eq!(again.stdout, output.stdout);
    assert_eq!(usize::try_from(requests(store) - before).unwrap(), names.len());
}

fn what_has_changed_is_fetched_again(scratch: &Scratch, store: &Store) {
    store.put(scratch, "a.txt", "one");
    let one = fetched(scratch, store, "a.txt");
    store.put(scratch, "a.txt", "two");
    let two = fetched(scratch, store, "a.txt");
    assert_ne!(one, two);
    assert_eq!(fs::read(one).unwrap(), b"one");
    assert_eq!(fs::read(&two).unwrap(), b"two");
    assert_eq!(fetched(scratch, store, "a.txt"), two);
}

fn what_was_used_longest_ago_goes(scratch: &Scratch, store: &Store) {
    for name in ["a", "b", "c"] {
        store.put(scratch, name, &name.repeat(400));
    }
    for name in ["a", "b", "a", "c"] {
        let bounded = fetch(scratch, store, &[name]).env("XQUTE_CACHE_MAX", "1K");
        bounded.run().exits(0);
    }
    assert_eq!(kept(scratch, "files"), ["a", "c"]);
    // What went is fetched once more.
    assert_eq!(fs::read(fetched(scratch, store, "b")).unwrap(), b"b".repeat(400));
}

fn what_does_not_fit_is_refused(scratch: &Scratch, store: &Store) {
    for name in ["a", "b", "c"] {
        store.put(scratch, name, &name.repeat(400));
    }
    let bounded = |names: &[&str], most: &str| fetch(scratch, store, names).env("XQUTE_CACHE_MAX", most).run();
    let alone = bounded(&["a"], "399").exits(4);
    assert_eq!(alone.stdout, "");
    alone.says("it has 400 bytes, and the cache may hold 399 bytes in all; set XQUTE_CACHE_MAX to more than that");
    let together = bounded(&["a", "b", "c"], "1K").exits(4);
    assert_eq!(together.stdout, "", "either all or none");
    together.says("it has 400 bytes, and 800 bytes of the 1 KiB that the cache may hold are in use");
    bounded(&["a"], "much")
        .exits(2)
        .says("XQUTE_CACHE_MAX is `much`, which is no size: expected bytes, such as `500M` or `10G`");
    bounded(&["a", "b", "c"], "1200").exits(0);
}

fn two_at_once_fetch_it_once(scratch: &Scratch, store: &Store) {
    let content = large();
    store.put(scratch, "large.txt", &content);
    store.proxy.slow(true);
    let before = requests(store);
    let one = fetch(scratch, store, &["large.txt"]).start();
    wait_until("one fetches it", || kept(scratch, "parts").len() == 1);
    let other = fetch(scratch, store, &["large.txt"]).start();
    other.wait_for_word("large.txt, which is being fetched already");
    store.proxy.slow(false);
    let (one, other) = (one.wait().exits(0), other.wait().exits(0));
    assert_eq!(one.stdout, other.stdout);
    assert!(fs::read_to_string(&files(scratch, &one)[0]).unwrap() == content);
    // Which version there is, all of it, whether it is still that one; and which version there is.
    assert_eq!(requests(store) - before, 4, "{:?}", store.proxy.requests());
}

fn what_was_cut_short_is_fetched_again(scratch: &Scratch, store: &Store) {
    let content = large();
    store.put(scratch, "large.txt", &content);
    store.put(scratch, "other.txt", "other");
    store.proxy.slow(true);
    let running = fetch(scratch, store, &["large.txt"]).start();
    wait_until("it is being fetched", || kept(scratch, "parts").len() == 1);
    running.signal(Signal::KILL);
    running.wait();
    store.proxy.slow(false);
    assert!(kept(scratch, "files").is_empty());
    // What is left of it is in nobody's way.
    let other = fetch(scratch, store, &["other.txt"]).env("XQUTE_CACHE_MAX", "1K");
    other.run().exits(0);
    assert!(kept(scratch, "parts").is_empty());
    assert!(fs::read_to_string(fetched(scratch, store, "large.txt")).unwrap() == content);
}

fn what_cannot_be_fetched(scratch: &Scratch, store: &Store) {
    store.put(scratch, "folder/a", "a");
    let refused = |names: &[&str]| {
        let output = fetch(scratch, store, names).run().exits(2);
        assert_eq!(output.stdout, "");
        output
    };
    let missing = refused(&["folder/a", "missing", "folder", "folder/a/b"]);
    missing
        .says("/missing: there is no such object")
        .says("/folder: it is a folder; name an object in it")
        .says("/folder/a/b: there is no such object");
    let run = |url: &str| program(scratch, store, ["fetch", url]).run().exits(2);
    let here = store.url("x");
    let bucket = here.replace("/xqute-test/", "/no-such-bucket/");
    run(&bucket).says("`no-such-bucket`; make it first, or check the name");
    let (bucket, _) = here.split_at(here.find("xqute-test").unwrap() + "xqute-test".len());
    run(bucket).says("it is a bucket; name an object in it");
    run(&here.replacen("://", "x://", 1)).says("it knows paths of this machine, and stores at gs://, s3:// and az://");
    run(&store.url("folder/")).says("it has a slash at its end");
    run("nothing").says("/nothing: No such file or directory");
    run(".").says("is a directory");
    assert!(kept(scratch, "files").is_empty() || kept(scratch, "files") == ["a"]);
}

fn who_is_not_let_in(scratch: &Scratch, store: &Store) {
    // Of the stores that tests have only this one looks at keys.
    if !store.url("").starts_with("az:") {
        return;
    }
    store.put(scratch, "a", "a");
    let connection = std::env::var("AZURE_STORAGE_CONNECTION_STRING").unwrap();
    let foreign = connection.replace("AccountKey=E", "AccountKey=F");
    assert_ne!(foreign, connection);
    fetch(scratch, store, &["a"])
        .env("AZURE_STORAGE_CONNECTION_STRING", foreign)
        .run()
        .exits(2)
        .says("/a: Azure Blob Storage does not allow it");
}

fn a_job_file_may_be_in_a_store(scratch: &Scratch, store: &Store) {
    store.put(scratch, "jobs.jsonl", "{\"cmd\": \"echo one > one\"}\n");
    scratch.write("more.txt", "echo two > two\n");
    let run = |args: &[&str]| program(scratch, store, ["run"]).args(args).run();
    run(&[&store.url("jobs.jsonl"), "more.txt"])
        .exits(0)
        .says("2 succeeded");
    assert!(scratch.has("one") && scratch.has("two"));
    let dry = run(&["--dry-run", "-w", "dry", &store.url("jobs.jsonl")]).exits(0);
    assert!(dry.stdout.contains("echo one > one"), "{}", dry.stdout);
    store.put(scratch, "bad.jsonl", "{\"cmd\": \"true\"}\n{\"comand\": \"true\"}\n");
    run(&["-w", "bad", &store.url("bad.jsonl")])
        .exits(2)
        .says("/bad.jsonl:2: unknown key `comand`");
    run(&["-w", "bad", &store.url("missing.txt")])
        .exits(2)
        .says("/missing.txt: there is no such object");
    assert!(!scratch.has("bad"));
}
