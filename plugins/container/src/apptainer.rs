//! apptainer and singularity: one job → the arguments that start it in the background, and its processes → observations.
//! Pure functions.
//!
//! There is no daemon, and no container that one could list: a job is found by the name that its first process carries
//! among its arguments. What ended is not seen any more; its exit code is in the job directory.

use std::collections::BTreeSet;

use xqute_plugin::{Error, Exit, FailureCause, JobRef, Observation, Output};

use crate::{mounts, name, script, submit::Container, trouble};

/// Turns into apptainer, unless the file for its words is there: then the attempt was started before.
const START: &str = r#"set -o noclobber; exec "$@" >"$0" 2>&1 </dev/null"#;

/// The arguments of `setsid`: a job must not end with the program that started it.
pub(crate) fn argv(container: &Container<'_>) -> Result<Vec<String>, Error> {
    let Container {
        job, settings, placed, ..
    } = container;
    let mut argv = ["--fork", "bash", "-c", START].map(str::to_owned).to_vec();
    argv.push(format!(
        "{}/job.{}.{}",
        job.dir.spec,
        settings.engine.program(),
        job.attempt
    ));
    // A process namespace of its own, so that nothing that the job started outlives it.
    argv.extend([settings.engine.program(), "exec", "--pid", "--pwd"].map(str::to_owned));
    argv.push(container.folder());
    for variable in container.variables() {
        if variable.contains([',', '"']) {
            return Err(Error::InvalidOptions(format!(
                "{} cannot be given the variable `{variable}`: it has a comma or a quote in it; use --env instead",
                settings.engine.program()
            )));
        }
        argv.extend(["--env".to_owned(), variable]);
    }
    for mount in &placed.mounts {
        argv.extend(["--bind".to_owned(), mounts::bind(mount)?]);
    }
    argv.extend(settings.more.iter().cloned());
    argv.extend(container.command(&script::unkept()));
    Ok(argv)
}

/// Reads what `setsid` answered.
pub(crate) fn answer(output: &Output) -> Result<(), Error> {
    match trouble::of(output) {
        None => Ok(()),
        Some(_) => Err(Error::Rejected(format!(
            "setsid could not start the job: {}",
            trouble::sentence(&output.stderr_text())
        ))),
    }
}

/// The arguments of `pgrep` that list the processes of a run.
pub(crate) fn list_argv(run: &str) -> Vec<String> {
    ["--full", "--list-full", &format!("xqute-{run}-")]
        .map(str::to_owned)
        .into()
}

/// Reads which attempts run.
pub(crate) fn running(run: &str, output: &Output) -> Result<BTreeSet<String>, Error> {
    // 1: nothing was found.
    if !matches!(output.exit, Exit::Code(0 | 1)) {
        let said = trouble::sentence(&output.stderr_text());
        return Err(Error::Unavailable(format!("pgrep cannot list processes: {said}")));
    }
    let stdout = output.stdout_text();
    let names = stdout
        .split_ascii_whitespace()
        .filter(|word| name::read(run, word).is_some());
    Ok(names.map(str::to_owned).collect())
}

/// One observation for each attempt. One that is not there any more and left no exit code is lost.
pub(crate) fn observe(jobs: &[JobRef], running: &BTreeSet<String>) -> Vec<Observation> {
    let one = |job: &JobRef| {
        if running.contains(&job.backend_id) {
            Observation::Running
        } else {
            Observation::Failed(FailureCause::Lost)
        }
    };
    jobs.iter().map(one).collect()
}

/// The arguments of `pkill` that ask attempts to end; their first process sees to it.
pub(crate) fn kill_argv(run: &str, jobs: &[JobRef]) -> Vec<String> {
    let which: Vec<_> = jobs
        .iter()
        .map(|job| format!("{}-{}", job.index, job.attempt))
        .collect();
    let pattern = format!("xqute-{run}-({})( |$)", which.join("|"));
    ["--signal", "TERM", "--full", &pattern].map(str::to_owned).into()
}

/// Reads what `pkill` answered.
pub(crate) fn killed(output: &Output) -> Result<(), Error> {
    match output.exit {
        // 1: nothing was found.
        Exit::Code(0 | 1) => Ok(()),
        _ => Err(Error::Other(format!(
            "pkill failed: {}",
            trouble::sentence(&output.stderr_text())
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{Settings, tests::given};
    use xqute_plugin::testing::job;

    const RUN: &str = "0123456789abcdef";

    fn argv_of(options: &[(&str, &str)]) -> Result<Vec<String>, Error> {
        let options = given(&[&[("image", "tools.sif"), ("bin", "apptainer")], options].concat());
        let (settings, run) = (Settings::read(&options)?, xqute_plugin::run::info());
        let _host = mounts::tests::host();
        let placed = mounts::place(&settings, &run, &[])?;
        argv(&Container::new(&job(3, "true"), &run, &settings, placed)?)
    }

    #[test]
    fn a_job_becomes_a_command_line() {
        let first = script::unkept();
        let expected = [
            "--fork",
            "bash",
            "-c",
            START,
            "/data/.xqute/3/job.apptainer.1",
            "apptainer",
            "exec",
            "--pid",
            "--pwd",
            "/data/.xqute",
            "--env",
            "REF=/mnt/disks/NAMED_MOUNTS/REF",
            "--bind",
            "/ref:/mnt/disks/NAMED_MOUNTS/REF",
            "--bind",
            "/data/.xqute:/data/.xqute",
            "--nv",
            "tools.sif",
            "/bin/bash",
            "-c",
            &first,
            "xqute-0123456789abcdef-3-1",
            "/data/.xqute/3/job.wrapped.local",
            "/data/.xqute/3",
        ];
        assert_eq!(
            argv_of(&[("volumes", "REF=/ref"), ("bin-args", "--nv")]).unwrap(),
            expected
        );
        assert!(argv_of(&[("env", "A=b,c")]).is_err());
        assert!(argv_of(&[("volumes", "/a,b:/c")]).is_err());
    }

    #[test]
    fn processes_are_found_by_name() {
        let listed = Output {
            exit: Exit::Code(0),
            stdout:
                b"17 Apptainer runtime parent\n18 /bin/bash -c kills() { xqute-0123456789abcdef-3-1 /w/3/job.wrapped \
                      /w/3\n19 bash -c x xqute-0123456789abcdef-31-1 /w\n20 less xqute-0123456789abcdef-4\n"
                    .to_vec(),
            stderr: Vec::new(),
        };
        let running = running(RUN, &listed).unwrap();
        assert_eq!(running.len(), 2);
        let jobs = [3, 4].map(|index| name::read(RUN, &name::of(RUN, index, 1)).unwrap());
        assert_eq!(
            observe(&jobs, &running),
            [Observation::Running, Observation::Failed(FailureCause::Lost)]
        );
        assert_eq!(
            kill_argv(RUN, &jobs),
            ["--signal", "TERM", "--full", "xqute-0123456789abcdef-(3-1|4-1)( |$)"]
        );
    }

    #[test]
    fn to_find_nothing_is_an_answer() {
        let output = |code| Output {
            exit: Exit::Code(code),
            stdout: Vec::new(),
            stderr: Vec::new(),
        };
        assert_eq!(running(RUN, &output(1)), Ok(BTreeSet::new()));
        assert_eq!(killed(&output(1)), Ok(()));
        assert!(running(RUN, &output(2)).is_err() && killed(&output(2)).is_err());
    }
}
