//! Text job files: a shell command line on each line, blank lines and lines that start with `#` skipped. Any bytes but NUL.

use super::{Jobs, error::Problem, lines};
use crate::model::job::{Command, JobSpec};

/// Adds the jobs in `bytes`; on an error says in which line.
pub(super) fn parse(bytes: &[u8], jobs: &mut Jobs) -> Result<(), (usize, Problem)> {
    for line in lines(bytes) {
        let (number, line) = line?;
        if let Some(job) = job(line) {
            jobs.push(number, job);
        }
    }
    Ok(())
}

/// The job in a line, unless it is blank or a remark.
pub(super) fn job(line: &[u8]) -> Option<JobSpec> {
    match line.trim_ascii_start().first() {
        None | Some(b'#') => None,
        Some(_) => Some(JobSpec::new(Command::shell(line))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn commands(bytes: &[u8]) -> Vec<Command> {
        let mut jobs = Jobs::default();
        parse(bytes, &mut jobs).unwrap();
        jobs.specs.into_iter().map(|job| job.command).collect()
    }

    #[test]
    fn comments_and_blank_lines_are_skipped() {
        let jobs = commands(b"#!/bin/sh\n\n  \t\n  # note\necho a # b\n \xff\r\n");
        assert_eq!(jobs, [Command::shell("echo a # b"), Command::shell(*b" \xff")]);
    }

    #[test]
    fn a_nul_is_found_in_its_line() {
        let bad = parse(b"a\nb\n\nc\0", &mut Jobs::default());
        assert!(matches!(bad, Err((4, Problem::Binary))));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _either_way = parse(&bytes, &mut Jobs::default());
        }

        #[test]
        fn lines_come_back_as_they_were_written(lines in prop::collection::vec("x[^\n\r\0]{0,20}", 0..9)) {
            let expected: Vec<_> = lines.iter().map(|line| Command::shell(line.as_str())).collect();
            prop_assert_eq!(commands(lines.join("\n").as_bytes()), expected.clone());
            prop_assert_eq!(commands((lines.join("\r\n\n") + "\n").as_bytes()), expected);
        }
    }
}
