//! One job → the arguments of `docker run` or `podman run`, and what it answered. Pure functions.

use xqute_plugin::{Error, Job, Output, RunInfo, mounts::Mounted};

use crate::{
    check, mounts, name,
    options::Settings,
    script,
    trouble::{self, Trouble},
};

/// The label by which all containers of a run are listed.
pub(crate) const RUN_LABEL: &str = "xqute.run";

/// Everything that is the same in docker, podman and apptainer.
pub(crate) struct Container<'a> {
    pub(crate) job: &'a Job,
    pub(crate) run: &'a RunInfo,
    pub(crate) settings: &'a Settings,
    pub(crate) placed: Mounted,
}

impl<'a> Container<'a> {
    pub(crate) fn new(job: &'a Job, run: &'a RunInfo, settings: &'a Settings, placed: Mounted) -> Result<Self, Error> {
        if settings.folder.is_some() && job.cwd.is_some() {
            return Err(Error::InvalidOptions(
                "`volume-as-cwd` and --cwd (or `cwd` of a job) both say where jobs start; use only one of them"
                    .to_owned(),
            ));
        }
        Ok(Self {
            job,
            run,
            settings,
            placed,
        })
    }

    pub(crate) fn name(&self) -> String {
        name::of(&self.run.tag, self.job.index, self.job.attempt)
    }

    /// Where the container starts. A folder that the user chose for a job is where the job's script goes by itself.
    pub(crate) fn folder(&self) -> String {
        if self.settings.folder.is_some() {
            mounts::working_folder()
        } else {
            self.run.workdir.mounted.clone()
        }
    }

    /// `NAME=VALUE` for each variable.
    pub(crate) fn variables(&self) -> Vec<String> {
        let named = self
            .placed
            .variables
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        named.chain(self.settings.variables.iter().cloned()).collect()
    }

    /// The image and the words that run the job's script in it.
    pub(crate) fn command(&self, first: &str) -> Vec<String> {
        let Self { job, settings, .. } = self;
        let mut words = vec![settings.image.clone()];
        words.extend(settings.entrypoint.iter().cloned());
        words.extend(["-c".to_owned(), first.to_owned(), self.name()]);
        words.extend([job.script.mounted.clone(), job.dir.mounted.clone()]);
        words
    }
}

/// The arguments with which docker or podman start a container and leave it alone. `user` is who jobs run as if the options
/// do not say it.
pub(crate) fn argv(container: &Container<'_>, user: &str) -> Vec<String> {
    let Container { settings, run, .. } = container;
    let mut argv = ["run", "--detach", "--name"].map(str::to_owned).to_vec();
    argv.push(container.name());
    argv.push(format!("--label={RUN_LABEL}={}", run.tag));
    // The image was fetched before the first job, once.
    argv.push("--pull=never".to_owned());
    let user = settings.user.as_deref().unwrap_or(user);
    if !user.is_empty() {
        argv.push(format!("--user={user}"));
    }
    argv.extend(container.variables().iter().map(|variable| format!("--env={variable}")));
    argv.extend(
        container
            .placed
            .mounts
            .iter()
            .map(|mount| format!("--mount={}", mounts::csv(mount))),
    );
    argv.push(format!("--workdir={}", container.folder()));
    argv.extend(settings.more.iter().cloned());
    argv.extend(container.command(&script::kept()));
    argv
}

/// What became of a submission.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Started,
    /// There is a container of this name: the job was submitted before.
    Taken,
    /// Nobody knows; the name tells the next time.
    InDoubt(Error),
    /// It did not start, and may have left something behind.
    Declined(Error),
}

/// Reads what `run` or `start` answered.
pub(crate) fn answer(settings: &Settings, output: &Output) -> Answer {
    let program = settings.engine.program();
    match trouble::of(output) {
        None => Answer::Started,
        Some(Trouble::Unreachable(said)) => {
            Answer::InDoubt(Error::Unavailable(format!("{program} cannot be reached: {said}")))
        }
        Some(Trouble::Refusal(said)) if said.contains("name") && said.contains("already in use") => Answer::Taken,
        Some(Trouble::NoProgram(said)) => Answer::Declined(Error::Rejected(check::no_bash(settings, &said))),
        Some(Trouble::Refusal(said)) => Answer::Declined(Error::Rejected(format!("{program} refused the job: {said}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::tests::given;
    use xqute_plugin::{
        Exit,
        testing::{job, path},
    };

    fn settings(options: &[(&str, &str)]) -> Settings {
        Settings::read(&given(
            &[&[("image", "debian:12"), ("bin", "podman")], options].concat(),
        ))
        .unwrap()
    }

    fn argv_of(job: &Job, options: &[(&str, &str)]) -> Result<Vec<String>, Error> {
        let (settings, run) = (settings(options), xqute_plugin::run::info());
        let _host = mounts::tests::host();
        let placed = mounts::place(&settings, &run, &[])?;
        Ok(argv(&Container::new(job, &run, &settings, placed)?, "0:0"))
    }

    fn answered(code: i32, stderr: &str) -> Answer {
        let output = Output {
            exit: Exit::Code(code),
            stdout: Vec::new(),
            stderr: stderr.into(),
        };
        answer(&settings(&[]), &output)
    }

    #[test]
    fn a_job_becomes_a_command_line() {
        let first = script::kept();
        let expected = [
            "run",
            "--detach",
            "--name",
            "xqute-0123456789abcdef-3-1",
            "--label=xqute.run=0123456789abcdef",
            "--pull=never",
            "--user=0:0",
            "--mount=type=bind,source=/data/.xqute,target=/data/.xqute",
            "--workdir=/data/.xqute",
            "debian:12",
            "/bin/bash",
            "-c",
            &first,
            "xqute-0123456789abcdef-3-1",
            "/data/.xqute/3/job.wrapped.local",
            "/data/.xqute/3",
        ];
        assert_eq!(argv_of(&job(3, "true"), &[]).unwrap(), expected);
    }

    #[test]
    fn options_come_before_the_image() {
        let options = [
            ("volume-as-cwd", "/project"),
            ("volumes", "REF=/ref"),
            ("user", "me"),
            ("env", "A=b c"),
            ("bin-args", "--memory=2g"),
            ("entrypoint", "/entry.sh"),
            ("entrypoint", "bash"),
        ];
        let argv = argv_of(&job(3, "true"), &options).unwrap();
        let expected = [
            "--user=me",
            "--env=REF=/mnt/disks/NAMED_MOUNTS/REF",
            "--env=A=b c",
            "--mount=type=bind,source=/ref,target=/mnt/disks/NAMED_MOUNTS/REF",
            "--mount=type=bind,source=/project,target=/mnt/disks/.cwd",
            "--mount=type=bind,source=/data/.xqute,target=/data/.xqute",
            "--workdir=/mnt/disks/.cwd",
            "--memory=2g",
            "debian:12",
            "/entry.sh",
            "bash",
            "-c",
        ];
        let start = argv.iter().position(|argument| argument == "--user=me").unwrap();
        assert_eq!(argv[start..start + expected.len()], expected);
    }

    #[test]
    fn two_places_to_start_in_are_refused() {
        let mut job = job(3, "true");
        job.cwd = Some(path("/data"));
        assert!(argv_of(&job, &[]).is_ok());
        let error = argv_of(&job, &[("volume-as-cwd", "/project")]).unwrap_err();
        assert!(error.message().contains("use only one of them"), "{error:?}");
    }

    #[test]
    fn an_answer_decides_what_is_done_next() {
        assert_eq!(answered(0, ""), Answer::Started);
        for taken in [
            include_str!("../fixtures/podman-run-taken.stderr"),
            include_str!("../fixtures/docker-run-taken.stderr"),
        ] {
            assert_eq!(answered(125, taken), Answer::Taken);
        }
        assert!(matches!(
            answered(125, include_str!("../fixtures/docker-run-no-daemon.stderr")),
            Answer::InDoubt(Error::Unavailable(_))
        ));
        let Answer::Declined(error) = answered(127, include_str!("../fixtures/podman-run-no-bash.stderr")) else {
            panic!("not declined")
        };
        assert!(
            error
                .message()
                .starts_with("the image `debian:12` has no /bin/bash; job scripts need a bash: choose"),
            "{error:?}"
        );
        assert_eq!(
            answered(125, include_str!("../fixtures/podman-run-bad-flag.stderr")),
            Answer::Declined(Error::Rejected(
                "podman refused the job: unknown flag: --nosuchflag".to_owned()
            ))
        );
    }
}
