//! The command line: the only code that prints or exits. It sits on top of the library's face and adds no behaviour to
//! runs, only ways to ask for them.
//!
//! A command goes through these files, in this order:
//! - [`args`]: what was typed, in types; [`config`]: what `xqute.toml` says, in types;
//! - [`resolve`]: both together, with the defaults, become what is to be done (pure);
//! - [`run`] and [`plugin`]: the commands themselves, the only two files that call the library to do something;
//! - [`records`]: the files that `--events` and `--report` name; [`report`]: the page, as bytes;
//! - [`signals`], [`progress`], [`summary`], [`plugin_page`]: what users see of them;
//! - [`logging`], [`screen`]: everything that goes to stderr, one line at a time, around the progress bar;
//! - [`error`], [`exit`]: how it ends.
//!
//! Beside the way: [`start`] walks it. Job files and single values are read by the library: what is said to a live run has
//! the same rules.

mod args;
mod config;
mod error;
mod exit;
mod input;
mod logging;
mod plugin;
mod plugin_page;
mod progress;
mod records;
mod report;
mod resolve;
mod run;
mod screen;
mod signals;
mod start;
mod summary;

pub(crate) use start::main;
use xqute::adapters::written::{fields, read, values};
