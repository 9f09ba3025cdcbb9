//! Asks a backend whether it is there, before anybody relies on it.

use std::time::Duration;

use crate::{
    adapters::clock::Clock,
    builder::{BuildError, Builder},
    ports::scheduler::{CallError, Scheduler as _},
    site::{Site, check_settings},
};

/// Why a backend cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// The run could not even begin to ask.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The question failed.
    #[error("{0}")]
    Call(CallError),
}

/// Opens the scheduler with its options and asks it for the attempts of a run that nobody has started. Returns how long the
/// answer took.
pub(crate) async fn ask(asked: Builder) -> Result<Duration, NoAnswer> {
    let site = Site::find(&asked)?;
    check_settings(&site.run)?;
    let started = site.start(&asked).await?;
    let Some(scheduler) = started.scheduler else {
        return Ok(Duration::ZERO);
    };
    let clock = Clock::start();
    scheduler.find().await.map_err(NoAnswer::Call)?;
    Ok(clock.elapsed())
}
