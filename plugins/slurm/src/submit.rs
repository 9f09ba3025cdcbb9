//! One job → the arguments of `sbatch`, and what `sbatch` answered → an id. Pure functions; several jobs at once are in
//! `array`.
//!
//! The same arguments are written into the job's script as `#SBATCH` lines, where people look for them, and given to
//! `sbatch` on its command line, where they win over `SBATCH_*` variables in the environment (lines in a script do not).

use crate::id::Id;
use crate::identity::{Identity, Jobs};
use crate::options::{self, quote};
use crate::trouble::{self, Trouble};
use xqute_plugin::{Error, Job, Lookup, Output};

/// The `#SBATCH` lines of a job's script.
pub(crate) fn directives(job: &Job, run: &str) -> Result<Vec<String>, Error> {
    Ok(alone(job)
        .arguments(run)?
        .iter()
        .map(|argument| format!("#SBATCH {}", quote(argument)))
        .collect())
}

/// The arguments with which `sbatch` submits a job.
pub(crate) fn argv(job: &Job, run: &str) -> Result<Vec<String>, Error> {
    let mut argv = vec!["--parsable".to_owned()];
    argv.extend(alone(job).arguments(run)?);
    argv.push(job.script.spec.clone());
    Ok(argv)
}

/// The same for a job whose script its machine does not see: the arguments, and what `sbatch` reads instead.
pub(crate) fn carried(job: &Job, run: &str, carrier: &str) -> Result<(Vec<String>, String), Error> {
    let request = Request {
        output: NOWHERE.to_owned(),
        ..alone(job)
    };
    let mut argv = vec!["--parsable".to_owned()];
    argv.extend(request.arguments(run)?);
    let script = format!(
        "#!/bin/bash\nexec {carrier} {}\n",
        xqute_plugin::quote(&job.script.mounted)
    );
    Ok((argv, script))
}

/// Where Slurm's own words about jobs go whose directories their machines do not see.
pub(crate) const NOWHERE: &str = "/dev/null";

/// What became of a submission.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Slurm took the job and calls it this.
    Accepted(Id),
    /// Slurm did not take it.
    Declined(Error),
    /// Nobody knows: look for the job before it is submitted once more.
    InDoubt(Error),
}

/// Reads what `sbatch --parsable` answered: `ID` or `ID;CLUSTER`.
pub(crate) fn answer(output: &Output) -> Answer {
    match trouble::of(output) {
        Some(Trouble::Unreachable(said)) => Answer::Declined(unavailable(&said)),
        Some(Trouble::InDoubt(said)) => Answer::InDoubt(unavailable(&said)),
        Some(Trouble::Busy) => Answer::Declined(Error::RateLimited(None)),
        Some(Trouble::Usage(said)) => {
            Answer::Declined(Error::InvalidOptions(format!("sbatch refused its options: {said}")))
        }
        Some(Trouble::Refusal(said)) => Answer::Declined(Error::Rejected(format!("sbatch refused the job: {said}"))),
        None => {
            let stdout = output.stdout_text();
            let printed = stdout.trim();
            let id = printed
                .lines()
                .last()
                .and_then(|line| line.split(';').next())
                .unwrap_or_default();
            match Id::read(id) {
                Some(id @ Id { task: None, .. }) => Answer::Accepted(id),
                _ => Answer::InDoubt(Error::Other(format!(
                    "sbatch succeeded but printed {printed:?} instead of a job id"
                ))),
            }
        }
    }
}

fn unavailable(said: &str) -> Error {
    Error::Unavailable(format!("Slurm cannot be reached: {said}"))
}

/// What `sbatch` is told about a job, or about several that are the same in all this.
pub(crate) struct Request<'a> {
    pub(crate) name: &'a str,
    pub(crate) jobs: Jobs,
    /// Where Slurm writes what it has to say itself: the script of a job sends all output elsewhere.
    pub(crate) output: String,
    /// The job, or one of them.
    pub(crate) job: &'a Job,
}

fn alone(job: &Job) -> Request<'_> {
    Request {
        name: &job.name,
        jobs: Jobs::One(job.index),
        output: file_name(&format!("{}/job.slurm", job.dir.mounted)),
        job,
    }
}

impl Request<'_> {
    /// What xqute needs first, then what the user wants.
    pub(crate) fn arguments(&self, run: &str) -> Result<Vec<String>, Error> {
        let job = self.job;
        let identity = Identity {
            run,
            jobs: self.jobs,
            attempt: job.attempt,
        };
        let mut arguments = vec![
            format!("--job-name={}", job_name(self.name, job.index)),
            format!("--comment={}", identity.comment(job.options.value("comment"))),
            format!("--output={}", self.output),
            "--open-mode=truncate".to_owned(),
        ];
        // The script goes there by itself. A relative path would count twice.
        if let Some(cwd) = job.cwd.as_ref().filter(|cwd| cwd.mounted.starts_with('/')) {
            arguments.push(format!("--chdir={}", cwd.mounted));
        }
        arguments.extend(options::arguments(&job.options)?);
        match arguments.iter().find(|argument| argument.chars().any(char::is_control)) {
            None => Ok(arguments),
            Some(bad) => Err(Error::Rejected(format!(
                "sbatch cannot be given {bad:?}: it has a control character"
            ))),
        }
    }
}

/// The job's name in letters that no tool stumbles over.
fn job_name(name: &str, index: u32) -> String {
    const LONGEST: usize = 128;
    let tame = |c: char| {
        if c.is_control() || c.is_whitespace() || "\"'\\".contains(c) {
            '_'
        } else {
            c
        }
    };
    let name: String = name.chars().take(LONGEST).map(tame).collect();
    if name.is_empty() {
        format!("xqute.{index}")
    } else {
        name
    }
}

/// A file name in which Slurm replaces nothing. Tried with 22.05: `\%` is a percent sign, `\\` a backslash.
fn file_name(path: &str) -> String {
    path.replace('\\', "\\\\").replace('%', "\\%")
}

#[cfg(test)]
mod tests {
    use super::*;
    use xqute_plugin::Exit;
    use xqute_plugin::testing::{job, path};

    const RUN: &str = "5f0c2a9be1d40713";

    fn id(text: &str) -> Id {
        Id::read(text).unwrap()
    }

    fn answered(code: i32, stdout: &str, stderr: &str) -> Answer {
        answer(&Output {
            exit: Exit::Code(code),
            stdout: stdout.into(),
            stderr: stderr.into(),
        })
    }

    #[test]
    fn a_job_becomes_a_command_line() {
        let mut job = job(3, "true");
        job.cwd = Some(path("/data/my project"));
        job.options = vec![
            ("partition".to_owned(), "short".to_owned()),
            ("comment".to_owned(), "project 12".to_owned()),
        ];
        let expected = [
            "--parsable",
            "--job-name=xqute.3",
            "--comment=project 12 xqute:5f0c2a9be1d40713:3:1",
            "--output=/data/.xqute/3/job.slurm",
            "--open-mode=truncate",
            "--chdir=/data/my project",
            "--partition=short",
            "/data/.xqute/3/job.wrapped.local",
        ];
        assert_eq!(argv(&job, RUN).unwrap(), expected);
    }

    #[test]
    fn its_script_says_the_same() {
        let mut job = job(3, "true");
        job.cwd = Some(path("/data/my project"));
        job.options = vec![("exclusive".to_owned(), "true".to_owned())];
        let expected = [
            "#SBATCH --job-name=xqute.3",
            "#SBATCH --comment=xqute:5f0c2a9be1d40713:3:1",
            "#SBATCH --output=/data/.xqute/3/job.slurm",
            "#SBATCH --open-mode=truncate",
            "#SBATCH --chdir=\"/data/my project\"",
            "#SBATCH --exclusive",
        ];
        assert_eq!(directives(&job, RUN).unwrap(), expected);
    }

    #[test]
    fn the_job_sees_its_own_side_of_a_path_and_sbatch_the_hosts() {
        let mut job = job(0, "true");
        job.dir.mounted = "/mnt/run/0".to_owned();
        job.script.mounted = "/mnt/run/0/job.wrapped.slurm".to_owned();
        let argv = argv(&job, RUN).unwrap();
        assert!(argv.contains(&"--output=/mnt/run/0/job.slurm".to_owned()), "{argv:?}");
        assert_eq!(argv.last().unwrap(), "/data/.xqute/0/job.wrapped.local");
    }

    #[test]
    fn names_are_tamed() {
        assert_eq!(job_name("my \"job\"\n#1/α", 4), "my__job__#1/α");
        assert_eq!(job_name("", 4), "xqute.4");
        assert_eq!(file_name(r"/a/100%/b\c/%j"), r"/a/100\%/b\\c/\%j");
    }

    #[test]
    fn a_relative_folder_is_left_to_the_script() {
        let mut job = job(4, "true");
        job.cwd = Some(path("data"));
        let argv = argv(&job, RUN).unwrap();
        assert!(!argv.iter().any(|argument| argument.starts_with("--chdir")), "{argv:?}");
    }

    #[test]
    fn a_path_with_a_newline_is_refused() {
        let mut job = job(4, "true");
        job.cwd = Some(path("/a\nb"));
        assert!(matches!(argv(&job, RUN), Err(Error::Rejected(_))));
    }

    #[test]
    fn an_id_is_read_from_what_sbatch_prints() {
        assert_eq!(
            answered(0, include_str!("../fixtures/submit-accepted.stdout"), ""),
            Answer::Accepted(id("62"))
        );
        assert_eq!(answered(0, "17;north\n", ""), Answer::Accepted(id("17")));
        assert!(matches!(
            answered(0, "Submitted\n", ""),
            Answer::InDoubt(Error::Other(_))
        ));
        assert!(matches!(answered(0, "", ""), Answer::InDoubt(Error::Other(_))));
    }

    #[test]
    fn an_answer_decides_whether_the_host_asks_again() {
        let declined = |code, stderr| match answered(code, "", stderr) {
            Answer::Declined(error) => error,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            declined(1, include_str!("../fixtures/submit-controller-down.stderr")),
            Error::Unavailable(
                "Slurm cannot be reached: Unable to contact slurm controller (connect failure)".to_owned()
            )
        );
        assert_eq!(
            declined(1, include_str!("../fixtures/submit-too-much-memory.stderr")),
            Error::Rejected(
                "sbatch refused the job: Memory specification can not be satisfied; Requested node configuration is not \
                 available"
                    .to_owned()
            )
        );
        assert_eq!(
            declined(255, include_str!("../fixtures/submit-bad-directive.stderr")),
            Error::InvalidOptions("sbatch refused its options: Invalid directive found in batch script: b".to_owned())
        );
        assert_eq!(
            declined(1, "sbatch: error: AssocMaxSubmitJobLimit\n"),
            Error::RateLimited(None)
        );
        let timed_out = "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation";
        assert!(matches!(
            answered(1, "", timed_out),
            Answer::InDoubt(Error::Unavailable(_))
        ));
    }
}
