//! xqute: a job queue whose schedulers and lifecycle plugins are WebAssembly components.
//!
//! Build an [`Xqute`], feed it jobs, run it. The `xqute` command is a thin shell over this library.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! # use xqute::Xqute;
//! let xqute = Xqute::builder().workdir("my-run").build().await?;
//! xqute.feed("sort big.txt | uniq -c > counts.txt")?; // a string is a shell command line
//! xqute.feed(["gzip", "-k", "a file.txt"])?; // a list is an argv
//! let summary = xqute.run_until_complete().await;
//! assert!(summary.succeeded());
//! # Ok(()) }
//! ```
//!
//! [`Xqute::keep_feeding`] lets a run be fed while it goes.
//!
//! # Architecture
//!
//! Five floors; an import never points up:
//!
//! 1. [`model`]: jobs, states, outcomes, settings. Pure data and pure functions.
//! 2. [`ports`]: the traits that the flow needs: [`Scheduler`](ports::scheduler::Scheduler),
//!    [`Hooks`](ports::hooks::Hooks).
//! 3. [`adapters`]: processes and the local scheduler, the run's directory, plugins as components.
//! 4. [`flow`]: one job's way from being fed to its outcome, one file per step; a pure dispatcher and the engine around it.
//! 5. the face: [`Xqute`], its [`Builder`], the [`RunSummary`]. Above it stands only the command line.
//!
//! One job's way: `feed → queue → (gate: submitting) → script (snippets) → submit → watch → settle → done | retry | halt`,
//! and `cancel` from anywhere.
//!
//! Plugins and the host meet in `wit/`, nowhere else.

pub mod adapters;
mod assemble;
pub mod builder;
pub mod dry_run;
pub mod flow;
pub mod model;
pub mod ports;
pub mod probe;
pub mod resume;
mod site;
pub mod summary;
mod xqute;

pub use crate::{
    builder::{BuildError, Builder},
    flow::{
        dispatch::Counts,
        engine::{
            book::{BadPredecessor, BatchError, FeedError},
            feeder::Feeder,
        },
    },
    model::{
        job::{Attempt, Command, JobExtras, JobIndex, JobSpec, Predecessor},
        options::Options,
        outcome::{CancelReason, FailureCause, Outcome, StopCause},
        settings::{ErrorStrategy, RetryCause, RetryPolicy, Settings, Wrapper},
    },
    summary::{FailedJob, RunSummary},
    xqute::{LiveRun, Stopper, Xqute},
};
