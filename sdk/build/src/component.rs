//! Makes a component of a module, and looks at what a component exports and imports.

use anyhow::{Context, Result, bail};
use wit_component::{ComponentEncoder, DecodedWasm};

/// Every plugin exports it.
const ABOUT: &str = "xqute:plugin/about@";

/// What a component exports and imports, by the full names of the interfaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interfaces {
    /// What the host can call.
    pub exports: Vec<String>,
    /// What the plugin needs.
    pub imports: Vec<String>,
}

/// The component that is in this module; one that is a component already stays as it is.
pub(crate) fn from_module(bytes: Vec<u8>) -> Result<Vec<u8>> {
    if is_component(&bytes) {
        return Ok(bytes);
    }
    ComponentEncoder::default().validate(true).module(&bytes)?.encode()
}

/// The version field of a component is that of a module with a layer of 1 behind it.
fn is_component(bytes: &[u8]) -> bool {
    bytes.get(..4) == Some(b"\0asm") && bytes.get(6..8) == Some(&[1, 0])
}

/// What a plugin exports and imports.
pub(crate) fn interfaces(component: &[u8]) -> Result<Interfaces> {
    let decoded = wit_component::decode(component).context("cannot read the component")?;
    let DecodedWasm::Component(resolve, world) = decoded else {
        bail!("this is a WIT package, not a component");
    };
    let world = resolve.worlds.get(world).context("the component has no world")?;
    // The linker's order says nothing; sorted, two builds can be compared.
    let mut exports: Vec<String> = world.exports.keys().map(|key| resolve.name_world_key(key)).collect();
    let mut imports: Vec<String> = world.imports.keys().map(|key| resolve.name_world_key(key)).collect();
    exports.sort_unstable();
    imports.sort_unstable();
    if !exports.iter().any(|name| name.starts_with(ABOUT)) {
        bail!(
            "it does not export `xqute:plugin/about`, so no host will take it for a plugin; with the Rust SDK, write \
             `#[export] impl Plugin for ...`"
        );
    }
    Ok(Interfaces { exports, imports })
}
