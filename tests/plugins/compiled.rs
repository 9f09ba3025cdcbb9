//! Compiled plugins: kept for the next run, compiled once, and never believed when somebody else may have touched them.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use xqute_tests::{Scratch, Xqute, plugin};

/// A cache of the test's own, and a plugin that is big, though compiled quickly.
struct Place {
    scratch: Scratch,
    plugin: PathBuf,
    cache: PathBuf,
}

impl Place {
    fn new() -> Self {
        let scratch = Scratch::new();
        let mut wasm = fs::read(plugin("hello")).unwrap();
        // A custom section of 2 MiB, its length in LEB128 and its name empty.
        wasm.extend([0, 0x80, 0x80, 0x80, 0x01]);
        wasm.resize(wasm.len() + (2 << 20), 0);
        let plugin = scratch.write("big.wasm", wasm);
        let cache = scratch.path("cache");
        Self { scratch, plugin, cache }
    }

    fn run(&self, workdir: &str) -> Xqute {
        self.scratch
            .xqute(["--plugin"])
            .args([&self.plugin])
            .args(["run", "-w", workdir, "--overwrite", "--", "true"])
            .env("XDG_CACHE_HOME", &self.cache)
    }

    /// All that is in the cache.
    fn files(&self) -> Vec<PathBuf> {
        let folder = self.cache.join("xqute/compiled");
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

const WORDS: &str = "compiling the plugin big (2 MiB), once for this version of xqute";

#[test]
fn it_is_said_once_and_done_once() {
    let place = Place::new();
    place.run("w").run().exits(0).says(WORDS);
    place.run("w").run().exits(0).does_not_say("compiling");
    assert_eq!(place.files().len(), 1);
}

#[test]
fn runs_that_start_together_compile_once() {
    let place = Place::new();
    let runs: Vec<_> = ["a", "b", "c"].map(|workdir| place.run(workdir).start()).into();
    let said = runs
        .into_iter()
        .map(|run| run.wait().exits(0).stderr.matches(WORDS).count());
    assert_eq!(said.sum::<usize>(), 1);
    assert_eq!(place.files().len(), 1);
}

#[test]
fn a_poisoned_cache_is_neither_believed_nor_fatal() {
    let place = Place::new();
    place.run("w").run().exits(0);
    let compiled = place.files().remove(0);
    fs::write(&compiled, "poison").unwrap();
    place.run("w").run().exits(0).says(WORDS);
    open_to_all(&compiled);
    place.run("w").run().exits(0).says("others may write to it").says(WORDS);
    place.run("w").run().exits(0).does_not_say("compiling");
    open_to_all(&place.cache.join("xqute"));
    place
        .run("w")
        .run()
        .exits(0)
        .says("plugins are compiled anew in each run")
        .says("others may write to it");
}

fn open_to_all(path: &Path) {
    let mut rights = fs::metadata(path).unwrap().permissions();
    rights.set_mode(rights.mode() | 0o022);
    fs::set_permissions(path, rights).unwrap();
}
