//! What a plugin may ask of the host: programs, the log, a memory that lasts, the clock, facts about the run, and what
//! is mounted where.
//!
//! In a native build, which is what `cargo test` makes, the [`testing`](crate::testing) module answers instead of a host.

#[cfg(target_arch = "wasm32")]
use crate::bindings::imports::xqute::plugin as host;
#[cfg(not(target_arch = "wasm32"))]
use crate::testing::fakes as host;

/// Programs on the machine of the host. Each needs the right `run`, see [`About::runs`](crate::About::runs).
pub mod process {
    use super::host::process as host;
    use crate::{Error, Output};

    /// Runs a program to its end, with nothing to read. No shell is involved; the environment is the host's with
    /// `LC_ALL=C`.
    ///
    /// # Errors
    /// `Denied` if the program was not granted; `Rejected` if it could not be started, wrote more than 16 MiB, or an
    /// argument has a NUL. A program that ran and failed is not an error: see [`Output::succeeded`].
    pub fn run<A: Into<String>>(program: &str, args: impl IntoIterator<Item = A>) -> Result<Output, Error> {
        run_with_input(program, args, b"")
    }

    /// The same, with something to read.
    ///
    /// # Errors
    /// As [`run`].
    pub fn run_with_input<A: Into<String>>(
        program: &str,
        args: impl IntoIterator<Item = A>,
        input: &[u8],
    ) -> Result<Output, Error> {
        let args: Vec<String> = args.into_iter().map(Into::into).collect();
        host::run(program, &args, input)
    }
}

/// The log of the host. Use the macros: `log::info!("{} jobs", count)`.
pub mod log {
    use super::host::log as host;
    pub use crate::bindings::imports::xqute::plugin::log::Level;
    pub use crate::{__debug as debug, __error as error, __info as info, __trace as trace, __warn as warn};

    /// Writes a message at a level. Over 8 KiB it is cut.
    pub fn write(level: Level, message: &str) {
        host::write(level, message);
    }
}

#[doc(hidden)]
#[macro_export]
macro_rules! __trace {
    ($($arg:tt)*) => { $crate::log::write($crate::log::Level::Trace, &::std::format!($($arg)*)) };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __debug {
    ($($arg:tt)*) => { $crate::log::write($crate::log::Level::Debug, &::std::format!($($arg)*)) };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __info {
    ($($arg:tt)*) => { $crate::log::write($crate::log::Level::Info, &::std::format!($($arg)*)) };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __warn {
    ($($arg:tt)*) => { $crate::log::write($crate::log::Level::Warn, &::std::format!($($arg)*)) };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __error {
    ($($arg:tt)*) => { $crate::log::write($crate::log::Level::Error, &::std::format!($($arg)*)) };
}

/// Small values that outlive the instance: what one call stores, a later call sees, in every part of the same plugin.
pub mod kv {
    use super::host::key_value as host;
    use crate::Error;

    /// The value of a key.
    pub fn get(key: &str) -> Option<Vec<u8>> {
        host::get(key)
    }

    /// The value of a key, as text.
    pub fn text(key: &str) -> Option<String> {
        get(key).map(|value| String::from_utf8_lossy(&value).into_owned())
    }

    /// The value of a key, as a number; 0 if it is missing or something else.
    pub fn number(key: &str) -> i64 {
        text(key).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// Stores a value.
    ///
    /// # Errors
    /// `Rejected` for a key over 256 bytes, a value over 64 KiB, or more than 1 MiB in all.
    pub fn set(key: &str, value: impl AsRef<[u8]>) -> Result<(), Error> {
        host::set(key, value.as_ref())
    }

    /// Adds to a number and returns the sum. Two instances that do it at the same time may lose one of the two.
    ///
    /// # Errors
    /// As [`set`].
    pub fn add(key: &str, amount: i64) -> Result<i64, Error> {
        let sum = number(key).saturating_add(amount);
        set(key, sum.to_string()).map(|()| sum)
    }

    /// Removes a key; tells whether there was something to remove.
    pub fn remove(key: &str) -> bool {
        host::remove(key)
    }

    /// All keys that start with this text, sorted.
    pub fn keys(prefix: &str) -> Vec<String> {
        host::keys(prefix)
    }
}

/// The run's clock.
pub mod clock {
    use std::time::Duration;

    use super::host::clock as host;

    /// The time since the Unix epoch.
    pub fn now() -> Duration {
        Duration::from_millis(host::now())
    }

    /// The time since the run started. Never goes back.
    pub fn elapsed() -> Duration {
        Duration::from_millis(host::elapsed())
    }
}

/// What a plugin may know of its run.
pub mod run {
    use super::host::run as host;
    use crate::{Job, RunInfo};

    /// Facts about the run.
    pub fn info() -> RunInfo {
        host::info()
    }

    /// Whether nothing is to happen: [`process::run`](crate::process::run) starts nothing and answers with exit code 0 and no
    /// output, and a scheduler may call an attempt whatever it likes.
    pub fn is_dry() -> bool {
        attribute("dry-run").is_some_and(|value| value == "true")
    }

    /// Where the run's directory is, if that is in a store: a URL such as `gs://bucket/run`.
    pub fn store() -> Option<String> {
        attribute("store")
    }

    /// Words of bash to be put before the path of a job's script, if jobs see nothing of the run's directory: they bring the
    /// script there. Only schedulers that say [`About::carries_jobs`](crate::About::carries_jobs) get any.
    pub fn carrier() -> Option<String> {
        attribute("carrier")
    }

    fn attribute(wanted: &str) -> Option<String> {
        let found = info().attributes.into_iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value)
    }

    /// The options that the user gave to this plugin. Look them up with [`Lookup`](crate::Lookup).
    pub fn options() -> Vec<(String, String)> {
        host::options()
    }

    /// One job of the run, in its latest attempt.
    pub fn job(index: u32) -> Option<Job> {
        host::job(index)
    }
}

/// What is mounted where for jobs: what users write is read and judged by the host, by the same rules for all schedulers.
///
/// In native tests a [`Host`](crate::testing::Host) answers what the test says; the rules are the host's.
pub mod mounts {
    use super::host::mounts as host;
    pub use crate::bindings::imports::xqute::plugin::mounts::{Mount, Mounted};
    use crate::{Error, Path};

    /// What is mounted by each text, in the same order: for a plugin that does not take all of it, or that has to find out
    /// which of it are files.
    ///
    /// # Errors
    /// `InvalidOptions`, in words for users, when one of them is no mount.
    pub fn sources(texts: &[String]) -> Result<Vec<String>, Error> {
        host::sources(texts)
    }

    /// Reads what users write: `SOURCE:PATH`, `SOURCE:PATH:ro`, or `NAME=SOURCE`, which is mounted at
    /// `ROOT/NAMED_MOUNTS/NAME` and tells jobs so in the variable `NAME`. Of `files`, which are the sources that are no
    /// folders, the folder is mounted, if they have a name. `more` are mounts of the plugin itself, which are judged together
    /// with the others.
    ///
    /// # Errors
    /// `InvalidOptions`, in words for users, when one of them is no mount, or two contradict each other.
    pub fn read(texts: &[String], more: &[Mount], root: &str, files: &[String]) -> Result<Mounted, Error> {
        host::read(texts, more, root, files)
    }

    /// Both faces of a place of the host, or in a store; none where jobs do not see it.
    ///
    /// # Errors
    /// `InvalidOptions` when the mounts contradict each other, or this is no place.
    pub fn seen(mounts: &[Mount], spec: &str) -> Result<Option<Path>, Error> {
        host::seen(mounts, spec)
    }

    /// Both faces of an absolute path of jobs; none where nothing is mounted.
    ///
    /// # Errors
    /// `InvalidOptions` when the mounts contradict each other.
    pub fn meant(mounts: &[Mount], mounted: &str) -> Result<Option<Path>, Error> {
        host::meant(mounts, mounted)
    }
}
