//! Names: of the jobs that Batch knows, of the tasks in them, and of what is in them. Pure functions.
//!
//! One job of Batch holds many attempts, one in each task. Its name is `NAME-TAG-HASH-COUNT`: the first attempt's name, the
//! run, all members hashed, and how many there are. So the same attempts of the same run always make the same name, which
//! Batch gives only once.

use std::fmt::Write as _;

use xqute_plugin::{Error, Job};

/// An attempt, as it is written into a job of Batch: `INDEX.ATTEMPT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Member {
    pub(crate) index: u32,
    pub(crate) attempt: u32,
}

impl Member {
    pub(crate) fn of(job: &Job) -> Self {
        Self {
            index: job.index,
            attempt: job.attempt,
        }
    }

    pub(crate) fn read(text: &str) -> Option<Self> {
        let (index, attempt) = text.split_once('.')?;
        Some(Self {
            index: index.parse().ok()?,
            attempt: attempt.parse().ok()?,
        })
    }
}

/// Members, separated by spaces.
pub(crate) fn write(members: &[Member]) -> String {
    let mut text = String::new();
    for Member { index, attempt } in members {
        let gap = if text.is_empty() { "" } else { " " };
        // To write into a text cannot fail.
        let _written = write!(text, "{gap}{index}.{attempt}");
    }
    text
}

/// Reads members; none if anything else is among them.
pub(crate) fn read(text: &str) -> Option<Vec<Member>> {
    text.split_ascii_whitespace().map(Member::read).collect()
}

/// The part of a job's name that is ours.
const LONGEST_NAME: usize = 63;

/// The name of the job of Batch that these attempts make.
///
/// # Errors
/// When the first attempt has a name that Batch would refuse.
pub(crate) fn job_name(first: &Job, run: &str, members: &[Member]) -> Result<String, Error> {
    check_name(&first.name)?;
    let tail = format!("-{run}-{:08x}-{}", hash(&write(members)), members.len());
    let head: String = first
        .name
        .to_ascii_lowercase()
        .chars()
        .take(LONGEST_NAME.saturating_sub(tail.len()))
        .collect();
    Ok(head + &tail)
}

/// Batch has rules for the names of jobs. Capital letters are made small, as that changes nothing for people.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(fits) {
        return Ok(());
    }
    Err(Error::InvalidOptions(format!(
        "Batch takes no job that is called {name:?}: a name has letters, digits and `-`, and starts with a letter; change \
         the job's `name` or --jobname-prefix"
    )))
}

/// FNV-1a: the same in every instance and every version.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// A task of a job, by which Batch knows one attempt: `JOB/TASK`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Task<'a> {
    pub(crate) job: &'a str,
    pub(crate) number: usize,
}

impl<'a> Task<'a> {
    /// Reads a backend id; none if it cannot be one of ours. Nothing else is ever handed to `gcloud` as a job's name.
    pub(crate) fn read(id: &'a str) -> Option<Self> {
        let (job, number) = id.split_once('/')?;
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let starts = job.starts_with(|c: char| c.is_ascii_lowercase());
        (starts && job.len() <= LONGEST_NAME && job.bytes().all(fits)).then_some(())?;
        let number = number.parse().ok()?;
        Some(Self { job, number })
    }

    pub(crate) fn id(job: &str, number: usize) -> String {
        format!("{job}/{number}")
    }
}

/// How many tasks a job has: the end of its name says it.
pub(crate) fn count(job: &str) -> Option<usize> {
    job.rsplit_once('-')?.1.parse().ok()
}

/// The last part of a resource's name, as in `projects/P/locations/L/jobs/JOB`.
pub(crate) fn short(resource: &str) -> &str {
    resource.rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use xqute_plugin::testing::job;

    const RUN: &str = "5f0c2a9be1d40713";

    fn members(indices: &[u32]) -> Vec<Member> {
        indices.iter().map(|&index| Member { index, attempt: 1 }).collect()
    }

    #[test]
    fn a_name_tells_run_and_members_and_is_never_too_long() {
        let mut first = job(0, "true");
        first.name = "Gbatch-0".to_owned();
        let name = job_name(&first, RUN, &members(&[0, 1, 2])).unwrap();
        assert_eq!(name, "gbatch-0-5f0c2a9be1d40713-027b40cf-3");
        assert_eq!(count(&name), Some(3));
        assert_ne!(name, job_name(&first, RUN, &members(&[0, 1, 3])).unwrap());
        first.name = "a".repeat(200);
        let long = job_name(&first, RUN, &members(&[4_000_000_000; 1000])).unwrap();
        assert_eq!(long.len(), 63);
        assert_eq!(
            Task::read(&Task::id(&long, 999)),
            Some(Task {
                job: &long,
                number: 999
            })
        );
    }

    #[test]
    fn names_that_batch_would_refuse_are_refused_first() {
        for name in ["", "9lives", "-a", "a_b", "a.b", "a b", "é"] {
            let error = check_name(name).unwrap_err();
            assert!(error.message().contains("--jobname-prefix"), "{name}");
        }
        assert_eq!(check_name("Train-1"), Ok(()));
    }

    #[test]
    fn members_are_read_back() {
        let all = [Member { index: 0, attempt: 1 }, Member { index: 17, attempt: 3 }];
        assert_eq!(write(&all), "0.1 17.3");
        assert_eq!(read("0.1 17.3").unwrap(), all);
        for other in ["x", "1", "1.x", "1.2.3", "-1.1"] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn only_ids_of_ours_are_believed() {
        assert_eq!(
            Task::read("a-b-1/0"),
            Some(Task {
                job: "a-b-1",
                number: 0
            })
        );
        for other in ["", "a", "a/", "a/x", "--flag/0", "A/0", "a b/0", "a/b/0", "dry-run"] {
            assert_eq!(Task::read(other), None, "{other}");
        }
        assert_eq!(short("projects/p/locations/l/jobs/j"), "j");
    }
}
