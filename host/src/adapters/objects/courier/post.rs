//! What is carried between the folder of a run on this machine and its workdir in the store: scripts and notes there, ends of
//! jobs here. Whatever is in the store already is not brought again.

use std::{
    fs::{self, File},
    io,
};

use camino::Utf8PathBuf;

use crate::{
    adapters::{
        objects::{Folder, StoreError, Trouble, mirror::InStore},
        workdir::names::{JID, RC, RETRY, STATUS, STDERR, STDOUT},
    },
    model::{
        job::JobIndex,
        outcome::{Observation, Outcome},
        run::JobAttempt,
    },
};

/// What the names of files begin with by which schedulers tell jobs to end.
const NOTE: &str = "job.cancel";

/// The most that is read of a file with a number in it.
const NUMBER: usize = 64;

/// The most that is fetched of what a failed job wrote to its stderr.
const TAIL: usize = 64 << 10;

/// The two folders.
pub(super) struct Post {
    pub(super) home: Utf8PathBuf,
    pub(super) folder: Folder,
    /// Learns what the store has of the host's files.
    pub(super) in_store: InStore,
}

impl Post {
    /// Brings an attempt's script to the store, and moves aside there what an earlier attempt left.
    pub(super) async fn send(&self, attempt: &JobAttempt) -> Result<(), StoreError> {
        let name = attempt.job.to_string();
        let object = format!("{name}/{}", attempt.script_name());
        if self.in_store.has(&attempt.home, attempt.job, attempt.script_name()) {
            return Ok(());
        }
        if attempt.attempt.retries() > 0 {
            self.move_aside(&name, attempt).await?;
        }
        let unreadable = |error: io::Error| self.folder.file_error("send", &object, &error);
        let script = File::open(attempt.script_at_home()).map_err(unreadable)?;
        let size = script.metadata().map_err(unreadable)?.len();
        self.folder.upload(&object, &script, size).await?;
        self.in_store.learn(&attempt.home, attempt.job, attempt.script_name());
        Ok(())
    }

    /// The script goes last: when that is where it belongs, all of it is.
    async fn move_aside(&self, name: &str, attempt: &JobAttempt) -> Result<(), StoreError> {
        let aside = format!("{name}/{RETRY}/{}", attempt.attempt.retries());
        let script = format!("{name}/{}", attempt.script_name());
        let (mut files, mut is_done) = (Vec::new(), false);
        for object in self.folder.list(name).await? {
            is_done |= object.name == format!("{aside}/{}", attempt.script_name());
            let is_of_attempt = object
                .name
                .strip_prefix(name)
                .is_some_and(|file| file.starts_with("/job.") && !file.starts_with("/job.retry/"));
            if is_of_attempt && object.name != script {
                files.push(object.name);
            }
        }
        if is_done {
            return Ok(());
        }
        for object in files.into_iter().chain([script]) {
            let file = object.rsplit('/').next().unwrap_or_default();
            match self.folder.rename(&object, &format!("{aside}/{file}")).await {
                Err(error) if error.trouble == Trouble::NotFound => {}
                renamed => renamed?,
            }
        }
        // The host has moved its own aside already, and jobs do not know it.
        match fs::read(
            attempt
                .home
                .join(format!("{RETRY}/{}/{JID}", attempt.attempt.retries())),
        ) {
            Ok(id) => self.folder.write(&format!("{aside}/{JID}"), id).await,
            Err(_) => Ok(()),
        }
    }

    /// Whether this machine has such a file of a job.
    pub(super) fn is_here(&self, job: JobIndex, file: &str) -> bool {
        self.home.join(job.to_string()).join(file).exists()
    }

    /// Brings files to the store by which a scheduler tells a job to end.
    pub(super) async fn bring_notes(&self, job: JobIndex) -> Result<(), StoreError> {
        let dir = self.home.join(job.to_string());
        let unreadable = |error: io::Error| self.folder.file_error("send", &job.to_string(), &error);
        let names = match dir.read_dir_utf8() {
            Ok(entries) => entries.filter_map(|entry| Some(entry.ok()?.file_name().to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(unreadable(error)),
        };
        let names: Vec<String> = names.filter(|name| name.starts_with(NOTE)).collect();
        for name in names {
            if !self.in_store.has(&dir, job, &name) {
                let note = fs::read(dir.join(&name)).map_err(unreadable)?;
                self.folder.write(&format!("{job}/{name}"), note).await?;
                self.in_store.learn(&dir, job, &name);
            }
        }
        Ok(())
    }

    /// Brings here what tells how an attempt ended.
    pub(super) async fn fetch(&self, job: JobIndex, ended: &Observation) -> Result<(), StoreError> {
        let (has_rc, _) = tokio::try_join!(self.fetch_number(job, RC), self.fetch_number(job, STATUS))?;
        if !has_rc && self.folder.exists(&format!("{job}/{STDOUT}")).await? {
            // That its command began is seen by this.
            self.keep(job, STDOUT, b"")?;
        }
        let name = format!("{job}/{STDERR}");
        if *ended != Observation::Ended(Outcome::Succeeded) {
            match self.folder.read_end(&name, TAIL).await {
                Ok((tail, _)) => self.keep(job, STDERR, &tail)?,
                Err(error) if error.trouble == Trouble::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether there is such a file.
    async fn fetch_number(&self, job: JobIndex, file: &str) -> Result<bool, StoreError> {
        match self.folder.read_from(&format!("{job}/{file}"), 0, NUMBER).await {
            Ok(number) => self.keep(job, file, &number).map(|()| true),
            Err(error) if error.trouble == Trouble::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn keep(&self, job: JobIndex, file: &str, content: &[u8]) -> Result<(), StoreError> {
        let dir = self.home.join(job.to_string());
        fs::write(dir.join(file), content)
            .map_err(|error| self.folder.file_error("fetch", &format!("{job}/{file}"), &error))?;
        self.in_store.learn(&dir, job, file);
        Ok(())
    }
}
