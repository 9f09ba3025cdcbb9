//! What the end-to-end tests share. They use xqute as a stranger would: the program, files, and what can be seen of both.
//!
//! - [`built`]: finds the program and the plugins that are tested;
//! - [`scratch`]: a folder of its own for each test, with its own home, and everything that is looked at in it;
//! - [`program`]: starts xqute there, signals it, and collects what it said;
//! - [`plugins`]: the same with plugins;
//! - [`job`]: reads a job directory;
//! - [`docs`]: the pages whose commands are run;
//! - [`machine`]: waiting, processes, and disks that are small or read-only;
//! - [`turn`]: who may use what tests share.
//!
//! Tests wait for facts, never for a time: see [`machine::wait_for`].

pub mod built;
pub mod docs;
pub mod job;
pub mod machine;
pub mod plugins;
pub mod program;
pub mod proxy;
pub mod scratch;
pub mod stores;
pub mod turn;

pub use built::plugin;
pub use job::JobDir;
pub use machine::{wait_for, wait_until};
pub use program::{Output, Running, Xqute};
pub use scratch::Scratch;
pub use stores::Store;
pub use turn::Turn;
