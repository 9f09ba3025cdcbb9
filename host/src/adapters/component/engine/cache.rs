//! Compiled code that is kept between runs, found by the digest of what it was compiled from: `<digest>-<engine>.cwasm`, in
//! a folder of the user's own.
//!
//! Compiled code is believed, so it is only ever what xqute itself put into a folder to which nobody else may write: whose
//! owner is another, or which others may write to, is not used. Each version of a plugin is compiled once, also when several
//! runs start together. What was used longest ago goes when there is too much.

use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions, TryLockError},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use wasmtime::component::Component;

use super::digests::Digests;
use crate::adapters::{
    clock::Clock,
    component::{error::Problem, load::file::Source},
    private::{self, check_owner, put, secure_folder, user_folder},
};

/// Who may say where the cache is.
const VARIABLE: &str = "XDG_CACHE_HOME";

/// The most bytes of all compiled code.
const MOST_IN_ALL: u64 = 1 << 30;

/// Whoever compiles a file that is smaller is done before anybody wonders.
const BIG: u64 = 1 << 20;

/// The folder for compiled code: `$XDG_CACHE_HOME/xqute`, or `~/.cache/xqute`.
pub fn default_cache() -> Option<PathBuf> {
    user_folder(VARIABLE, ".cache")
}

/// Says that a file will be compiled, if that takes long.
pub(super) fn announce(file: &Source, name: &str, how_often: &str) {
    if file.size() >= BIG {
        let size = file.size() >> 20;
        tracing::info!(target: "xqute::patience", "compiling the plugin {name} ({size} MiB), {how_often}");
    }
}

/// A folder of compiled code.
pub(crate) struct Cache {
    folder: PathBuf,
    digests: Digests,
    /// What a file's name says of the engine that it is for.
    engine: String,
}

impl Cache {
    /// The cache in this folder, if it is safe to use.
    pub(super) fn open(folder: &Path, engine: &wasmtime::Engine) -> Option<Self> {
        let [compiled, digests] = ["compiled", "digests"].map(|inside| folder.join(inside));
        for folder in [folder, &compiled, &digests] {
            if let Err(why) = secure_folder(folder, VARIABLE) {
                tracing::warn!(
                    "plugins are compiled anew in each run: the cache {} is not used: {why}",
                    folder.display()
                );
                return None;
            }
        }
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Some(Self {
            folder: compiled,
            digests: Digests::new(digests),
            engine: format!("{:016x}", hasher.finish()),
        })
    }

    /// The component in a file, from the cache; or compiled now, for whoever needs it next.
    pub(super) fn component(
        &self,
        engine: &wasmtime::Engine,
        file: &mut Source,
        name: &str,
    ) -> Result<Component, Problem> {
        let place = self.place(file.digest());
        if let Some(found) = load(engine, &place) {
            return Ok(found);
        }
        let turn = Turn::take(&place, name);
        // Somebody else may have been faster.
        if let Some(found) = turn.is_some().then(|| load(engine, &place)).flatten() {
            return Ok(found);
        }
        announce(file, name, "once for this version of xqute");
        let component = super::compile(engine, &file.bytes()?)?;
        let kept = component
            .serialize()
            .map_err(|error| error.to_string())
            .and_then(|code| self.keep(&place, &code).map_err(|error| error.to_string()));
        if let Err(why) = kept {
            tracing::warn!(
                "the compiled plugin {name} cannot be kept in {}: {why}",
                place.display()
            );
        }
        Ok(component)
    }

    fn place(&self, digest: &str) -> PathBuf {
        self.folder.join(format!("{digest}-{}.cwasm", self.engine))
    }

    /// The digest of a file that was read before, if code that was compiled from it is here. Should the file have changed
    /// all the same, the code that runs is still the one that has this digest.
    pub(crate) fn recall(&self, file: &fs::Metadata) -> Option<String> {
        self.digests.recall(file).filter(|digest| self.place(digest).exists())
    }

    /// Keeps the digest of a file, for the next run.
    pub(crate) fn remember(&self, file: &fs::Metadata, digest: &str) {
        self.digests.remember(file, digest, Clock::start().now());
    }

    /// Puts compiled code in its place, all of it or nothing.
    fn keep(&self, place: &Path, code: &[u8]) -> io::Result<()> {
        let kept = put(place, code);
        self.make_room(place, MOST_IN_ALL);
        kept
    }

    /// Removes what was used longest ago, but not what has just been put there, until there are at most so many bytes.
    fn make_room(&self, newest: &Path, most: u64) {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return;
        };
        let mut files: Vec<(SystemTime, u64, PathBuf)> = entries
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
                Some((metadata.modified().ok()?, metadata.len(), entry.path()))
            })
            .collect();
        files.sort();
        let mut all: u64 = files.iter().map(|(_, size, _)| size).sum();
        for (_, size, path) in files {
            if all <= most {
                return;
            }
            // Another run may have removed it already.
            if path != newest && fs::remove_file(&path).is_ok() {
                all -= size;
            }
        }
    }
}

/// Compiled code, if it is there, to be trusted, and whole.
fn load(engine: &wasmtime::Engine, place: &Path) -> Option<Component> {
    let found = fs::symlink_metadata(place).ok()?;
    let remedy = "remove it";
    let trusted = match found.is_file() {
        true => check_owner(&found, remedy),
        false => Err(format!("it is not a regular file; {remedy}")),
    };
    if let Err(why) = trusted {
        tracing::warn!("compiled code is not used: {}: {why}", place.display());
        return None;
    }
    #[expect(unsafe_code, reason = "wasmtime cannot know who wrote the file")]
    // SAFETY: xqute wrote it from a component that it compiled, or somebody who could as well replace xqute: it and its
    // folder belong to this user, and nobody else may write to them. Files are replaced, never changed. What another
    // wasmtime made, or is cut short, wasmtime itself finds out.
    let component = unsafe { Component::deserialize_file(engine, place) };
    match component {
        Ok(component) => {
            mark_as_used(place);
            Some(component)
        }
        Err(error) => {
            tracing::debug!("compiled anew: {}: {error:#}", place.display());
            None
        }
    }
}

fn mark_as_used(place: &Path) {
    // Without the file there is nothing to mark.
    let _ = File::open(place).map(|file| private::mark_as_used(&file));
}

/// The turn to compile something. It is given up when this is dropped.
struct Turn {
    _locked: File,
    path: PathBuf,
}

impl Turn {
    /// Waits until nobody else compiles the same. `None` where files cannot be locked: then everybody compiles.
    fn take(place: &Path, name: &str) -> Option<Self> {
        let path = place.with_extension(OsStr::new("lock"));
        let options = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path);
        let file = options.ok()?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                tracing::info!(target: "xqute::patience", "waiting for another xqute that compiles the plugin {name}");
                file.lock().ok()?;
            }
            Err(TryLockError::Error(_)) => return None,
        }
        Some(Self { _locked: file, path })
    }
}

impl Drop for Turn {
    /// Whoever waits for this lock finds the compiled code when it gets it, and so does who makes a new one.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::adapters::component::{load::file, testing::Guest};

    struct Place {
        folder: tempfile::TempDir,
        engine: wasmtime::Engine,
        cache: Cache,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let engine = wasmtime::Engine::default();
            let cache = Cache::open(&folder.path().join("xqute"), &engine).unwrap();
            Self { folder, engine, cache }
        }

        fn component(&self) -> Result<Component, Problem> {
            let path = Guest::default().file(&self.folder);
            let mut file = file::open(&path, file::MAX_SIZE, None)?;
            self.cache.component(&self.engine, &mut file, "guest")
        }

        /// Everything in the cache.
        fn files(&self) -> Vec<PathBuf> {
            let entries = fs::read_dir(&self.cache.folder).unwrap();
            let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
            files.sort();
            files
        }
    }

    #[test]
    fn code_is_compiled_once() {
        let place = Place::new();
        place.component().unwrap();
        let files = place.files();
        assert_eq!(files.len(), 1, "{files:?}");
        let first = fs::metadata(&files[0]).unwrap();
        assert_eq!(first.permissions().mode() & 0o777, 0o600);
        assert!(load(&place.engine, &files[0]).is_some());
        place.component().unwrap();
        assert_eq!(place.files(), files);
        let inode = std::os::unix::fs::MetadataExt::ino;
        assert_eq!(
            inode(&fs::metadata(&files[0]).unwrap()),
            inode(&first),
            "not written again"
        );
    }

    #[test]
    fn a_digest_without_its_code_is_not_recalled() {
        let place = Place::new();
        let big = place.folder.path().join("big");
        File::create(&big).unwrap().set_len(2 << 20).unwrap();
        let found = fs::metadata(&big).unwrap();
        let digest = "0a".repeat(32);
        let later = found.modified().unwrap() + std::time::Duration::from_secs(60);
        place.cache.digests.remember(&found, &digest, later);
        assert_eq!(place.cache.recall(&found), None);
        place.cache.keep(&place.cache.place(&digest), b"code").unwrap();
        assert_eq!(place.cache.recall(&found), Some(digest));
    }

    #[test]
    fn runs_that_start_together_compile_once() {
        let place = Place::new();
        let path = Guest::default().file(&place.folder);
        let mut held = file::open(&path, file::MAX_SIZE, None).unwrap();
        let entry = place.cache.place(held.digest());
        let turn = Turn::take(&entry, "guest").unwrap();
        std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                let mut file = file::open(&path, file::MAX_SIZE, None).unwrap();
                // What is not WebAssembly could not be compiled: it has to come from the cache.
                fs::write(&path, "gone").unwrap();
                place.cache.component(&place.engine, &mut file, "guest")
            });
            while fs::read(&path).unwrap() != b"gone" {
                std::thread::yield_now();
            }
            assert!(held.bytes().is_err());
            let compiled = Component::from_binary(&place.engine, &Guest::default().component()).unwrap();
            place.cache.keep(&entry, &compiled.serialize().unwrap()).unwrap();
            drop(turn);
            assert!(other.join().unwrap().is_ok());
        });
        assert_eq!(place.files(), [entry]);
    }

    #[test]
    fn garbage_is_neither_believed_nor_fatal() {
        let place = Place::new();
        place.component().unwrap();
        let entry = place.files().remove(0);
        let good = fs::read(&entry).unwrap();
        for bad in [&b"garbage"[..], &[], &good[..good.len() / 2], &good[..200]] {
            fs::write(&entry, bad).unwrap();
            assert!(load(&place.engine, &entry).is_none());
            place.component().unwrap();
            assert!(load(&place.engine, &entry).is_some(), "it was replaced");
        }
    }

    #[test]
    fn what_others_may_write_to_is_not_used() {
        let place = Place::new();
        place.component().unwrap();
        let entry = place.files().remove(0);
        fs::set_permissions(&entry, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(load(&place.engine, &entry).is_none());
        place.component().unwrap();
        assert!(load(&place.engine, &entry).is_some(), "it was replaced");
        let aside = place.folder.path().join("aside");
        fs::rename(&entry, &aside).unwrap();
        std::os::unix::fs::symlink(&aside, &entry).unwrap();
        assert!(load(&place.engine, &entry).is_none(), "a link");
        let open = place.folder.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(Cache::open(&open, &place.engine).is_none());
    }

    #[test]
    fn what_was_used_longest_ago_makes_room() {
        let place = Place::new();
        let path = |name: &str| place.cache.folder.join(name);
        for (name, age) in [("old", 3), ("older", 4), ("new", 1)] {
            fs::write(path(name), [0; 100]).unwrap();
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1000 - age);
            File::options()
                .append(true)
                .open(path(name))
                .unwrap()
                .set_modified(time)
                .unwrap();
        }
        place.cache.make_room(&path("older"), 300);
        assert_eq!(place.files().len(), 3);
        mark_as_used(&path("old"));
        place.cache.make_room(&path("older"), 250);
        assert_eq!(place.files(), [path("old"), path("older")]);
    }
}
