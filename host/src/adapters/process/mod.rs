//! The only place that starts programs, and that knows how to end them again.
//!
//! - [`child`]: a program in a process group of its own, whose end is an event;
//! - [`beside`]: a program in our own process group;
//! - [`marked`]: processes that were started with a mark, wherever they are;
//! - [`orphan`]: a program that another process started and left;
//! - [`stray`]: programs that left their group;
//! - `stat`: what the kernel tells about a process;
//! - `exit_info`: how such a program ended;
//! - [`capture`]: a program that is run for what it prints, within bounds;
//! - [`bereft`]: such programs that outlived whoever wanted to know;
//! - [`resolve`]: where a program is.
//!
//! Every other program is the leader of a process group, so that what it started can be ended with it. What the programs are
//! run for is the callers' business.

pub mod bereft;
pub mod beside;
pub mod capture;
pub mod child;
mod exit_info;
pub mod marked;
pub mod orphan;
pub mod resolve;
mod stat;
pub mod stray;

pub use stat::lives;
