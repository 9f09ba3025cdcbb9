//! The command line: the only code that prints or exits. It sits on top of the library's face and adds no behaviour to
//! runs, only ways to ask for them.
//!
//! A command goes through these files, in this order:
//! - [`args`]: what was typed, in types; [`config`]: what `xqute.toml` says, in types;
//! - [`resolve`]: both together, with the defaults, become what is to be done (pure);
//! - [`run`], [`dry_run`], [`doctor`], [`plugin`], [`feed`], [`status`], [`logs`], [`kill`], [`fetch`], [`run_staged`]: the
//!   commands themselves, the only files that call the library to do something; [`live`]: what those about a run that was started
//!   elsewhere have in common;
//! - [`input`]: the jobs that a command line names;
//! - [`records`]: the files that `--events` and `--report` name; [`report`]: the page, as bytes;
//! - [`signals`], [`progress`], [`summary`]: what users see of them;
//! - [`out`]: results, on stdout;
//! - [`logging`], [`screen`]: everything that goes to stderr, one line at a time, around the progress bar;
//! - [`error`], [`exit`]: how it ends.
//!
//! Beside the way: [`start`] walks it. Job files and single values are read by the library: what is said to a live run has
//! the same rules.

mod args;
mod config;
mod doctor;
mod dry_run;
mod error;
mod exit;
mod feed;
mod fetch;
mod input;
mod kill;
mod live;
mod logging;
mod logs;
mod out;
mod plugin;
mod progress;
mod records;
mod report;
mod resolve;
mod run;
mod run_staged;
mod screen;
mod signals;
mod start;
mod status;
mod summary;

pub(crate) use start::main;
use xqute::adapters::written::{fields, read, values};
