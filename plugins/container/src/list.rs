//! The containers of a run, as `docker ps` and `podman ps` list them → observations, and the attempts to adopt after a
//! crash. Pure functions.
//!
//! Both engines know all their containers: what they do not list is gone, and nothing is guessed.

use std::collections::{BTreeSet, HashMap};

use xqute_plugin::{Error, FailureCause, JobRef, Observation, Output};

use crate::{
    engine::Engine,
    name,
    script::{LAST_SIGNAL_CODE, OUT_OF_MEMORY},
    submit::RUN_LABEL,
    trouble::{self, Trouble},
};

/// The arguments that list the containers of a run, ended ones too.
pub(crate) fn argv(run: &str) -> Vec<String> {
    let filter = format!("label={RUN_LABEL}={run}");
    [
        "ps",
        "--all",
        "--no-trunc",
        "--filter",
        &filter,
        "--format",
        "{{.Names}}|{{.Status}}",
    ]
    .map(str::to_owned)
    .into()
}

/// How far a container has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Made and not started.
    Created,
    Running,
    Exited(i32),
    /// Whatever else engines say, now or in later versions.
    Other,
}

impl Status {
    /// Reads `Exited (3) 5 seconds ago`, `Up 2 minutes (Paused)` and the like.
    fn read(text: &str) -> Self {
        let code = |rest: &str| rest.split_once(')')?.0.parse().ok();
        match text.split_once(['(', ' ']).map_or(text, |(word, _)| word).trim() {
            "Up" | "Paused" | "Stopping" => Self::Running,
            "Created" | "Initialized" | "Configured" => Self::Created,
            "Exited" => match text.split_once('(').and_then(|(_, rest)| code(rest)) {
                Some(code) => Self::Exited(code),
                None => Self::Other,
            },
            _ => Self::Other,
        }
    }
}

/// The containers of a run by name.
pub(crate) type Containers = HashMap<String, Status>;

/// Reads the list.
pub(crate) fn read(engine: Engine, run: &str, output: &Output) -> Result<Containers, Error> {
    match trouble::of(output) {
        None => {}
        Some(Trouble::Unreachable(said) | Trouble::NoProgram(said) | Trouble::Refusal(said)) => {
            let program = engine.program();
            return Err(Error::Unavailable(format!("{program} does not answer: {said}")));
        }
    }
    let stdout = output.stdout_text();
    let rows = stdout.lines().filter_map(|line| line.trim().split_once('|'));
    let ours = rows.filter(|(name, _)| name::read(run, name).is_some());
    Ok(ours
        .map(|(name, status)| (name.to_owned(), Status::read(status)))
        .collect())
}

/// The attempts that were started, for adoption. One that was only made is submitted again, which starts it.
pub(crate) fn started(run: &str, containers: &Containers) -> Vec<JobRef> {
    let started = containers.iter().filter(|(_, status)| **status != Status::Created);
    let mut refs: Vec<_> = started.filter_map(|(name, _)| name::read(run, name)).collect();
    refs.sort_by_key(|job| (job.index, job.attempt));
    refs
}

/// The exit code of a first process that was killed.
const KILLED: i32 = 128 + 9;

/// The containers of which only a closer look tells why they were killed.
pub(crate) fn killed(jobs: &[JobRef], containers: &Containers) -> Vec<String> {
    let killed = |name: &&String| containers.get(*name) == Some(&Status::Exited(KILLED));
    jobs.iter().map(|job| &job.backend_id).filter(killed).cloned().collect()
}

/// The arguments of that look.
pub(crate) fn inspect_argv(names: &[String]) -> Vec<String> {
    let start = ["container", "inspect", "--format", "{{.Name}}|{{.State.OOMKilled}}"].map(str::to_owned);
    start.into_iter().chain(names.iter().cloned()).collect()
}

/// Reads which containers the kernel killed for want of memory. What is not mentioned was not.
pub(crate) fn out_of_memory(output: &Output) -> BTreeSet<String> {
    let stdout = output.stdout_text();
    let rows = stdout.lines().filter_map(|line| line.trim().split_once('|'));
    rows.filter(|(_, killed)| *killed == "true")
        .map(|(name, _)| name.trim_start_matches('/').to_owned())
        .collect()
}

/// One observation for each attempt.
pub(crate) fn observe(jobs: &[JobRef], containers: &Containers, starved: &BTreeSet<String>) -> Vec<Observation> {
    let one = |job: &JobRef| match containers.get(&job.backend_id) {
        None => Observation::Failed(FailureCause::Lost),
        Some(Status::Created) => Observation::Failed(FailureCause::NeverStarted(
            "its container was made but never started".to_owned(),
        )),
        Some(Status::Running) => Observation::Running,
        Some(Status::Exited(0)) => Observation::Succeeded,
        Some(Status::Exited(OUT_OF_MEMORY)) => Observation::Failed(FailureCause::OutOfMemory),
        Some(Status::Exited(KILLED)) if starved.contains(&job.backend_id) => {
            Observation::Failed(FailureCause::OutOfMemory)
        }
        Some(Status::Exited(code @ 129..=LAST_SIGNAL_CODE)) => Observation::Failed(FailureCause::Signal(code - 128)),
        Some(Status::Exited(code)) => Observation::Failed(FailureCause::ExitCode(*code)),
        Some(Status::Other) => Observation::Unknown,
    };
    jobs.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use xqute_plugin::Exit;

    const RUN: &str = "5f0c2a9be1d40713";

    fn printed(stdout: &str) -> Output {
        Output {
            exit: Exit::Code(0),
            stdout: stdout.into(),
            stderr: Vec::new(),
        }
    }

    fn job(index: u32, attempt: u32) -> JobRef {
        name::read(RUN, &name::of(RUN, index, attempt)).unwrap()
    }

    /// What podman 4.3.1, and a docker client that talks to it, said about the same containers.
    #[test]
    fn real_answers_are_understood() {
        use FailureCause::{ExitCode, Lost, NeverStarted, OutOfMemory, Signal};
        use Observation::{Failed, Running, Succeeded};
        let jobs = [
            (job(0, 1), Succeeded),
            (job(1, 1), Failed(ExitCode(3))),
            (job(1, 2), Running),
            (job(2, 1), Failed(Signal(11))),
            (job(3, 1), Failed(OutOfMemory)),
            (job(4, 1), Failed(Signal(9))),
            (
                job(5, 1),
                Failed(NeverStarted("its container was made but never started".to_owned())),
            ),
            (job(6, 1), Running),
            (job(7, 1), Failed(OutOfMemory)),
            (job(8, 1), Failed(Lost)),
        ];
        let (jobs, expected): (Vec<_>, Vec<_>) = jobs.into_iter().unzip();
        for stdout in [
            include_str!("../fixtures/podman-ps.stdout"),
            include_str!("../fixtures/docker-ps.stdout"),
        ] {
            let containers = read(Engine::Podman, RUN, &printed(stdout)).unwrap();
            assert_eq!(containers.len(), 9, "the one with another name is not ours");
            assert_eq!(killed(&jobs, &containers), [job(4, 1).backend_id, job(7, 1).backend_id]);
            let starved = [job(7, 1).backend_id].into();
            assert_eq!(observe(&jobs, &containers, &starved), expected);
            let adopted = started(RUN, &containers);
            assert_eq!(adopted.len(), 8);
            assert!(!adopted.contains(&job(5, 1)), "it was not started");
        }
    }

    #[test]
    fn the_closer_look_is_understood() {
        for stdout in [
            include_str!("../fixtures/podman-inspect.stdout"),
            include_str!("../fixtures/docker-inspect.stdout"),
        ] {
            assert!(out_of_memory(&printed(stdout)).is_empty());
            let told = out_of_memory(&printed(&stdout.replace("7-1|false", "7-1|true")));
            assert_eq!(told.into_iter().collect::<Vec<_>>(), [job(7, 1).backend_id]);
        }
    }

    #[test]
    fn states_of_other_engines_are_mapped_as_documented() {
        for (text, status) in [
            ("Up About a minute (healthy)", Status::Running),
            ("Up 5 seconds (Paused)", Status::Running),
            ("Created", Status::Created),
            ("Initialized", Status::Created),
            ("Exited (137) About an hour ago", Status::Exited(137)),
            ("Exited (x) now", Status::Other),
            ("Removal In Progress", Status::Other),
            ("Dead", Status::Other),
            ("Restarting (1) 2 seconds ago", Status::Other),
            ("", Status::Other),
        ] {
            assert_eq!(Status::read(text), status, "{text}");
        }
    }

    #[test]
    fn an_engine_that_does_not_answer_says_nothing_about_jobs() {
        let output = Output {
            exit: Exit::Code(1),
            stdout: Vec::new(),
            stderr: include_str!("../fixtures/docker-ps-no-daemon.stderr").into(),
        };
        assert!(matches!(read(Engine::Docker, RUN, &output), Err(Error::Unavailable(_))));
    }

    proptest::proptest! {
        #[test]
        fn any_answer_gives_one_observation_for_each_job(text in "([a-zA-Z0-9|() -]{0,40}\n|xqute-5f0c2a9be1d40713-[0-9]-1\\|.*\n){0,6}") {
            let jobs: Vec<_> = (0..5).map(|index| job(index, 1)).collect();
            let containers = read(Engine::Docker, RUN, &printed(&text)).unwrap();
            proptest::prop_assert_eq!(observe(&jobs, &containers, &BTreeSet::new()).len(), jobs.len());
            let _starved = out_of_memory(&printed(&text));
        }
    }
}
