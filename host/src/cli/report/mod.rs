//! The page of `--report`: what became of a run, for people. It prints nothing and opens no files: rows in, bytes out.
//!
//! 1. [`gather`] looks once at every row and keeps little of each: counts, the few jobs that are shown, and when each
//!    attempt ran ([`span`]), 24 bytes;
//! 2. [`slots`], [`axis`], [`bars`], [`curve`] and [`histogram`] turn these times into a drawings of a bounded size;
//! 3. [`page`] puts everything together, with [`charts`] and [`tables`] for its parts.
//!
//! Whatever comes from jobs is untrusted: it goes through [`text`] on its way into the page. The page refers to nothing
//! outside itself, and its own rules (a content security policy) let nothing run but its own script.

mod axis;
mod bars;
mod charts;
mod curve;
mod gather;
mod histogram;
mod page;
mod slots;
mod span;
mod tables;
mod text;
mod top;

pub(super) use gather::{Gather, Head};
pub(super) use page::{MARK, page};

#[cfg(test)]
mod tests;
