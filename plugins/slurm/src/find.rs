//! The tag of a run → the arguments of one `squeue`, and what it printed → the attempts of that run. Pure functions.

use crate::id::Id;
use crate::identity::Identity;
use crate::poll::check;
use xqute_plugin::{Error, JobRef, Output};

/// The arguments of `squeue`. Unlike `--Format`, `--format` prints a comment in full.
pub(crate) fn argv() -> [&'static str; 6] {
    [
        "--me",
        "--all",
        "--noheader",
        "--states=all",
        "--array",
        "--format=%i %k",
    ]
}

/// Reads what `squeue` printed: an id and a comment in each line.
pub(crate) fn answer(run: &str, output: &Output) -> Result<Vec<JobRef>, Error> {
    check(output)?;
    Ok(output
        .stdout_text()
        .lines()
        .filter_map(|line| read(run, line))
        .collect())
}

fn read(run: &str, line: &str) -> Option<JobRef> {
    let (id, comment) = line.trim_start().split_once(' ')?;
    let identity = Identity::read(comment).filter(|identity| identity.run == run)?;
    identity.attempt_called(Id::read(id)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use xqute_plugin::Exit;

    fn printed(stdout: &str) -> Output {
        Output {
            exit: Exit::Code(0),
            stdout: stdout.into(),
            stderr: Vec::new(),
        }
    }

    fn found(run: &str) -> Vec<(u32, u32, String)> {
        let mut refs = answer(run, &printed(include_str!("../fixtures/find.stdout"))).unwrap();
        refs.sort_by_key(|job| (job.index, job.attempt));
        refs.into_iter()
            .map(|job| (job.index, job.attempt, job.backend_id))
            .collect()
    }

    #[test]
    fn only_the_attempts_of_the_run_are_found() {
        let expected = [
            (0, 1, "65".to_owned()),
            (0, 2, "66".to_owned()),
            (1, 1, "67".to_owned()),
            (1003, 1, "70_3".to_owned()),
            (1004, 1, "70_4".to_owned()),
        ];
        assert_eq!(found("5f0c2a9be1d40713"), expected);
        assert_eq!(found("0123456789abcdef"), [(0, 1, "68".to_owned())]);
        assert_eq!(found("ffffffffffffffff"), []);
    }

    proptest::proptest! {
        #[test]
        fn any_answer_can_be_read(text in ".*") {
            proptest::prop_assert_eq!(answer("5f0c2a9be1d40713", &printed(&text)).unwrap(), []);
        }
    }
}
