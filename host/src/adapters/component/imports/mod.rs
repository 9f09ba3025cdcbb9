//! What a plugin may call, one file for each interface of `wit/imports.wit`, all of one shape: an `impl Host` for the state
//! of an instance. Each looks at the plugin's rights at every call. The errors are data for the guest; only what the
//! contract rules out is a trap.
//!
//! WASI is not written here; `network` and `http` stand before those parts of it that reach the network.

pub(super) mod clock;
pub(super) mod http;
pub(super) mod key_value;
pub(super) mod log;
pub(super) mod mounts;
pub(super) mod network;
pub(super) mod process;
pub(super) mod run;

use wasmtime::component::{HasSelf, Linker};

use super::{
    contract::{Shape, bindings},
    instance::state::HostState,
};

impl bindings::types::Host for HostState {}

/// Links what a component of this shape may import. What it does not import is left out: linking costs time.
pub(super) fn link(engine: &wasmtime::Engine, shape: Shape) -> wasmtime::Result<Linker<HostState>> {
    let mut linker = Linker::new(engine);
    bindings::types::add_to_linker::<_, HasSelf<HostState>>(&mut linker, |state| state)?;
    bindings::process::add_to_linker::<_, HasSelf<HostState>>(&mut linker, |state| state)?;
    bindings::log::add_to_linker::<_, HasSelf<HostState>>(&mut linker, |state| state)?;
    bindings::key_value::add_to_linker::<_, HasSelf<HostState>>(&mut linker, |state| state)?;
    bindings::clock::add_to_linker::<_, HasSelf<HostState>>(&mut linker, |state| state)?;
    bindings::run::add_to_linker::<_, HasSelf<HostState>>(&mut linker, |state| state)?;
    bindings::mounts::add_to_linker::<_, HasSelf<HostState>>(&mut linker, |state| state)?;
    if shape.wasi {
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        network::link(&mut linker)?;
    }
    if shape.http {
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    }
    Ok(linker)
}
