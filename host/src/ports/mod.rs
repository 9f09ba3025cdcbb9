//! What the flow needs from the outside, as traits; the adapters implement them.
//!
//! - [`scheduler`]: hands attempts to a backend and says what became of them;
//! - [`hooks`]: the plugins that take part in the lives of jobs;
//! - [`journal`]: what outlives the process;
//! - [`jobs`]: what plugins may look up.

pub mod hooks;
pub mod jobs;
pub mod journal;
pub mod scheduler;
