//! Where the state is, and what is refused because of what is there.

use std::{fs, path::Path};

use rusqlite::Connection;
use xqute_tests::{Scratch, machine};

use crate::host::{SHORT, is_sound, resume, starts, status};

/// A run that is over.
fn over(args: &[&str]) -> Scratch {
    let scratch = Scratch::new();
    scratch.run_jobs(&format!("{SHORT}\n"), args).exits(0);
    scratch
}

#[test]
fn without_a_word_about_it_an_earlier_run_is_left_alone() {
    let scratch = over(&[]);
    let output = scratch.run(["jobs.txt"]).exits(4);
    output.says("already holds a run").says("--resume").says("--overwrite");
    assert_eq!(starts(&scratch, 0), 1);
}

#[test]
fn the_state_may_be_elsewhere() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("disk")).unwrap();
    scratch
        .run_jobs(&format!("{SHORT}\n"), ["--state", "disk/state.db"])
        .exits(0);
    is_sound(&scratch.path("disk/state.db"));
    assert!(!scratch.has(".xqute/run.db"));
    // It is found again without the flag.
    assert_eq!(status(&scratch)["counts"]["finished"], 1);
    resume(&scratch, &[]).exits(0).says("1 job is done");
    scratch.run(["jobs.txt"]).exits(4).says("--resume");
    scratch
        .run(["-w", "other", "--state", "disk/state.db", "jobs.txt"])
        .exits(4)
        .says("holds the state of a run already");
    fs::rename(scratch.path("disk/state.db"), scratch.path("disk/moved.db")).unwrap();
    for args in [["status", "--json"], ["run", "--resume"]] {
        let output = scratch.xqute(args).run().exits(4);
        output
            .says("disk/state.db`, but nothing is there")
            .says("`--state FILE`");
    }
    scratch
        .run(["--resume", "--state", "disk/moved.db", "jobs.txt"])
        .exits(0)
        .says("1 job is done");
    assert_eq!(status(&scratch)["counts"]["finished"], 1);
    assert_eq!(starts(&scratch, 0), 1);
}

/// Whatever is done to the state of a run: it is refused with these words, and nothing is removed.
fn is_refused(spoil: impl Fn(&Path), words: &[&str]) {
    let scratch = over(&[]);
    let state = scratch.path(".xqute/run.db");
    for end in ["-wal", "-shm"] {
        drop(fs::remove_file(scratch.path(format!(".xqute/run.db{end}"))));
    }
    spoil(&state);
    let before = fs::read(&state).unwrap();
    for args in [&["run", "--resume", "jobs.txt"][..], &["status"]] {
        let output = scratch.xqute(args).run().exits(4);
        words.iter().fold(output, |output, word| output.says(word));
    }
    assert_eq!(fs::read(&state).unwrap(), before);
    scratch.job(0).ended(0);
    assert_eq!(starts(&scratch, 0), 1);
    // The way out that the words name.
    scratch.run(["--overwrite", "jobs.txt"]).exits(0);
}

#[test]
fn a_damaged_state_is_refused() {
    let words = ["is damaged", "restore the file, or start anew with `--overwrite`"];
    is_refused(
        |state| fs::write(state, "this was a database once, was it not?\n".repeat(99)).unwrap(),
        &words,
    );
    // The head is whole, the tables are not.
    let hole = |state: &Path| {
        let mut bytes = fs::read(state).unwrap();
        bytes[4096..].fill(0xff);
        fs::write(state, bytes).unwrap();
    };
    is_refused(hole, &words);
}

#[test]
fn a_state_of_somebody_else_is_refused() {
    let foreign = |state: &Path| {
        fs::remove_file(state).unwrap();
        Connection::open(state)
            .unwrap()
            .execute_batch("CREATE TABLE t (x)")
            .unwrap();
    };
    is_refused(foreign, &["is a database, but not one of xqute's"]);
}

#[test]
fn a_newer_state_is_refused() {
    let newer = |state: &Path| {
        Connection::open(state)
            .unwrap()
            .execute_batch("PRAGMA user_version = 7")
            .unwrap();
    };
    is_refused(newer, &["was written by a newer xqute (its version is 7"]);
}

#[test]
fn a_workdir_that_cannot_be_written_to_is_refused() {
    if !machine::is_root() {
        return machine::skip(
            "a_workdir_that_cannot_be_written_to_is_refused",
            "mounting a disk needs root",
        );
    }
    let scratch = Scratch::new();
    let disk = machine::Disk::mount(&scratch.path(".xqute"), "size=4m");
    scratch.run_jobs(&format!("{SHORT}\n"), [""; 0]).exits(0);
    disk.make_read_only();
    for how in ["--resume", "--overwrite"] {
        scratch
            .run([how, "jobs.txt"])
            .exits(4)
            .says("cannot write to the workdir");
    }
    scratch.job(0).ended(0);
    // Looking is possible.
    assert_eq!(status(&scratch)["counts"]["finished"], 1);
    scratch.xqute(["logs", "0"]).run().exits(0);
    disk.make_writable();
    drop(fs::write(
        scratch.path(".xqute/run.db-wal"),
        "left by one who was killed",
    ));
    disk.make_read_only();
    let words = "cannot be read where nothing can be written: its run was killed";
    scratch.xqute(["status"]).run().exits(4).says(words);
}
