//! The words of xqute as types: pure data and pure functions.
//!
//! Nothing in here does I/O, waits, or knows that plugins are WebAssembly. Everything else in the crate may import from
//! here; this folder imports from nowhere above it.
//!
//! - [`job`]: what a user asks for: a [`JobSpec`](job::JobSpec) and its [`Command`](job::Command);
//! - [`path`]: places with two faces, the host's and the job's;
//! - [`access`]: how jobs come to the run's directory;
//! - [`options`]: what `--opt` collects;
//! - [`state`]: the states that a job passes through, with the numbers that `job.status` holds;
//! - [`outcome`]: how attempts and jobs end, and why;
//! - [`record`]: what is recorded of jobs, so that it outlives the process;
//! - [`hook`]: the places where plugins are called, and what is said there;
//! - [`run`]: what all parts of a run know, and one attempt of a job in full;
//! - [`settings`]: how a run is to behave.

pub mod access;
pub mod hook;
pub mod job;
pub mod options;
pub mod outcome;
pub mod path;
pub mod record;
pub mod run;
pub mod settings;
pub mod state;
