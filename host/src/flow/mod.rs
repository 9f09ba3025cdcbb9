//! One job's way through the house, one file per step:
//!
//! `feed → (after) → queue → submit → watch → settle → done | retry | halt`, and `cancel` from anywhere. A run that is
//! resumed begins with `restore`.
//!
//! [`dispatch`] holds the [`Dispatcher`](dispatch::Dispatcher), a state machine without I/O, time or tasks: its
//! [`handle`](dispatch::Dispatcher::handle) turns an [`Event`](event::Event) into [`Action`](event::Action)s, and the files
//! named after the steps are the parts of that decision. [`engine`] owns the only `select!`, carries the actions out and
//! turns what comes back into events. Nothing else knows the state of a job. [`control`] turns what is asked of a run that
//! goes into events.

pub mod after;
pub mod cancel;
pub mod control;
pub mod dispatch;
pub mod engine;
pub mod event;
pub mod feed;
pub mod queue;
pub mod restore;
pub mod retry;
pub mod settle;
pub mod submit;
pub mod table;
pub mod watch;

#[cfg(test)]
mod properties;
