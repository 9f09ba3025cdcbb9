//! One job directory, copied: what has changed since the last time goes to the store, what is gone is removed there.

use std::{
    io,
    path::{Path, PathBuf},
};

use camino::Utf8PathBuf;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{
    in_store::InStore,
    tree::{self, Tree},
};
use crate::{
    adapters::{
        objects::{Folder, StoreError},
        workdir::names::{JID, RC, STATUS, STDERR},
    },
    model::job::JobIndex,
};

/// How many files of one directory are under way at once.
const AT_ONCE: usize = 4;

/// What a job directory has when the job is over; it goes last, as those who look into the store wait for it.
const LAST: &str = RC;

/// From where to where directories are copied.
#[derive(Clone, Debug)]
pub(in crate::adapters::objects) struct Route {
    /// The folder of all job directories on this machine.
    pub(in crate::adapters::objects) home: Utf8PathBuf,
    /// The same in the store.
    pub(in crate::adapters::objects) folder: Folder,
    /// What is copied of them.
    pub(in crate::adapters::objects) share: Share,
}

/// What is copied of a directory.
#[derive(Clone, Debug)]
pub(crate) enum Share {
    /// All that is in it: jobs write there.
    All,
    /// What the host itself writes there when a job is over. The rest of it jobs bring to the store themselves.
    Own(InStore),
}

/// What the host writes.
const OWN: [&str; 4] = [JID, STDERR, STATUS, LAST];

impl Share {
    /// Whether directories of jobs that run are worth to be copied.
    pub(super) const fn while_running(&self) -> bool {
        matches!(self, Self::All)
    }
}

/// What the store has of a job directory.
#[derive(Clone, Debug)]
pub(in crate::adapters::objects) enum Copied {
    /// Another process may have put something there.
    Unknown,
    /// What these files were.
    Files(Tree),
}

impl Route {
    /// Copies a job directory. Returns what the store has of it then.
    pub(in crate::adapters::objects) async fn copy(&self, job: JobIndex, before: Copied) -> Result<Tree, StoreError> {
        let name = job.to_string();
        let from = self.home.join(&name).into_std_path_buf();
        let now = self.look(from.clone(), &name).await?;
        if let Share::Own(in_store) = &self.share {
            return self.copy_own(&from, &name, now, &in_store.take(job)).await;
        }
        let (changed, gone) = match before {
            Copied::Unknown => {
                let there = self.folder.list(&name).await?.into_iter();
                let there =
                    there.filter_map(|object| Some(object.name.strip_prefix(&name)?.strip_prefix('/')?.to_owned()));
                (
                    now.keys().cloned().collect(),
                    there.filter(|file| !now.contains_key(file)).collect(),
                )
            }
            Copied::Files(before) => differences(&before, &now),
        };
        let send = |file: String| self.send(&from, &name, file, &now);
        let (last, first): (Vec<String>, Vec<String>) = changed.into_iter().partition(|file| file == LAST);
        stream::iter(first)
            .map(send)
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        let gone: Vec<String> = gone.iter().map(|file: &String| format!("{name}/{file}")).collect();
        if !gone.is_empty() {
            self.folder.remove_each(gone).await?;
        }
        for file in last {
            self.send(&from, &name, file, &now).await?;
        }
        Ok(now)
    }

    /// Copies what the host wrote since the store had it. A job's stderr is the host's only where the job has none.
    async fn copy_own(&self, from: &Path, name: &str, now: Tree, before: &Tree) -> Result<Tree, StoreError> {
        for file in OWN {
            if now.get(file).is_none_or(|stamp| before.get(file) == Some(stamp)) {
                continue;
            }
            if file == STDERR && self.folder.exists(&format!("{name}/{file}")).await? {
                continue;
            }
            self.send(from, name, file.to_owned(), &now).await?;
        }
        Ok(now)
    }

    async fn look(&self, from: PathBuf, name: &str) -> Result<Tree, StoreError> {
        let looked = tokio::task::spawn_blocking(move || tree::look(&from)).await;
        let looked = looked.unwrap_or_else(|broken| Err(io::Error::other(broken)));
        looked
            .map(Option::unwrap_or_default)
            .map_err(|error| self.folder.file_error("copy", name, &error))
    }

    async fn send(&self, from: &Path, name: &str, file: String, tree: &Tree) -> Result<(), StoreError> {
        let object = format!("{name}/{file}");
        let size = tree.get(&file).map_or(0, |stamp| stamp.size);
        match tree::open(from, &file) {
            Ok(source) => self.folder.upload(&object, &source, size).await,
            // It went, or became something else, after it was seen: that shows the next time.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::Other) => Ok(()),
            Err(error) => Err(self.folder.file_error("copy", &object, &error)),
        }
    }
}

/// What is new or different, and what is gone.
fn differences(before: &Tree, now: &Tree) -> (Vec<String>, Vec<String>) {
    let changed = now.iter().filter(|(file, stamp)| before.get(*file) != Some(stamp));
    let gone = before.keys().filter(|file| !now.contains_key(*file));
    (changed.map(|(file, _)| file.clone()).collect(), gone.cloned().collect())
}
