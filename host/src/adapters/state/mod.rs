//! What is recorded of a run, in SQLite: the jobs, where each of them stands, and how its attempts ended.
//!
//! One process writes, the one that holds the state's lock; any number may read meanwhile.
//!
//! - [`place`]: where the file is;
//! - [`store`]: the file, opened by the run that it belongs to;
//! - [`writer`]: the journal: groups of entries, written by a thread of its own;
//! - [`reader`], [`row`]: what can be read of it, by anybody;
//! - `schema`: the tables;
//! - `code`: how requests, outcomes and times are written in columns;
//! - [`error`]: why a state cannot be used.

mod code;
pub mod error;
pub mod place;
pub mod reader;
pub mod row;
mod schema;
pub mod store;
pub mod writer;

pub use error::StateError;
pub use place::{Held, Place};
pub use reader::Reader;
pub use store::Store;

#[cfg(test)]
mod tests;
