//! The run's directory, job directories and job scripts. The layout is a contract with scripts that read it:
//!
//! ```text
//! <workdir>/run.lock                    held while a run lives; says by which process
//! <workdir>/run.db, run.db-*            the state of the run; elsewhere, if `run.state` says so
//! <workdir>/run.db.lock                 held while a run uses that state; beside it
//! <workdir>/run.sock                    there while a run lives: it can be spoken to
//! <workdir>/<index>/job.wrapped.<scheduler>     the job's script, if it has one
//! <workdir>/<index>/job.status          the number of its state
//! <workdir>/<index>/job.rc              its exit code, once it has ended
//! <workdir>/<index>/job.stdout, job.stderr
//! <workdir>/<index>/job.jid             the backend's id of it
//! <workdir>/<index>/job.retry/<n>/      the same files of attempt n, which was followed by another
//! ```
//!
//! - [`dir`]: opening and locking the run's directory;
//! - [`jobs`]: what is written to and read from job directories;
//! - [`outputs`]: job directories as a scheduler needs them that starts jobs itself;
//! - [`output`]: what attempts write, read by anybody;
//! - [`script`]: the bash around a job's command;
//! - [`lookout`]: what happens in job directories, told as it happens;
//! - [`tail`]: the end of a text of unknown origin, fit to be shown;
//! - `leftover`: what an earlier process left in job directories;
//! - `names`: what the files in job directories are called;
//! - `quoting`: commands as bash reads them back;
//! - `reserve`: space for outcomes on a full disk;
//! - `files`: files in directories that jobs can write to.
//!
//! Jobs can do to their directories what they like, so nothing here follows a symbolic link below the run's directory,
//! waits for a pipe, or believes what it reads.

pub mod dir;
mod files;
pub mod jobs;
mod leftover;
pub mod lookout;
pub(crate) mod names;
pub mod output;
pub mod outputs;
mod quoting;
mod reserve;
pub mod script;
pub mod tail;

pub use dir::{Existing, Workdir, WorkdirError};
pub use jobs::JobDirError;
pub use outputs::Outputs;
pub(crate) use quoting::in_bash;

#[cfg(test)]
mod tests;
