//! What the flow needs from the outside, as traits; the adapters implement them.
//!
//! - [`scheduler`]: hands attempts to a backend and says what became of them;
//! - [`hooks`]: the plugins that take part in the lives of jobs;
//! - [`journal`]: what outlives the process;
//! - [`jobs`]: what plugins may look up;
//! - [`control`]: feeding a run, and killing its jobs, while it goes.

pub mod control;
pub mod hooks;
pub mod jobs;
pub mod journal;
pub mod scheduler;
