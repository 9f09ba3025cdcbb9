//! Descriptors that become readable as an event.

use std::{io, os::fd::OwnedFd};

use tokio::io::{Interest, unix::AsyncFd};

/// Lets the runtime say when there is something to read. Needs a runtime.
#[expect(
    deprecated,
    reason = "its successor is unsafe; an `OwnedFd` stays open and stays the same, as that demands"
)]
pub(super) fn readable(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(descriptor, Interest::READABLE)
}
