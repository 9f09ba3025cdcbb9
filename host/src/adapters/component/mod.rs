//! Plugins, as WebAssembly components.
//!
//! A plugin's way into a run: [`load`] finds its file, has the [`engine`] compile it, sees to it that it fits the
//! [`contract`], asks it who it is, and lets the [`rights`] decide what it may do. [`plugins`] puts it all together; then
//! [`scheduler`] and [`hooks`] implement the ports of the same names with it.
//!
//! Below them: an [`instance`] is a plugin that can be called, within its limits; `imports` is what it may call in turn,
//! and `values` is what the host keeps for it (in a folder of the user's own).
//!
//! Beside a run: [`trial`] tries a plugin without one. [`recording`] is what was said in one, to be played back.
//!
//! Everything that a plugin returns is untrusted. A plugin that traps or runs into a limit loses its instance and
//! nothing else happens: the next call gets a fresh one.

pub mod contract;
pub mod engine;
pub mod error;
pub mod flags;
pub mod hooks;
mod imports;
pub mod info;
pub mod instance;
pub mod load;
pub mod plugins;
pub mod recording;
pub mod rights;
pub mod scheduler;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod trial;
mod values;
