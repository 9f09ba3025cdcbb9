//! The word by which attempts are found again in Slurm's queue, the last one of a job's comment: `xqute:TAG:INDEX:ATTEMPT`,
//! or `xqute:TAG:BASE+:ATTEMPT` for a job array, whose task `n` is the job with the index `BASE + n`. A comment needs no
//! accounting, survives restarts of the controller, and `squeue` prints it in full.

use crate::id::Id;
use xqute_plugin::JobRef;

/// Run, jobs and attempt, as read back from a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity<'a> {
    pub(crate) run: &'a str,
    pub(crate) jobs: Jobs,
    pub(crate) attempt: u32,
}

/// Which jobs a submission is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Jobs {
    /// The one with this index.
    One(u32),
    /// Tasks of an array; this is the index of the job that is task 0, or would be.
    From(u32),
}

impl<'a> Identity<'a> {
    /// Reads a comment; none if xqute did not write it.
    pub(crate) fn read(comment: &'a str) -> Option<Self> {
        let mut parts = comment.split_ascii_whitespace().last()?.split(':');
        let (Some("xqute"), Some(run), Some(jobs), Some(attempt), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let jobs = match jobs.strip_suffix('+') {
            Some(base) => Jobs::From(base.parse().ok()?),
            None => Jobs::One(jobs.parse().ok()?),
        };
        let attempt = attempt.parse().ok()?;
        Some(Self { run, jobs, attempt })
    }

    /// The attempt that Slurm knows by this id; none where the id fits no job, such as that of a whole array.
    pub(crate) fn attempt_called(&self, id: Id) -> Option<JobRef> {
        let index = match (self.jobs, id.task) {
            (Jobs::One(index), None) => index,
            (Jobs::From(base), Some(task)) => base.checked_add(task)?,
            _ => return None,
        };
        Some(JobRef {
            index,
            attempt: self.attempt,
            backend_id: id.to_string(),
        })
    }

    /// The comment, behind the user's own words if there are any.
    pub(crate) fn comment(&self, users: Option<&str>) -> String {
        let Self { run, attempt, .. } = self;
        let jobs = match self.jobs {
            Jobs::One(index) => index.to_string(),
            Jobs::From(base) => format!("{base}+"),
        };
        match users {
            None | Some("") => format!("xqute:{run}:{jobs}:{attempt}"),
            Some(text) => format!("{text} xqute:{run}:{jobs}:{attempt}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for jobs in [Jobs::One(7), Jobs::From(12000)] {
            let identity = Identity {
                run: "5f0c2a9be1d40713",
                jobs,
                attempt: 2,
            };
            for users in [None, Some(""), Some("project 12"), Some("xqute:looks:like:one")] {
                let comment = identity.comment(users);
                assert_eq!(Identity::read(&comment).as_ref(), Some(&identity), "{comment}");
            }
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
            "xqute:a:+:1",
            "xqute:a:1:2:3",
            "xqute:a:1:2 and more",
        ] {
            assert_eq!(Identity::read(comment), None, "{comment}");
        }
    }

    #[test]
    fn a_task_is_a_job() {
        let called = |comment: &str, id: &str| {
            let found = Identity::read(comment).unwrap().attempt_called(Id::read(id).unwrap())?;
            assert_eq!(found.backend_id, id);
            Some((found.index, found.attempt))
        };
        assert_eq!(called("xqute:a:7:2", "65"), Some((7, 2)));
        assert_eq!(called("xqute:a:12000+:1", "65_7"), Some((12007, 1)));
        assert_eq!(called("xqute:a:12000+:1", "65"), None, "what is left of an array");
        assert_eq!(called("xqute:a:7:1", "65_7"), None);
        assert_eq!(called("xqute:a:4294967295+:1", "65_7"), None);
    }
}
