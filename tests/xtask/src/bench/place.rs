//! Where benchmarks run: a folder with a copy of the command, away from bundled plugins, configuration and the user's cache.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};

use crate::{
    program::program,
    project::{self, Project},
};

/// A folder of our own, and what is needed in it.
pub(super) struct Place {
    folder: PathBuf,
    plugins: PathBuf,
    examples: PathBuf,
    /// On the disk that this project is on, and so most likely ext4.
    disk: PathBuf,
}

impl Place {
    /// In memory where the system offers that, else in cargo's target folder; for all sides alike. Each round deletes what
    /// the round before left, and ext4 creates files slowly for a while where many were deleted: that would be measured.
    pub(super) fn make(project: &Project) -> Result<Self> {
        let memory = Path::new("/dev/shm");
        let folder = match memory.is_dir() {
            true => memory.join(format!("xqute-bench-{}", std::process::id())),
            false => project.target.join("bench"),
        };
        println!("\nxtask: measuring in {}", folder.display());
        project::empty(&folder)?;
        let from = project.xqute();
        fs::copy(&from, folder.join("xqute")).with_context(|| format!("cannot copy {}", from.display()))?;
        // The nearest configuration file is this one.
        fs::write(folder.join("xqute.toml"), "")?;
        Ok(Self {
            folder,
            plugins: project.plugins(),
            examples: project.target.join("release/examples"),
            disk: project.target.join("bench-disk"),
        })
    }

    /// An example of the library.
    pub(super) fn example(&self, name: &str) -> PathBuf {
        self.examples.join(name)
    }

    /// A workdir on a real disk, which is not there yet.
    pub(super) fn on_disk(&self) -> Result<PathBuf> {
        project::remove(&self.disk)?;
        Ok(self.disk.clone())
    }

    /// Removes it.
    pub(super) fn clear(&self) -> Result<()> {
        project::remove(&self.disk)?;
        project::remove(&self.folder)
    }

    /// A path in it.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// An empty folder in it.
    pub(super) fn empty(&self, name: &str) -> Result<PathBuf> {
        let folder = self.path(name);
        project::empty(&folder)?;
        Ok(folder)
    }

    /// A job file with the program `true` on each line, which needs no shell.
    pub(super) fn program_file(&self, jobs: usize) -> Result<PathBuf> {
        let file = self.path("programs.jsonl");
        fs::write(&file, "{\"cmd\": [\"true\"]}\n".repeat(jobs))?;
        Ok(file)
    }

    /// A job file with `true` on each line.
    pub(super) fn job_file(&self, jobs: usize) -> Result<PathBuf> {
        let file = self.path("jobs.txt");
        fs::write(&file, "true\n".repeat(jobs))?;
        Ok(file)
    }

    /// The workdir of each run.
    pub(super) fn workdir(&self) -> PathBuf {
        self.path("workdir")
    }

    /// Whether this plugin was built.
    pub(super) fn has(&self, plugin: &str) -> bool {
        self.plugins.join(plugin).with_extension("wasm").exists()
    }

    /// `xqute run`, silent, in an empty workdir, with nothing but these plugins, which may do all that they ask for.
    pub(super) fn xqute(&self, plugins: &[&str]) -> Result<Command> {
        let workdir = self.workdir();
        project::remove(&workdir)?;
        self.xqute_in(&workdir, plugins)
    }

    /// The same in another workdir.
    pub(super) fn xqute_in(&self, workdir: &Path, plugins: &[&str]) -> Result<Command> {
        let mut xqute = program(self.path("xqute"));
        xqute
            .current_dir(&self.folder)
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("XDG_DATA_HOME", self.path("data"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env_remove("XQUTE_PLUGIN_DIR")
            .stdout(Stdio::null());
        for plugin in plugins {
            let file = self.plugins.join(plugin).with_extension("wasm");
            xqute
                .arg("--plugin")
                .arg(file)
                .args(["--allow", &plugin.replace('_', "-")]);
        }
        xqute
            .args(["--quiet", "run", "--progress", "none", "--workdir"])
            .arg(workdir);
        Ok(xqute)
    }

    /// The folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}
