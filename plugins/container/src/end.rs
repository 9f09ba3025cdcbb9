//! How containers are ended and removed: arguments, and what the answers mean. Pure functions.

use xqute_plugin::{Error, JobRef, Output};

use crate::{
    engine::Engine,
    script::GRACE,
    trouble::{self, Trouble},
};

/// The arguments that ask containers to end, and end them if they do not.
pub(crate) fn stop_argv(engine: Engine, names: &[String]) -> Vec<String> {
    with_names(["stop", "-t", GRACE].map(str::to_owned).to_vec(), engine, names)
}

/// The arguments that remove containers, even such as still run.
pub(crate) fn destroy_argv(engine: Engine, names: &[String]) -> Vec<String> {
    with_names(["rm", "--force"].map(str::to_owned).to_vec(), engine, names)
}

/// The arguments that remove containers that have ended, and no others.
pub(crate) fn remove_argv(engine: Engine, names: &[String]) -> Vec<String> {
    with_names(vec!["rm".to_owned()], engine, names)
}

fn with_names(mut argv: Vec<String>, engine: Engine, names: &[String]) -> Vec<String> {
    argv.extend(engine.ignore_unknown());
    argv.extend(names.iter().cloned());
    argv
}

/// Reads the answer: a result for each job. To be gone already is a success.
pub(crate) fn answer(engine: Engine, jobs: &[JobRef], output: &Output) -> Vec<Result<(), Error>> {
    let program = engine.program();
    match trouble::of(output) {
        None => jobs.iter().map(|_| Ok(())).collect(),
        Some(Trouble::Unreachable(said)) => {
            let error = Error::Unavailable(format!("{program} cannot be reached: {said}"));
            jobs.iter().map(|_| Err(error.clone())).collect()
        }
        Some(Trouble::NoProgram(said) | Trouble::Refusal(said)) => {
            let stderr = output.stderr_text();
            let harmless = |line: &str| {
                let line = line.to_ascii_lowercase();
                [
                    "no such container",
                    "already in progress",
                    "is being removed",
                    "is not running",
                    "state improper",
                ]
                .iter()
                .any(|words| line.contains(words))
            };
            let only_harmless = stderr
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .all(harmless);
            let about = |job: &JobRef| stderr.lines().find(|line| mentions(line, &job.backend_id));
            let names_some = jobs.iter().any(|job| about(job).is_some());
            let one = |job: &JobRef| match about(job) {
                _ if only_harmless => Ok(()),
                Some(line) if harmless(line) => Ok(()),
                None if names_some => Ok(()),
                _ => Err(Error::Other(format!("{program} cannot end {}: {said}", job.backend_id))),
            };
            jobs.iter().map(one).collect()
        }
    }
}

/// Whether a line has this very name in it, and not a longer one.
fn mentions(line: &str, name: &str) -> bool {
    line.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .any(|word| word == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use xqute_plugin::Exit;

    fn jobs() -> Vec<JobRef> {
        let job = |index: u32| JobRef {
            index,
            attempt: 1,
            backend_id: format!("xqute-f-{index}-1"),
        };
        vec![job(1), job(11)]
    }

    fn answered(code: i32, stderr: &str) -> Vec<Result<(), Error>> {
        let output = Output {
            exit: Exit::Code(code),
            stdout: Vec::new(),
            stderr: stderr.into(),
        };
        answer(Engine::Docker, &jobs(), &output)
    }

    #[test]
    fn one_process_ends_all() {
        let names = ["a".to_owned(), "b".to_owned()];
        assert_eq!(
            stop_argv(Engine::Podman, &names),
            ["stop", "-t", "5", "--ignore", "a", "b"]
        );
        assert_eq!(stop_argv(Engine::Docker, &names), ["stop", "-t", "5", "a", "b"]);
        assert_eq!(
            destroy_argv(Engine::Podman, &names),
            ["rm", "--force", "--ignore", "a", "b"]
        );
        assert_eq!(remove_argv(Engine::Docker, &names), ["rm", "a", "b"]);
    }

    #[test]
    fn to_be_gone_is_a_success() {
        assert_eq!(answered(0, ""), [Ok(()), Ok(())]);
        assert_eq!(
            answered(1, include_str!("../fixtures/docker-rm-unknown.stderr")),
            [Ok(()), Ok(())]
        );
    }

    #[test]
    fn what_cannot_be_ended_is_named() {
        let stderr = "Error response from daemon: cannot stop container: xqute-f-11-1: tried to kill container, but did not \
                      receive an exit event\nError response from daemon: No such container: xqute-f-1-1\n";
        let results = answered(1, stderr);
        assert_eq!(results[0], Ok(()));
        assert!(
            matches!(&results[1], Err(Error::Other(said)) if said.contains("xqute-f-11-1")),
            "{results:?}"
        );
        assert!(answered(1, "Error: cannot").iter().all(Result::is_err));
    }

    #[test]
    fn an_unreachable_engine_is_asked_again() {
        let results = answered(1, include_str!("../fixtures/docker-ps-no-daemon.stderr"));
        assert!(
            results
                .iter()
                .all(|result| matches!(result, Err(Error::Unavailable(_))))
        );
    }
}
