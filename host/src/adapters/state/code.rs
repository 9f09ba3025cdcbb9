//! How requests, outcomes and times are written in columns, and read back. What is read is not believed.

use std::time::Duration;

use bstr::BString;
use rusqlite::{
    Row,
    types::{FromSqlError, Type},
};

use crate::model::{
    job::{Attempt, Command, JobExtras, JobIndex, JobSpec},
    outcome::Outcome,
    record::{Timestamp, Usage},
    state::State,
};

/// A command in two columns: whether it is a line of bash, and its bytes. Arguments are ended by NULs, which none of them
/// can hold.
pub(super) fn command(command: &Command) -> (bool, Vec<u8>) {
    match command {
        Command::Shell(line) => (true, line.to_vec()),
        Command::Argv(args) => {
            let mut bytes = Vec::with_capacity(args.iter().map(|arg| arg.len().saturating_add(1)).sum());
            for arg in args {
                bytes.extend_from_slice(arg);
                bytes.push(0);
            }
            (false, bytes)
        }
    }
}

/// The rest of a request, where there is any.
pub(super) fn extras(spec: &JobSpec) -> Option<String> {
    let extras = spec.extras();
    if *extras == JobExtras::default() {
        return None;
    }
    // Texts, numbers and lists of them: nothing that JSON could not hold.
    serde_json::to_string(extras).ok()
}

/// The request, from the columns `shell`, `command` and `extras` at `first` and behind it.
pub(super) fn spec(row: &Row<'_>, first: usize) -> rusqlite::Result<JobSpec> {
    let bytes = row.get_ref(first + 1)?.as_bytes()?;
    let command = match row.get(first)? {
        true => Command::Shell(bytes.into()),
        false => Command::Argv(arguments(bytes)),
    };
    let spec = JobSpec::new(command);
    match row.get_ref(first + 2)?.as_str_or_null()? {
        None => Ok(spec),
        Some(text) => Ok(spec.with(parsed(first + 2, text)?)),
    }
}

fn arguments(bytes: &[u8]) -> Vec<BString> {
    let bytes = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    bytes.split(|byte| *byte == 0).map(BString::from).collect()
}

/// How an attempt ended: success needs no words.
pub(super) fn outcome(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Succeeded => None,
        other => serde_json::to_string(other).ok(),
    }
}

/// How an attempt ended, from its state and the column at `at`; none, if it has not.
pub(super) fn read_outcome(row: &Row<'_>, at: usize, state: State) -> rusqlite::Result<Option<Outcome>> {
    match (state, row.get_ref(at)?.as_str_or_null()?) {
        (State::Finished, None) => Ok(Some(Outcome::Succeeded)),
        (State::Failed, Some(text)) => parsed(at, text).map(Some),
        (State::Finished | State::Failed, _) => Err(bad(at, "an outcome that does not fit its state")),
        _ => Ok(None),
    }
}

pub(super) fn state(row: &Row<'_>, at: usize) -> rusqlite::Result<State> {
    State::from_code(row.get(at)?).ok_or_else(|| bad(at, "an unknown state"))
}

pub(super) fn index(row: &Row<'_>, at: usize) -> rusqlite::Result<JobIndex> {
    row.get(at).map(JobIndex)
}

pub(super) fn attempt(row: &Row<'_>, at: usize) -> rusqlite::Result<Attempt> {
    row.get(at).map(Attempt::new)
}

pub(super) fn time(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(at)?.map(Timestamp))
}

/// The columns `user`, `system` and `memory` of an attempt.
pub(super) fn usage(usage: Option<&Usage>) -> (Option<i64>, Option<i64>, Option<i64>) {
    let micros = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    let memory = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    match usage {
        None => (None, None, None),
        Some(usage) => (
            Some(micros(usage.user)),
            Some(micros(usage.system)),
            Some(memory(usage.peak_memory)),
        ),
    }
}

/// The three columns of a usage, from `first`.
pub(super) fn read_usage(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Usage>> {
    let number = |at| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(at)?.map(i64::unsigned_abs));
    Ok(match (number(first)?, number(first + 1)?, number(first + 2)?) {
        (Some(user), Some(system), Some(peak_memory)) => Some(Usage {
            user: Duration::from_micros(user),
            system: Duration::from_micros(system),
            peak_memory,
        }),
        _ => None,
    })
}

fn parsed<T: serde::de::DeserializeOwned>(at: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(at, Type::Text, Box::new(error)))
}

fn bad(at: usize, what: &'static str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(at, Type::Null, Box::new(FromSqlError::Other(what.into())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rusqlite::{Connection, params};

    use super::*;
    use crate::model::{
        job::Predecessor,
        outcome::{CancelReason, FailureCause},
    };

    fn stored(request: &JobSpec) -> JobSpec {
        let (shell, bytes) = command(&request.command);
        let memory = Connection::open_in_memory().unwrap();
        let columns = params![shell, bytes, extras(request)];
        memory
            .query_row("SELECT ?1, ?2, ?3", columns, |row| spec(row, 0))
            .unwrap()
    }

    proptest! {
        #[test]
        fn requests_come_back_as_they_were(
            args in prop::collection::vec("[^\0]*".prop_map(String::into_bytes), 1..5),
            odd in prop::collection::vec(1..=255_u8, 0..9),
            shell: bool,
            name in proptest::option::of("[a-z\"\\\\é]{1,9}"),
            priority: i32,
            after in prop::collection::vec(prop_oneof![
                any::<u32>().prop_map(|index| Predecessor::Index(JobIndex(index))),
                "[a-z0-9]{1,9}".prop_map(Predecessor::Name),
            ], 0..3),
        ) {
            let command = match shell {
                true => Command::Shell(odd.into()),
                false => Command::argv(args.into_iter().chain([odd])),
            };
            let extras = JobExtras { name, priority, after, ..JobExtras::default() };
            let request = JobSpec::new(command).with(extras);
            prop_assert_eq!(stored(&request), request);
        }
    }

    #[test]
    fn outcomes_come_back_as_they_were() {
        let vetoed = CancelReason::Vetoed {
            plugin: "p".into(),
            reason: "\"because\"".into(),
        };
        for was in [
            Outcome::Succeeded,
            Outcome::Failed(FailureCause::ExitCode(-3)),
            Outcome::Failed(FailureCause::Other("so".into())),
            Outcome::Failed(FailureCause::Lost),
            Outcome::Cancelled(CancelReason::Dependency(JobIndex(7))),
            Outcome::Cancelled(vetoed),
        ] {
            let memory = Connection::open_in_memory().unwrap();
            let text = outcome(&was);
            let read = memory.query_row("SELECT ?1", [text], |row| read_outcome(row, 0, was.state()));
            assert_eq!(read.unwrap(), Some(was));
        }
    }
}
