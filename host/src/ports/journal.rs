//! The port to what outlives the process: a record of what became true of each job.

use async_trait::async_trait;

use crate::model::{hook::Fact, record::Entry};

/// Records entries in the order in which they are given. Whoever is to hear of them hears once they are recorded, never
/// before.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Takes a batch, which is recorded whole or not at all. Never waits.
    ///
    /// # Errors
    /// When it does not take it.
    fn record(&self, batch: Batch) -> Result<(), NotTaken>;

    /// Waits until a batch may be taken. Safe to drop and call again.
    async fn room(&self);

    /// Records this and what is left, and tells it.
    ///
    /// # Errors
    /// When something could not be recorded.
    async fn finish(self: Box<Self>, rest: Batch) -> Result<(), NotRecorded>;
}

/// Why a batch was not taken.
#[derive(Debug)]
pub enum NotTaken {
    /// The journal, or those who hear of what was recorded, are far behind: here it is again.
    Behind(Batch),
    /// There is nobody left who records. Why, [`Journal::finish`] says.
    Gone,
}

/// What became true together.
#[derive(Debug, Default)]
pub struct Batch {
    /// What is to be recorded.
    pub entries: Vec<Entry>,
    /// What observers are told then.
    pub facts: Vec<Fact>,
}

impl Batch {
    /// Whether there is nothing in it.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.facts.is_empty()
    }
}

/// Those who hear of what was recorded. Called by the journal's own thread, which may be made to wait. Dropped when
/// nothing more will be recorded.
pub trait Audience: Send {
    /// This has been recorded.
    fn recorded(&mut self, batch: Batch);

    /// Nothing can be recorded just now; it is tried again. Told once.
    fn held_up(&mut self, why: &NotRecorded);

    /// It works again.
    fn goes_on(&mut self);
}

/// Somebody who listens to a run.
pub trait Listener: Send {
    /// This became true and has been recorded, in this order. Called by the journal's own thread: everything else that is
    /// to be recorded waits meanwhile. One that panics hears nothing more.
    fn recorded(&mut self, entries: &[Entry]);
}

/// Something could not be recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotRecorded(pub String);
