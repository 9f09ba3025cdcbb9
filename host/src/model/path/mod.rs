//! Places: where they are, what they are called below one another, and how jobs see them.
//!
//! - [`location`]: a path of this machine, or an object in a store;
//! - [`faces`]: one place as the host sees it and as a job sees it;
//! - [`mounts`]: what is mounted where for jobs, and the faces that follow from it.
//!
//! All of it is text and arithmetic on text. Nothing here looks whether anything exists.

pub mod faces;
pub mod location;
pub mod mounts;

pub use faces::{MountedPath, SpecPath};
pub use location::{BadLocation, Location, ObjectPath, Service};
pub use mounts::{BadMount, Mount, Mounts};
