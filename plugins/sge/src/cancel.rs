//! Attempts → one `qdel`, and what it answered → a result for each.
//!
//! `qdel` names each task that it deleted or could not delete, and fails as a whole if there was one of the latter.

use crate::task::Task;
use crate::trouble::{self, Trouble, unavailable};
use xqute_plugin::{Error, Output, process};

/// Deletes tasks; a result for each.
pub(crate) fn delete(tasks: &[Task]) -> Vec<Result<(), Error>> {
    match process::run("qdel", tasks.iter().map(ToString::to_string)) {
        Ok(output) => answer(tasks, &output),
        Err(error) => tasks.iter().map(|_| Err(error.clone())).collect(),
    }
}

/// Reads what `qdel` answered. What has ended, or is unknown, counts as deleted.
fn answer(tasks: &[Task], output: &Output) -> Vec<Result<(), Error>> {
    let error = match trouble::of(output) {
        None => return tasks.iter().map(|_| Ok(())).collect(),
        Some(Trouble::Unreachable(said) | Trouble::InDoubt(said)) => unavailable(&said),
        Some(Trouble::Busy) => Error::RateLimited(None),
        Some(Trouble::Usage(said)) => Error::Other(format!("qdel failed: {said}")),
        Some(Trouble::Refusal(_)) => return refusals(tasks, output),
    };
    tasks.iter().map(|_| Err(error.clone())).collect()
}

/// `NAME - you do not have the necessary privileges to delete the job-array task "53.1"`, or the whole job.
fn refusals(tasks: &[Task], output: &Output) -> Vec<Result<(), Error>> {
    let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
    let said = stdout.lines().chain(stderr.lines()).map(str::trim);
    let forbidden: Vec<&str> = said.filter(|line| line.contains("privileges")).collect();
    let about = |line: &&&str, word: &str| line.split(['"', ' ']).any(|part| part == word);
    let result = |task: &Task| {
        let (id, job) = (task.to_string(), task.job.to_string());
        let refused = forbidden.iter().find(|line| about(line, &id) || about(line, &job));
        refused.map_or(Ok(()), |line| Err(Error::Rejected((*line).to_owned())))
    };
    tasks.iter().map(result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use xqute_plugin::Exit;

    fn answered(tasks: &[Task], code: i32, stdout: &str, stderr: &str) -> Vec<Result<(), Error>> {
        let output = Output {
            exit: Exit::Code(code),
            stdout: stdout.into(),
            stderr: stderr.into(),
        };
        answer(tasks, &output)
    }

    const TASKS: [Task; 2] = [Task { job: 17, number: 1 }, Task { job: 18, number: 5 }];

    #[test]
    fn what_is_deleted_or_unknown_is_gone() {
        let stdout = "root has registered the job-array task 17.1 for deletion\n";
        assert_eq!(answered(&TASKS, 0, stdout, ""), [Ok(()), Ok(())]);
        let unknown = include_str!("../fixtures/cancel-unknown.stdout");
        assert_eq!(answered(&TASKS, 1, unknown, ""), [Ok(()), Ok(())]);
    }

    #[test]
    fn jobs_of_others_are_refused_by_name() {
        let stdout = include_str!("../fixtures/cancel-not-mine.stdout");
        let tasks = [Task { job: 137, number: 1 }, Task { job: 13, number: 7 }];
        let results = answered(&tasks, 1, stdout, "");
        assert!(matches!(&results[..], [Err(Error::Rejected(_)), Ok(())]), "{results:?}");
        let one = "nobody - you do not have the necessary privileges to delete the job-array task \"13.7\"";
        let results = answered(&tasks, 1, one, "");
        assert!(matches!(&results[..], [Ok(()), Err(Error::Rejected(_))]), "{results:?}");
    }

    #[test]
    fn an_unreachable_master_is_asked_again() {
        let (stdout, stderr) = (
            include_str!("../fixtures/cancel-master-down.stdout"),
            include_str!("../fixtures/cancel-master-down.stderr"),
        );
        let results = answered(&TASKS, 1, stdout, stderr);
        assert!(
            results
                .iter()
                .all(|result| matches!(result, Err(Error::Unavailable(_)))),
            "{results:?}"
        );
    }
}
