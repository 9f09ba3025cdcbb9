//! Plugins, as WebAssembly components.
//!
//! A plugin's way into a run: [`discover`] finds its file, `file` reads it, [`engine`] compiles it, `contract` looks at what
//! it imports and exports, [`describe`] asks who it is, [`rights`] decides what it may do, `gather` sorts out which plugins
//! take part, and [`plugins`] puts it all together. Then [`scheduler`] and [`hooks`] implement the ports of the same names
//! with it.
//!
//! Below them: [`health`] counts what becomes of calls, `pool` holds instances, `instance` is one of them, `state` is what
//! the host keeps for it, `values` is what it keeps there itself (in a `private` folder), `imports` is what it may call,
//! [`limits`] bounds each call (`stopwatch`: in time), and [`call`] says how a call failed. `convert` translates between
//! the words of the model and those of the contract, whose generated types stay private (`bindings`).
//!
//! Beside a run: [`trial`] tries a plugin without one. [`recording`] is what was said in one (`tape`), to be played back.
//!
//! Everything that a plugin returns is untrusted. A plugin that traps or runs into a limit loses its instance and
//! nothing else happens: the next call gets a fresh one.

mod bindings;
mod bundled;
pub mod call;
pub mod contract;
mod convert;
pub mod describe;
pub mod discover;
pub mod engine;
pub mod error;
mod file;
pub mod flags;
mod gate;
mod gather;
pub mod health;
pub mod hooks;
mod imports;
mod instance;
pub mod limits;
mod load;
mod observer;
mod peek;
pub mod plugins;
mod pool;
mod private;
pub mod recording;
pub mod rights;
pub mod scheduler;
mod schema;
mod settings;
mod snippets;
mod state;
mod stopwatch;
mod tape;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod trial;
mod values;
