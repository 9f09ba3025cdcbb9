//! Objects in Google Cloud Storage, Amazon S3 and Azure Blob Storage.
//!
//! - [`folder`]: everything below one place in a bucket, as files in a folder;
//! - [`claim`]: whose a workdir is;
//! - [`connect`]: from a place to a connection: addresses, credentials, regions;
//! - [`home`]: where this machine keeps the files of a run whose workdir is in a store;
//! - [`cache`]: files of this machine with what is in objects, for programs that need files;
//! - [`version`]: which version of an object it is;
//! - `mirror`: copies what is on this machine of job directories;
//! - `courier`: a scheduler whose jobs see nothing but the store;
//! - [`pull`]: what a job writes there, as it grows;
//! - [`staged`]: one such job, on its machine;
//! - [`error`]: what can go wrong, in words that say what to do.
//!
//! The library below is opendal: of those that are well kept it is the one that finds credentials where each provider's own
//! tools find them, in the environment, in their profile files and on their machines.

pub mod cache;
pub mod claim;
pub mod connect;
pub(crate) mod courier;
pub mod error;
pub mod folder;
pub mod home;
pub mod mirror;
pub mod pull;
pub mod staged;
pub mod version;

pub use cache::{Cache, CacheError};
pub use error::{StoreError, Trouble};
pub use folder::Folder;
pub use home::Whereabouts;
pub use mirror::NotCopied;
pub use version::Version;
