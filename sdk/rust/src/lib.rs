//! Write xqute plugins in Rust.
//!
//! A plugin is a WebAssembly component. This crate turns its interfaces (`wit/`) into traits, one for each:
//!
//! | trait | what it is for |
//! |---|---|
//! | [`Plugin`] | who the plugin is and what it wants; every plugin has it |
//! | [`Observer`] | is told what happened |
//! | [`Gatekeeper`] | is asked before something happens, and may object |
//! | [`Snippets`] | adds bash to job scripts |
//! | [`Scheduler`] | hands jobs to a backend |
//!
//! Implement what you need for one type and put [`#[export]`](export) above each impl. That is all: the component exports
//! these interfaces, and is called for the hooks whose functions you wrote, no others.
//!
//! ```
//! use xqute_plugin::prelude::*;
//!
//! pub struct Hello;
//!
//! #[export]
//! impl Plugin for Hello {}
//!
//! #[export]
//! impl Observer for Hello {
//!     fn on_job_succeeded(job: &JobFact) {
//!         log::info!("job {} is done", job.job);
//!     }
//! }
//! ```
//!
//! The functions belong to a type, not to a value: a plugin has no state of its own, because its instance may be replaced
//! at any time. What has to last is kept in [`kv`].
//!
//! `xqute plugin new DIR --lang rust` makes a crate that is set up for all this, and `xqute plugin build` makes a component of
//! it: it finds or installs a compiler's target, and the component needs no WASI. By hand: make the crate a `cdylib` (and an
//! `rlib`, to test it natively, see [`testing`]) and build it with cargo for the target `wasm32-wasip2`. In xqute's repository
//! the crates in `plugins/` are built by `cargo xtask build`.
//!
//! # Where what lives
//! `about`, `hooks` and `scheduler` hold the traits, `imports` what a plugin may ask of the host, `values` what the
//! contract's values can do, `bindings` what is generated from `wit/`.

#[doc(hidden)]
pub mod about;
#[doc(hidden)]
pub mod bindings;
mod hooks;
mod imports;
mod panics;
mod scheduler;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
mod values;

use std::marker::PhantomData;

pub use about::{About, Plugin, describe};
pub use bindings::{
    about::exports::xqute::plugin::about::{Description, Hook, Limits, OptionInfo, Right},
    gatekeeper::exports::xqute::plugin::gatekeeper::{Question, Verdict},
    imports::xqute::plugin::{
        process::{Exit, Output},
        types::{Command, Error, FailureCause, Job, JobRef, Observation, Path, RunInfo},
    },
    observer::exports::xqute::plugin::observer::{Fact, JobEvent, JobFact},
    scheduler::exports::xqute::plugin::scheduler::Wrapping,
    snippets::exports::xqute::plugin::snippets::Script,
};
pub use hooks::{Gatekeeper, Observer, Snippets, decide, observe, provide};
pub use imports::{clock, kv, log, mounts, process, run};
pub use scheduler::Scheduler;
pub use values::{Lookup, quote};
/// Exports what the impl below it implements: put it above an impl of [`Plugin`], [`Scheduler`], [`Observer`],
/// [`Gatekeeper`] or [`Snippets`]. It also finds out which hooks the impl has.
pub use xqute_plugin_macros::export;

/// Everything that a plugin is made of.
pub mod prelude {
    pub use crate::{
        About, Error, FailureCause, Gatekeeper, Job, JobFact, JobRef, Lookup, Observation, Observer, Plugin, Right,
        RunInfo, Scheduler, Snippets, Verdict, Wrapping, clock, export, kv, log, mounts, process, quote, run,
    };
}

/// The component as the generated code sees it: a plugin's type behind the generated traits.
#[doc(hidden)]
#[derive(Debug)]
pub struct Part<T>(PhantomData<T>);

/// What the code written by `#[export]` refers to.
#[doc(hidden)]
pub mod __private {
    pub use crate::{
        Part,
        about::{Absent, Package, Parts, Probe},
        bindings::{about, gatekeeper, observer, scheduler, snippets},
    };
}
