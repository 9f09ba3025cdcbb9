//! Everything that touches the world outside: the implementations of the ports, and what they are made of.
//!
//! - [`clock`]: the only place that is asked for the time;
//! - [`process`]: the only place that starts programs;
//! - [`lock`]: files that one process has for itself;
//! - `private`: the user's own folders, and whether nobody else has a hand in them;
//! - `readable`: descriptors that become readable as an event;
//! - [`bash`]: what a bash says about scripts before they run;
//! - [`jobfile`]: job files, and [`written`]: single values as people write them;
//! - [`local`]: the native scheduler;
//! - [`state`]: what is recorded of a run, in SQLite;
//! - [`events`]: what happens in a run, line by line, for programs that follow it;
//! - [`workdir`]: the run's directory, job directories and job scripts;
//! - [`objects`]: objects in stores: workdirs there, and files that are fetched from there;
//! - [`component`]: plugins, as WebAssembly components;
//! - [`control`]: the socket over which a live run is spoken to.

pub mod bash;
pub mod clock;
pub mod component;
pub mod control;
pub mod events;
pub mod jobfile;
pub mod local;
pub mod lock;
pub mod objects;
mod private;
pub mod process;
mod readable;
pub mod state;
pub mod workdir;
pub mod written;
