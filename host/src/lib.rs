//! xqute: a job queue whose schedulers and lifecycle plugins are WebAssembly components.

pub mod adapters;
pub mod flow;
pub mod model;
pub mod ports;
