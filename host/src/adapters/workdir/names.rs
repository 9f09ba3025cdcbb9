//! What the files in a job's directory are called.

pub(crate) const STATUS: &str = "job.status";
pub(crate) const RC: &str = "job.rc";
pub(crate) const STDOUT: &str = "job.stdout";
pub(crate) const STDERR: &str = "job.stderr";
pub(crate) const JID: &str = "job.jid";
/// The folder of what earlier attempts left.
pub(crate) const RETRY: &str = "job.retry";
