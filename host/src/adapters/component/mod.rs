//! (being written)
pub mod bindings;
