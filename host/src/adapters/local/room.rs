//! How many jobs can run at once: each takes one of the files that this process may have open. Whoever takes the last ones
//! for jobs has none left to record how they end.

use rustix::process::{Resource, getrlimit};

use crate::ports::scheduler::{CallError, CallErrorKind};

/// The most files that are set aside for everything but jobs.
const ASIDE: u64 = 128;

/// What to do when there are none left.
pub(super) const HELP: &str =
    "`ulimit -n` in the shell that starts xqute allows more, or start fewer jobs at once with `-j`";

/// How many jobs can run at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// How many files this process may have open; none, if there is no limit.
    files: Option<u64>,
}

impl Room {
    pub(super) fn of_this_process() -> Self {
        Self {
            files: getrlimit(Resource::Nofile).current,
        }
    }

    /// Whether one more job may start beside so many that run.
    pub(super) fn for_one_more(self, running: usize) -> Result<(), CallError> {
        let Some(files) = self.files else { return Ok(()) };
        // Of few, half.
        let jobs = files.saturating_sub(ASIDE.min(files / 2)).max(1);
        if u64::try_from(running).is_ok_and(|running| running < jobs) {
            return Ok(());
        }
        Err(CallError {
            kind: CallErrorKind::Unavailable,
            message: format!("{running} jobs run, and this process may have only {files} files open; {HELP}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_files_are_set_aside() {
        for (files, jobs) in [(1024, 896), (64, 32), (1, 1)] {
            let room = Room { files: Some(files) };
            assert_eq!(room.for_one_more(jobs - 1), Ok(()));
            let full = room.for_one_more(jobs).unwrap_err();
            assert_eq!(full.kind, CallErrorKind::Unavailable);
        }
        assert_eq!(Room { files: None }.for_one_more(1_000_000), Ok(()));
    }
}
