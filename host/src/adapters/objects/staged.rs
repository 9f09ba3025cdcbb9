//! One job on a machine that sees nothing of the run's workdir: its script is fetched from the store into a folder of that
//! machine, what it leaves there is copied back, while it runs and when it is over.

use std::{
    convert::Infallible,
    fs::{self, DirBuilder, File, OpenOptions},
    future::Future,
    io::{self, Read as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    time::Duration,
};

use camino::{Utf8Path, Utf8PathBuf};
use tokio::time::{Instant, sleep};

use super::{
    Folder, StoreError,
    mirror::{self, Copied, Route, Share},
};
use crate::model::{job::JobIndex, path::ObjectPath};

/// How long the job has run when it is copied for the first time; the pauses double from there.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// They are at least this many times as long as the last copy took.
const REST: u32 = 10;

/// How often a folder is made again that others have removed.
const TRIES: u32 = 100;

/// How long a store that does not answer is waited for when the job is over.
const PATIENCE: Duration = Duration::from_secs(3600);

/// A job whose script is here.
#[derive(Debug)]
pub struct Staged {
    route: Route,
    job: JobIndex,
    script: Utf8PathBuf,
    copied: Copied,
}

/// Why a job's script cannot be run here.
#[derive(Debug, thiserror::Error)]
pub enum NotStaged {
    /// Not a script of a job in that folder.
    #[error("`{script}` is no script of a job in `{dir}`")]
    Script {
        /// What was named.
        script: Utf8PathBuf,
        /// The folder.
        dir: Utf8PathBuf,
    },
    /// The folder cannot be used.
    #[error("cannot use `{path}` on this machine: {source}")]
    Folder {
        /// What was tried.
        path: Utf8PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The store does not give it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Staged {
    /// Fetches a job's script, from the workdir `place` into the folder `dir`, below which it is to be `script`.
    ///
    /// # Errors
    /// When it is not there, or cannot be put here.
    pub async fn fetch(place: &ObjectPath, dir: &Utf8Path, script: &Utf8Path) -> Result<Self, NotStaged> {
        let bad = || NotStaged::Script {
            script: script.to_owned(),
            dir: dir.to_owned(),
        };
        let name = script.strip_prefix(dir).map_err(|_| bad())?;
        let (job, file) = name.as_str().split_once('/').ok_or_else(bad)?;
        let index = job.parse().map_err(|_| bad())?;
        if file.is_empty() || file.contains('/') || file == ".." {
            return Err(bad());
        }
        let folder = Folder::open(place).await?;
        let unusable = |path: &Utf8Path| {
            let path = path.to_owned();
            |source| NotStaged::Folder { path, source }
        };
        let here = dir.join(job);
        make_room(dir, &here).map_err(unusable(&here))?;
        let mut options = OpenOptions::new();
        let mut to = options
            .write(true)
            .create_new(true)
            .mode(0o700)
            .open(script)
            .map_err(unusable(script))?;
        folder.download(name.as_str(), &mut to).await?;
        let there = mirror::look(here.as_std_path()).map_err(unusable(&here))?;
        Ok(Self {
            route: Route {
                home: dir.to_owned(),
                folder,
                share: Share::All,
            },
            job: JobIndex(index),
            script: script.to_owned(),
            copied: Copied::Files(there.unwrap_or_default()),
        })
    }

    /// The program that runs the script, as its first line says, and its arguments.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn command(&self) -> io::Result<Vec<String>> {
        let mut start = Vec::new();
        File::open(&self.script)?.take(4096).read_to_end(&mut start)?;
        let text = String::from_utf8_lossy(&start);
        let line = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("#!"))
            .unwrap_or("/bin/bash");
        let words = line.split_whitespace().map(str::to_owned);
        Ok(words.chain([self.script.to_string()]).collect())
    }

    /// Copies what the job leaves while it runs, and all of it when it is over; then nothing is left here.
    ///
    /// # Errors
    /// When the store does not take all of it. Then it stays here.
    pub async fn copy_until<T>(mut self, over: impl Future<Output = T>) -> (T, Result<(), StoreError>) {
        let ended = {
            let copying = self.keep_copying();
            tokio::select! {
                ended = over => ended,
                never = copying => match never {},
            }
        };
        let copied = self.finish().await;
        (ended, copied)
    }

    async fn keep_copying(&mut self) -> Infallible {
        let mut pause = FIRST_PAUSE;
        loop {
            sleep(pause).await;
            let began = Instant::now();
            match self.route.copy(self.job, self.copied.clone()).await {
                Ok(tree) => self.copied = Copied::Files(tree),
                Err(error) => tracing::debug!("{error}"),
            }
            pause = (pause * 2).min(LONGEST_PAUSE).max(began.elapsed() * REST);
        }
    }

    async fn finish(self) -> Result<(), StoreError> {
        let (began, mut pause) = (Instant::now(), FIRST_PAUSE);
        loop {
            match self.route.copy(self.job, self.copied.clone()).await {
                Ok(_) => break,
                Err(error) if error.may_pass() && began.elapsed() < PATIENCE => {
                    sleep(pause).await;
                    pause = (pause * 2).min(PATIENCE / 60);
                }
                Err(error) => return Err(error),
            }
        }
        let _somebody_else_tidies_up = fs::remove_dir_all(self.route.home.join(self.job.to_string()));
        // Other jobs of the run may be here.
        let _not_empty = fs::remove_dir(&self.route.home);
        Ok(())
    }
}

/// Makes an empty folder for a job in that of its run. The last job to leave takes the run's folder away, perhaps just now.
fn make_room(dir: &Utf8Path, here: &Utf8Path) -> io::Result<()> {
    for _ in 0..TRIES {
        own(dir)?;
        match renew(here) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            made => return made,
        }
    }
    Err(io::Error::other("others remove it again and again"))
}

/// Makes sure that a folder is there, and is nobody else's.
fn own(dir: &Utf8Path) -> io::Result<()> {
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = match fs::symlink_metadata(dir) {
        // That shows when something is made in it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if !found.is_dir() || found.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("it is there already, and belongs to somebody else"));
    }
    Ok(())
}

/// Makes an empty folder, whatever an earlier attempt left there.
fn renew(dir: &Utf8Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    DirBuilder::new().mode(0o700).create(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_others_tidy_away_is_made_again() {
        const JOBS: usize = 4;
        let scratch = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(scratch.path()).unwrap().join("run");
        let come_and_go = |job: usize| {
            let here = dir.join(job.to_string());
            for _ in 0..500 {
                make_room(&dir, &here).unwrap();
                fs::remove_dir(&here).unwrap();
                let _not_empty = fs::remove_dir(&dir);
            }
        };
        std::thread::scope(|scope| {
            for job in 0..JOBS {
                let come_and_go = &come_and_go;
                scope.spawn(move || come_and_go(job));
            }
        });
    }
}
