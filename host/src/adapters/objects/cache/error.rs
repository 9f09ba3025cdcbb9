//! What can be wrong with fetching an object to a file.

use super::{
    super::{StoreError, Trouble},
    limits::{VARIABLE, shown},
};
use crate::model::path::ObjectPath;

/// An object that there is no file of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CacheError {
    /// It is not known where such files belong.
    #[error(
        "it is not known where the cache of fetched objects belongs: set HOME, or XDG_CACHE_HOME to the absolute path of a folder"
    )]
    NoHome,
    /// The cache cannot be used.
    #[error("the cache of fetched objects, `{folder}`, cannot be used: {why}")]
    Folder {
        /// Where it is.
        folder: String,
        /// What is wrong there.
        why: String,
    },
    /// Its bound is no size.
    #[error("{VARIABLE} is `{}`, which is no size: expected bytes, such as `500M` or `10G`", .0.escape_debug())]
    Bound(String),
    /// The store says no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was named is no object.
    #[error("cannot fetch {0}: it is a bucket; name an object in it")]
    IsBucket(ObjectPath),
    /// There is no such object, only others below it.
    #[error("cannot fetch {0}: it is a folder; name an object in it")]
    IsFolder(ObjectPath),
    /// No file can have its name.
    #[error("cannot fetch {0}: its last name is longer than the 255 bytes that names of files may have")]
    Name(ObjectPath),
    /// It alone is more than the cache may hold.
    #[error(
        "cannot fetch {place}: it has {}, and the cache may hold {} in all; set {VARIABLE} to more than that",
        shown(*.size),
        shown(*.most)
    )]
    TooLarge {
        /// What.
        place: ObjectPath,
        /// How many bytes it has.
        size: u64,
        /// How many there may be.
        most: u64,
    },
    /// What else is in the cache cannot be removed.
    #[error(
        "cannot fetch {place}: it has {}, and {} of the {} that the cache may hold are in use; set {VARIABLE} to more than that, \
         or fetch fewer objects at once",
        shown(*.size),
        shown(*.used),
        shown(*.most)
    )]
    Full {
        /// What.
        place: ObjectPath,
        /// How many bytes it has.
        size: u64,
        /// How many are in use.
        used: u64,
        /// How many there may be.
        most: u64,
    },
    /// Something cut it short, or made it longer.
    #[error("cannot fetch {place}: the store says that it has {} and gave {}", shown(*.announced), shown(*.came))]
    Size {
        /// What.
        place: ObjectPath,
        /// How many bytes it should have.
        announced: u64,
        /// How many came.
        came: u64,
    },
    /// Each time it was another.
    #[error("cannot fetch {0}: it was changed each time while it was fetched")]
    Changing(ObjectPath),
    /// The file system says no.
    #[error("cannot keep {place} in the cache: {why}")]
    File {
        /// What.
        place: ObjectPath,
        /// In the file system's words.
        why: String,
    },
}

impl CacheError {
    /// Whether it is this machine that cannot keep what the store would give.
    pub const fn is_about_this_machine(&self) -> bool {
        match self {
            Self::NoHome
            | Self::Folder { .. }
            | Self::TooLarge { .. }
            | Self::Full { .. }
            | Self::Name(_)
            | Self::File { .. } => true,
            Self::Store(error) => matches!(error.trouble, Trouble::File(_)),
            Self::Bound(_) | Self::IsBucket(_) | Self::IsFolder(_) | Self::Size { .. } | Self::Changing(_) => false,
        }
    }
}
