//! The word by which an attempt is found again in Slurm's queue: `xqute:TAG:INDEX:ATTEMPT`, the last word of the job's
//! comment. A comment needs no accounting, survives restarts of the controller, and `squeue` prints it in full.

use xqute_plugin::Job;

/// Run, job and attempt, as read back from a comment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identity<'a> {
    pub(crate) run: &'a str,
    pub(crate) index: u32,
    pub(crate) attempt: u32,
}

impl<'a> Identity<'a> {
    pub(crate) fn of(job: &Job, run: &'a str) -> Self {
        Self {
            run,
            index: job.index,
            attempt: job.attempt,
        }
    }

    /// Reads a comment; none if xqute did not write it.
    pub(crate) fn read(comment: &'a str) -> Option<Self> {
        let mut parts = comment.split_ascii_whitespace().last()?.split(':');
        let (Some("xqute"), Some(run), Some(index), Some(attempt), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        Some(Self {
            run,
            index: index.parse().ok()?,
            attempt: attempt.parse().ok()?,
        })
    }

    /// The comment for a job, behind the user's own words if there are any.
    pub(crate) fn comment(&self, users: Option<&str>) -> String {
        let Self { run, index, attempt } = self;
        match users {
            None | Some("") => format!("xqute:{run}:{index}:{attempt}"),
            Some(text) => format!("{text} xqute:{run}:{index}:{attempt}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let identity = Identity {
            run: "5f0c2a9be1d40713",
            index: 7,
            attempt: 2,
        };
        for users in [None, Some(""), Some("project 12"), Some("xqute:looks:like:one")] {
            let comment = identity.comment(users);
            assert_eq!(Identity::read(&comment).as_ref(), Some(&identity), "{comment}");
        }
    }

    #[test]
    fn other_comments_are_left_alone() {
        for comment in [
            "",
            "(null)",
            "xqute",
            "xqute:a:1",
            "xqute:a:1:x",
            "xqute:a:1:2:3",
            "xqute:a:1:2 and more",
        ] {
            assert_eq!(Identity::read(comment), None, "{comment}");
        }
    }
}
