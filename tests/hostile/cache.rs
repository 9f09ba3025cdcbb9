//! The folder of compiled code, which is trusted as code is: nobody else may have had a hand in it.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown, symlink},
    path::{Path, PathBuf},
};

use xqute_tests::{Scratch, machine, plugin};

/// A run with a plugin and a cache of its own, which is at `cache/xqute`.
fn run(scratch: &Scratch) -> xqute_tests::Output {
    let cache = scratch.path("cache");
    let xqute = scratch.xqute(["-v", "--plugin"]).args([plugin("hello")]);
    let run = xqute
        .env("XDG_CACHE_HOME", cache)
        .args(["run", "--overwrite", "--", "true"]);
    run.run().exits(0).says("hello from job 0")
}

/// The files below a folder.
fn files(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, all),
            false => all.push(path),
        }
    }
}

#[test]
fn garbage_in_every_file() {
    let scratch = Scratch::new();
    run(&scratch);
    let mut found = Vec::new();
    files(&scratch.path("cache/xqute"), &mut found);
    assert!(!found.is_empty(), "nothing was kept");
    let garbage: [&[u8]; 4] = [b"", b"\x7fELF and then nothing", &[0xff; 4096], b"\0asm\x0d\0\x01\0"];
    for bytes in garbage {
        for file in &found {
            fs::write(file, bytes).unwrap();
        }
        run(&scratch);
    }
}

#[test]
fn a_part_of_each_file() {
    let scratch = Scratch::new();
    run(&scratch);
    let mut found = Vec::new();
    files(&scratch.path("cache/xqute"), &mut found);
    for file in &found {
        let bytes = fs::read(file).unwrap();
        fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
    }
    run(&scratch);
}

/// Nothing is read from such a cache, or written to it.
fn not_used(scratch: &Scratch) {
    run(scratch).says("cache").says("is not used");
    assert!(!scratch.has("cache/xqute/compiled"));
    assert!(!scratch.has("elsewhere/compiled"));
}

#[test]
fn one_that_others_may_write_to() {
    let scratch = Scratch::new();
    for mode in [0o777, 0o770, 0o702] {
        let folder = scratch.path("cache/xqute");
        fs::create_dir_all(&folder).unwrap();
        fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
        not_used(&scratch);
    }
}

#[test]
fn one_that_belongs_to_another() {
    if !machine::is_root() {
        return machine::skip("one_that_belongs_to_another", "only root can give a folder away");
    }
    let scratch = Scratch::new();
    let folder = scratch.path("cache/xqute");
    fs::create_dir_all(&folder).unwrap();
    chown(&folder, Some(65_534), Some(65_534)).unwrap();
    not_used(&scratch);
}

#[test]
fn one_that_is_a_link() {
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.path("cache")).unwrap();
    fs::create_dir(scratch.path("elsewhere")).unwrap();
    symlink(scratch.path("elsewhere"), scratch.path("cache/xqute")).unwrap();
    not_used(&scratch);
}

#[test]
fn one_that_is_a_file() {
    let scratch = Scratch::new();
    scratch.write("cache/xqute", "not a folder");
    run(&scratch).says("is not used");
}
