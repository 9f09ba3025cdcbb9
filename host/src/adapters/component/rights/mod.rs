//! What a plugin may do: what it asks for in `describe` ∩ what the user granted. Everything else is denied.
//!
//! - [`Right`] (`right`) is one of these rights; `command` and `host` are the patterns that two of them hold.
//! - [`Grant`] and [`Allow`] (`allow`) are what the user says about them.
//! - `force` brings both together: what is in force, what is lacking, and whether a program may be started.
//!
//! How a right is enforced is not here: programs are started by `imports/process`, connections checked by `imports/network`,
//! folders and variables handed over by `state`.

mod allow;
mod command;
mod force;
mod host;
mod right;

pub use self::{
    allow::{Allow, BadAllow, Grant, is_name, parse_rights},
    command::{BadCommand, CommandPattern},
    host::{BadHost, HostPattern},
    right::{BadRight, Right},
};
pub(super) use self::{
    force::{NoFolder, Refusal, Rights, effective, warn},
    host::Host,
};
