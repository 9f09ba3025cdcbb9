//! The marker of a run in its workdir in a store: whose the workdir is, and where the run's state is kept. It is what keeps two
//! machines from using one workdir, and what tells on one machine where to go on with the run of another.

use std::{fs, io};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::{Folder, StoreError, Trouble};
use crate::{
    adapters::workdir::Existing,
    model::{path::ObjectPath, run::Run},
};

/// What the marker is called.
pub const MARKER: &str = "xqute.run.json";

/// What the marker says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// The run's tag.
    pub tag: String,
    /// The name of the machine that has the run.
    pub host: String,
    /// Where that machine keeps the run's files.
    pub home: Utf8PathBuf,
    /// Where jobs see the workdir: the same, if they see that machine's files.
    pub jobs_see: Utf8PathBuf,
}

/// A workdir in a store, looked at but not touched.
#[derive(Debug)]
pub struct Claim {
    folder: Folder,
    /// The marker that is there.
    found: Option<Marker>,
    mine: Marker,
}

/// Why a place in a store cannot be the workdir of a run.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// The store does not do what it is asked.
    #[error("cannot use the workdir: {0}")]
    Store(#[from] StoreError),
    /// It is the workdir of a run of another machine, or of another user of this one.
    #[error(
        "the workdir `{place}` belongs to a run of the machine `{}`, which keeps its state in `{}`: go on with it there, or \
         choose another workdir with `-w`; if that state is gone for good, remove `{place}/{MARKER}`",
        .owner.host, .owner.home
    )]
    Elsewhere {
        /// The workdir.
        place: ObjectPath,
        /// Whose it is.
        owner: Box<Marker>,
    },
    /// It is the workdir of a run whose state this machine has lost.
    #[error(
        "the workdir `{place}` holds a run whose state is not in `{home}` any more; remove what is left of it with \
         `--overwrite`, or choose another workdir with `-w`"
    )]
    Lost {
        /// The workdir.
        place: ObjectPath,
        /// Where its state should be.
        home: Utf8PathBuf,
    },
    /// Jobs of the run look for it elsewhere.
    #[error(
        "jobs of the run in `{place}` see it at `{then}`, and would see it at `{now}` now: go on with the options \
         `mounted-workdir` and `stage-dir` that it was started with"
    )]
    Access {
        /// The workdir.
        place: ObjectPath,
        /// Where earlier jobs see it.
        then: Utf8PathBuf,
        /// Where later ones would see it.
        now: Utf8PathBuf,
    },
    /// What it says cannot be kept on this machine.
    #[error("cannot write `{home}/{MARKER}`: {source}")]
    Kept {
        /// Where.
        home: Utf8PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is an object.
    #[error("the workdir `{place}` is an object, not a folder; choose another place with `-w`")]
    Object {
        /// The workdir.
        place: ObjectPath,
    },
    /// Something else is there.
    #[error("there is a `{place}/{name}` that is no run's; choose another workdir with `-w`")]
    Foreign {
        /// The workdir.
        place: ObjectPath,
        /// What is in the way.
        name: String,
    },
}

impl Marker {
    /// That of a run of this machine.
    pub fn here(run: &Run) -> Self {
        let system = rustix::system::uname();
        Self {
            tag: run.tag.clone(),
            host: system.nodename().to_string_lossy().into_owned(),
            home: run.home.clone(),
            jobs_see: run.workdir.mounted().to_string().into(),
        }
    }

    /// The one in a workdir, if there is one.
    ///
    /// # Errors
    /// When nobody can tell, or what has its name is none.
    pub async fn read(folder: &Folder) -> Result<Option<Self>, ClaimError> {
        let content = match folder.read_from(MARKER, 0, LONGEST).await {
            Err(error) if error.trouble == Trouble::NotFound => return Ok(None),
            content => content?,
        };
        let marker = serde_json::from_slice(&content).map_err(|_| ClaimError::Foreign {
            place: folder.place().clone(),
            name: MARKER.to_owned(),
        })?;
        Ok(Some(marker))
    }

    /// The one that this machine has kept of a run, if its workdir is in a store.
    pub fn kept(home: &Utf8Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(home.join(MARKER)).ok()?).ok()
    }

    /// Whether jobs write to the store, and the host sees nothing of it.
    pub fn jobs_are_afar(&self) -> bool {
        self.jobs_see != self.home
    }

    fn is_of_same_place(&self, other: &Self) -> bool {
        self.host == other.host && self.home == other.home
    }
}

/// No marker is longer.
const LONGEST: usize = 64 << 10;

impl Claim {
    /// Looks whether a run may have this workdir. `recorded` is the tag of the run whose state this machine has for it.
    ///
    /// # Errors
    /// When it may not.
    pub async fn look(
        folder: Folder,
        mine: Marker,
        recorded: Option<&str>,
        existing: Existing,
    ) -> Result<Self, ClaimError> {
        let place = || folder.place().clone();
        let found = Marker::read(&folder).await?;
        match &found {
            None => {
                if folder.is_object().await? {
                    return Err(ClaimError::Object { place: place() });
                }
                // Without a marker none of these is a job's directory.
                if let Some(name) = folder.folders("").await?.into_iter().find(|name| is_index(name)) {
                    return Err(ClaimError::Foreign { place: place(), name });
                }
            }
            Some(owner) if Some(&*owner.tag) == recorded => {
                if existing == Existing::Resume && owner.jobs_see != mine.jobs_see {
                    return Err(ClaimError::Access {
                        place: place(),
                        then: owner.jobs_see.clone(),
                        now: mine.jobs_see,
                    });
                }
            }
            Some(owner) if !owner.is_of_same_place(&mine) => {
                let owner = Box::new(owner.clone());
                return Err(ClaimError::Elsewhere { place: place(), owner });
            }
            Some(owner) if existing != Existing::Overwrite => {
                let home = owner.home.clone();
                return Err(ClaimError::Lost { place: place(), home });
            }
            Some(_) => {}
        }
        Ok(Self { folder, found, mine })
    }

    /// Takes the workdir for the run, and removes job directories that are to be overwritten.
    ///
    /// # Errors
    /// When another machine was faster, or the store does not do what it is asked.
    pub async fn take(self, existing: Existing) -> Result<Folder, ClaimError> {
        let Self { folder, found, mine } = self;
        if found.is_some() && existing == Existing::Overwrite {
            let objects = folder.list("").await?.into_iter().map(|object| object.name);
            let jobs = objects.filter(|name| name.split('/').next().is_some_and(is_index));
            folder.remove_each(jobs.collect()).await?;
        }
        let text = serde_json::to_vec_pretty(&mine).unwrap_or_default();
        fs::write(mine.home.join(MARKER), &text).map_err(|source| ClaimError::Kept {
            home: mine.home.clone(),
            source,
        })?;
        match found {
            Some(found) if found == mine => {}
            Some(_) => folder.write(MARKER, text).await?,
            None => match folder.create(MARKER, text).await {
                Err(error) if error.trouble == Trouble::Exists => {
                    // Somebody was faster; or it was this machine, whose first answer got lost on its way.
                    let owner = Marker::read(&folder).await?.filter(|owner| *owner != mine);
                    if let Some(owner) = owner.map(Box::new) {
                        let place = folder.place().clone();
                        return Err(ClaimError::Elsewhere { place, owner });
                    }
                }
                created => created?,
            },
        }
        Ok(folder)
    }
}

/// Whether a name is that of a job's directory.
fn is_index(name: &str) -> bool {
    name.parse::<u32>().is_ok_and(|index| index.to_string() == name)
}
