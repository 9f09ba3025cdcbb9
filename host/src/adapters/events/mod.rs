//! What happens in a run, line by line, for programs that follow it: one JSON object on each line of a file.
//!
//! ```text
//! {"xqute-events":1,"at":"2026-03-01T12:00:00.000000Z","run":"90d3...","scheduler":"local","workdir":"/w"}
//! {"at":"...","job":0,"event":"fed","name":"local-0","cmd":"exit 3","origin":"given"}
//! {"at":"...","job":0,"event":"submitted","attempt":1,"id":"4711"}
//! {"at":"...","job":0,"event":"started","attempt":1}
//! {"at":"...","job":0,"event":"ended","attempt":1,"outcome":"failed","cause":"exit-code","detail":3,"will_retry":false,
//!  "usage":{"user_seconds":0.01,"system_seconds":0.002,"peak_memory_bytes":3145728}}
//! {"at":"...","event":"over","fed":1,"succeeded":0,"failed":1,"cancelled":0,"retries":0}
//! ```
//!
//! - The first line has the format's version under `xqute-events`. A run that is resumed adds such a line and goes on; the
//!   last line of each of its parts is `over`, unless xqute was killed. Fields may be added without a new version.
//! - Of one job the lines come in the order in which things happened. `at` is UTC, with microseconds.
//! - `cmd` is a text (a shell command line) or a list of texts (an argv), as in job files. When some of it is not UTF-8,
//!   `cmd_bytes` has the same as numbers: a list of bytes for each text.
//! - `origin` is `given` (by the command that started the run) or `fed` (while it went).
//! - `outcome` is `succeeded`, `failed` or `cancelled`; the latter two have a `cause`, in the words of
//!   [`FailureCause::word`](crate::FailureCause::word) and [`CancelReason::word`](crate::CancelReason::word). `detail` is
//!   the number that belongs to it (the exit code, the signal, the job that did not succeed) or a reason in words, and
//!   `plugin` the plugin that objected.
//! - `over` has `stopped` if the run was stopped, in the words of [`StopCause::word`](crate::StopCause::word), and `signal`
//!   if that is `signalled`.
//! - `usage` is there where the kernel counted what the attempt used.
//!
//! Events are written once they are recorded in the run's state. When xqute is killed, the last ones may be missing here.
//! A reader that is far behind, at the other end of a pipe, is waited for; one that takes nothing while the run is told twice
//! to end is not. Environment variables are left out on purpose: they may hold secrets.
//!
//! - [`line`](mod@line): what a line looks like;
//! - [`file`](mod@file): the file itself;
//! - [`pen`]: the thread that writes to it, and how nobody waits for it any more.

pub mod file;
pub mod line;
pub mod pen;

pub use file::{EventsError, EventsFile, Start};
pub use line::Totals;
pub use pen::Hurry;

#[cfg(test)]
mod tests;
