//! Single values as people write them. The rules are the same on the command line, in `xqute.toml`, in job files and in what
//! is said to a live run.
//!
//! - [`values`]: how each is written;
//! - [`read`]: the same in TOML and JSON;
//! - [`fields`]: which keys a type knows, and which one was meant.

pub mod fields;
pub mod read;
pub mod values;
