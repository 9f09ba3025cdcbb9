//! The word by which the attempts of a run are found again: `xqute=TAG:ATTEMPT:INDICES`, in the context of each array job.
//! Grid Engine keeps contexts across restarts and shows them in full. The first task is the first of the indices.

use crate::task::{Task, numbers, ranges};
use xqute_plugin::{Job, JobRef};

/// The name of the variable in the context.
const NAME: &str = "xqute=";

/// Run, attempt and the jobs of one array, as read back from a context.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) run: String,
    pub(crate) attempt: u32,
    pub(crate) indices: Vec<u32>,
}

impl Identity {
    /// Of jobs that become one array; they are in the same attempt.
    pub(crate) fn of(jobs: &[&Job], run: &str) -> Self {
        Self {
            run: run.to_owned(),
            attempt: jobs.first().map_or(1, |job| job.attempt),
            indices: jobs.iter().map(|job| job.index).collect(),
        }
    }

    /// What is added to the context.
    pub(crate) fn context(&self) -> String {
        let Self { run, attempt, indices } = self;
        format!("{NAME}{run}:{attempt}:{}", ranges(indices.iter().copied()))
    }

    /// Looks for it in a whole context; none if xqute did not write it.
    pub(crate) fn read(context: &str) -> Option<Self> {
        let word = context.split(',').find_map(|word| word.trim().strip_prefix(NAME))?;
        let mut parts = word.split(':');
        let (Some(run), Some(attempt), Some(indices), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        Some(Self {
            run: run.to_owned(),
            attempt: attempt.parse().ok()?,
            indices: numbers(indices)?,
        })
    }

    /// The attempts that are tasks of this array job.
    pub(crate) fn refs(&self, job: u32) -> impl Iterator<Item = JobRef> {
        self.indices.iter().zip(1..).map(move |(index, number)| JobRef {
            index: *index,
            attempt: self.attempt,
            backend_id: Task { job, number }.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xqute_plugin::testing::job;

    #[test]
    fn what_is_written_is_read_back() {
        let mut jobs = [job(4, "true"), job(5, "true"), job(9, "true")];
        jobs.iter_mut().for_each(|job| job.attempt = 2);
        let identity = Identity::of(&jobs.iter().collect::<Vec<_>>(), "5f0c2a9be1d40713");
        assert_eq!(identity.context(), "xqute=5f0c2a9be1d40713:2:4-5+9");
        for context in ["", "project=x,", "a=b c,"] {
            let context = format!("{context}{}", identity.context());
            assert_eq!(Identity::read(&context).as_ref(), Some(&identity), "{context}");
        }
        let ids: Vec<_> = identity
            .refs(17)
            .map(|job| (job.index, job.attempt, job.backend_id))
            .collect();
        assert_eq!(
            ids,
            [
                (4, 2, "17.1".to_owned()),
                (5, 2, "17.2".to_owned()),
                (9, 2, "17.3".to_owned())
            ]
        );
    }

    #[test]
    fn other_contexts_are_left_alone() {
        for context in [
            "",
            "NONE",
            "xqute",
            "xqute=a:1",
            "xqute=a:x:1",
            "xqute=a:1:x",
            "xqute=a:1:2:3",
            "yxqute=a:1:2",
        ] {
            assert_eq!(Identity::read(context), None, "{context}");
        }
    }
}
