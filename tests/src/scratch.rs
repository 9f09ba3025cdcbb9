//! A folder of its own for each test, with its own home, and everything that can be looked at in it.

use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use crate::{
    built,
    job::JobDir,
    machine::{self, wait_until},
    program::{Output, Xqute},
};

/// The variable by which a test knows its processes, however far they went.
const MARK: &str = "XQUTE_TEST_MARK";

/// A folder, gone when dropped, and so are all processes that were started from it. Its name has a space and a quote in it,
/// so that every test is one about quoting as well.
pub struct Scratch {
    top: TempDir,
    uses: AtomicU32,
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Scratch {
    /// An empty one.
    pub fn new() -> Self {
        let readable = fs::Permissions::from_mode(0o755);
        let top = tempfile::Builder::new()
            .prefix("xqute it's ")
            .permissions(readable)
            .tempdir()
            .unwrap();
        for folder in ["here", "home", "said"] {
            fs::create_dir(top.path().join(folder)).unwrap();
        }
        let uses = AtomicU32::new(0);
        Self { top, uses }
    }

    /// The folder that programs start in, or something in it.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.top.path().join("here").join(name)
    }

    /// A path that a program has printed.
    pub fn meant(&self, shown: &str) -> PathBuf {
        shown
            .replace("[scratch]", &self.top.path().display().to_string())
            .into()
    }

    /// Writes a file, and the folders above it.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Reads a text file.
    #[track_caller]
    pub fn read(&self, name: impl AsRef<Path>) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Whether there is a file or folder.
    pub fn has(&self, name: impl AsRef<Path>) -> bool {
        self.path(name).exists()
    }

    /// Waits until a file is there.
    #[track_caller]
    pub fn wait_for_file(&self, name: impl AsRef<Path>) {
        let path = self.path(name);
        wait_until(&format!("{} is there", path.display()), || path.exists());
    }

    /// `xqute` with these arguments, in its own environment.
    pub fn xqute(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Xqute {
        self.program(&built::xqute()).args(args)
    }

    /// Any program, in the same environment.
    pub fn program(&self, program: &Path) -> Xqute {
        let top = self.top.path();
        let number = self.uses.fetch_add(1, Ordering::Relaxed);
        let home = top.join("home");
        Xqute::new(program, &self.path(""), &top.join("said").join(number.to_string()), top)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LANG", "C.UTF-8")
            .env("HOME", &home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_DATA_HOME", home.join("data"))
            .env("XDG_STATE_HOME", home.join("state"))
            // Shared: what it holds is compiled plugins, found by their content.
            .env("XDG_CACHE_HOME", built::target().join("test-cache"))
            .env(MARK, top)
    }

    /// `xqute run` with these arguments, to its end.
    #[track_caller]
    pub fn run(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
        self.xqute(["run"]).args(args).run()
    }

    /// `xqute run` with these arguments and a job file with these lines, to its end.
    #[track_caller]
    pub fn run_jobs(&self, jobs: &str, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
        self.xqute(["run"])
            .args(args)
            .args([self.write("jobs.txt", jobs)])
            .run()
    }

    /// A job directory in the default workdir.
    pub fn job(&self, index: u32) -> JobDir {
        JobDir::new(self.path(".xqute").join(index.to_string()))
    }

    /// The processes that were started from here and live.
    pub fn processes(&self) -> Vec<Pid> {
        machine::processes_with(&format!("{MARK}={}", self.top.path().display()))
    }

    /// Checks that nothing that was started from here is left. What was killed may take a moment to go.
    #[track_caller]
    pub fn has_no_processes(&self) {
        wait_until("no process is left", || self.processes().is_empty());
    }

    /// Lets another user write here.
    pub fn open_to_all(&self) {
        for folder in ["here", "home", "said"] {
            fs::set_permissions(self.top.path().join(folder), fs::Permissions::from_mode(0o777)).unwrap();
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        for process in self.processes() {
            machine::signal(process, Signal::KILL);
        }
    }
}
