//! The tag of a run → the arguments of one `squeue`, and what it printed → the attempts of that run. Pure functions.

use crate::identity::Identity;
use crate::poll::{check, is_id};
use xqute_plugin::{Error, JobRef, Output};

/// The arguments of `squeue`. Unlike `--Format`, `--format` prints a comment in full.
pub(crate) fn argv() -> [&'static str; 5] {
    ["--me", "--all", "--noheader", "--states=all", "--format=%i %k"]
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
    let identity = Identity::read(comment)?;
    (is_id(id) && identity.run == run).then(|| JobRef {
        index: identity.index,
        attempt: identity.attempt,
        backend_id: id.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use xqute_plugin::Exit;

    fn found(run: &str) -> Vec<(u32, u32, String)> {
        let stdout = include_str!("../fixtures/find.stdout").into();
        let mut refs = answer(
            run,
            &Output {
                exit: Exit::Code(0),
                stdout,
                stderr: Vec::new(),
            },
        )
        .unwrap();
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
        ];
        assert_eq!(found("5f0c2a9be1d40713"), expected);
        assert_eq!(found("0123456789abcdef"), [(0, 1, "68".to_owned())]);
        assert_eq!(found("ffffffffffffffff"), []);
    }
}
