//! What a run writes for whoever looks on: events as they happen, a page at the end.

mod browser;
mod events;
mod pages;
