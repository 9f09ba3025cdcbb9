//! What is recorded of a run, in SQLite: the jobs, where each of them stands, and how its attempts ended.
//!
//! - [`row`]: what can be read of it.

pub mod row;
