//! Plugins that read and write where they may not.

use std::{
    fs,
    os::unix::fs::symlink,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
};

use xqute_tests::Scratch;

use crate::attempt::{Attempt, Tried};

/// What nobody granted; only this text gives away that it was read.
const SECRET: &str = "the-canary-sings";

/// A folder that is granted, and beside it a file that is not.
fn furnish(scratch: &Scratch) {
    scratch.write("granted/file", "harmless");
    scratch.write("granted/inner/file", "harmless");
    scratch.write("secret", SECRET);
}

/// Tries one path after the other.
fn trying(name: &str, right: &str, paths: &[&str]) -> Attempt {
    let attempt = Attempt::of(name).allowed(right);
    furnish(&attempt.scratch);
    // A guest has no folder that it is in.
    let absolute = |path: &&str| format!("\"{}\"", attempt.scratch.path(path).display());
    let paths: Vec<_> = paths.iter().map(absolute).collect();
    attempt.with(&format!("options = {{ try = [{}] }}", paths.join(", ")))
}

/// Nothing was read or written but what lies in the granted folder.
fn kept_out(tried: Tried) -> Tried {
    assert_eq!(tried.scratch.read("secret"), SECRET);
    tried.does_not_say(SECRET).does_not_say("root:").harmed_no_job()
}

#[test]
fn by_dots_and_by_absolute_paths() {
    let attempt = trying(
        "wasi_reads",
        "read=granted",
        &[
            "granted/file",
            "granted/../secret",
            "granted/inner/../../secret",
            "granted/./.././secret",
            "secret",
            "/etc/passwd",
            "granted//etc/passwd",
            "../here/secret",
        ],
    );
    kept_out(attempt.run().says("harmless"));
}

#[test]
fn by_proc() {
    let attempt = trying(
        "wasi_reads",
        "read=granted",
        &[
            "/proc/self/root/etc/passwd",
            "/proc/self/environ",
            "/proc/self/cwd/secret",
            "/dev/fd/3",
        ],
    );
    kept_out(attempt.run()).does_not_say("XQUTE_TEST_MARK");
}

#[test]
fn by_links_that_were_there_before() {
    let attempt = trying(
        "wasi_reads",
        "read=granted",
        &[
            "granted/link",
            "granted/up/secret",
            "granted/root/etc/passwd",
            "granted/self/root/etc/passwd",
        ],
    );
    for (to, link) in [
        ("../secret", "link"),
        ("..", "up"),
        ("/", "root"),
        ("/proc/self", "self"),
    ] {
        symlink(to, attempt.scratch.path("granted").join(link)).unwrap();
    }
    kept_out(attempt.run());
}

#[test]
fn by_links_of_its_own() {
    let attempt = trying("wasi_links_out", "write=granted", &["granted"]);
    kept_out(attempt.run());
}

#[test]
fn without_any_grant() {
    let attempt = Attempt::of("wasi_reads").with("options = { try = [\"granted/file\", \"secret\"] }");
    furnish(&attempt.scratch);
    kept_out(attempt.run()).does_not_say("harmless");
}

#[test]
fn writing_where_it_may_read() {
    let attempt = trying(
        "wasi_writes",
        "read=granted",
        &["granted/file", "granted/new", "secret", "granted/../new"],
    );
    let tried = kept_out(attempt.run());
    assert_eq!(tried.scratch.read("granted/file"), "harmless");
    tried
        .without("new")
        .without("granted/new")
        .without("granted/new.folder")
        .without("granted/file.folder");
}

#[test]
fn by_a_race() {
    let attempt = trying("wasi_races", "read=granted", &["granted/swapped/secret"]);
    let granted = attempt.scratch.path("granted");
    let (over, open) = (AtomicBool::new(false), AtomicBool::new(false));
    // What the path leads to is now a harmless folder, and now the folder above.
    let swap = || {
        let (place, link, folder) = (granted.join("swapped"), granted.join("link"), granted.join("folder"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("secret"), "harmless").unwrap();
        while !over.load(Relaxed) {
            fs::rename(&folder, &place).unwrap();
            fs::rename(&place, &folder).unwrap();
            symlink("..", &link).unwrap();
            fs::rename(&link, &place).unwrap();
            fs::remove_file(&place).unwrap();
        }
    };
    // Who just opens the path finds the secret now and then.
    let look = || {
        while !over.load(Relaxed) {
            if fs::read_to_string(granted.join("swapped/secret")).is_ok_and(|text| text == SECRET) {
                open.store(true, Relaxed);
            }
        }
    };
    let tried = thread::scope(|scope| {
        let swapping = scope.spawn(swap);
        scope.spawn(look);
        let tried = attempt.with("limits = { call-ms = 60000 }").run();
        over.store(true, Relaxed);
        swapping.join().unwrap();
        tried
    });
    assert!(open.load(Relaxed), "there was no race");
    kept_out(tried.says(" harmless files and ``").does_not_say("found 0 harmless"));
}

#[test]
fn by_the_environment() {
    let tried = Attempt::of("wasi_reads_its_environment").run();
    tried.says("sees []").does_not_say("XQUTE_TEST_MARK").harmed_no_job();
}
