//! Attempts that `squeue` does not know any more → the arguments of one `sacct`, and what it printed → how they ended. Pure
//! functions. Many clusters keep no accounts, or not all of them: no answer says nothing.

use crate::id::Id;
use crate::poll::{Table, id_list};
use crate::state::Seen;
use xqute_plugin::{JobRef, Observation, Output};

/// The arguments of `sacct`: one line for each job, without its steps, with `|` between the columns.
pub(crate) fn argv<'a>(jobs: impl Iterator<Item = &'a JobRef>) -> Option<[String; 3]> {
    let columns = "--format=JobID,State,ExitCode,NodeList,Reason";
    Some(["-nPX".to_owned(), columns.to_owned(), id_list(jobs)?])
}

/// Whether there are no accounts at all, so that nobody need ask again.
pub(crate) fn is_missing(output: &Output) -> bool {
    !output.succeeded() && output.stderr_text().contains("accounting storage is disabled")
}

/// Reads what `sacct` printed.
pub(crate) fn read(stdout: &str) -> Table<'_> {
    stdout.lines().filter_map(row).collect()
}

fn row(line: &str) -> Option<(Id, Seen<'_>)> {
    let mut fields = line.split('|').map(str::trim);
    let id = Id::read(fields.next()?)?;
    let (state, code, machines, reason) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    Some((id, Seen::new(state, code, machines, reason)))
}

/// How an attempt ended. That it runs or waits is not believed: the controller, who would know, does not know it.
pub(crate) fn end(seen: &Seen<'_>) -> Observation {
    match seen.observe() {
        Observation::Queued(_) | Observation::Running => Observation::Unknown,
        ended => ended,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xqute_plugin::{Exit, FailureCause};

    /// What a real `sacct` 22.05.8 printed. Tasks 0 to 2 of the array were cancelled before they started.
    #[test]
    fn a_real_answer_is_understood() {
        let table = read(include_str!("../fixtures/accounting.stdout"));
        for (id, expected) in [
            ("1", Some(Observation::Succeeded)),
            ("2", Some(Observation::Failed(FailureCause::ExitCode(3)))),
            ("3", Some(Observation::Failed(FailureCause::Signal(9)))),
            ("5", Some(Observation::Cancelled)),
            ("4_3", Some(Observation::Succeeded)),
            ("4_0", None),
        ] {
            let id = Id::read(id).unwrap();
            assert_eq!(table.get(&id).map(end), expected, "{id}");
        }
    }

    #[test]
    fn only_ends_are_believed() {
        for state in ["RUNNING", "PENDING", "REQUEUED"] {
            let line = format!("1|{state}|0:0|vm|None");
            assert_eq!(
                read(&line).values().map(end).collect::<Vec<_>>(),
                [Observation::Unknown],
                "{state}"
            );
        }
    }

    #[test]
    fn accounts_that_do_not_answer_may_exist() {
        let failed = |stderr: &str| Output {
            exit: Exit::Code(1),
            stdout: Vec::new(),
            stderr: stderr.into(),
        };
        assert!(is_missing(&failed(include_str!(
            "../fixtures/accounting-disabled.stderr"
        ))));
        assert!(!is_missing(&failed(
            "sacct: error: Problem talking to the database: Connection refused\n"
        )));
    }

    proptest::proptest! {
        #[test]
        fn any_answer_can_be_read(text in ".*") {
            read(&text).values().for_each(|seen| drop(end(seen)));
        }
    }
}
