//! What all parts of a run know about it, and how a job's request and the run's settings become one attempt.

use std::{sync::Arc, time::Duration};

use camino::{Utf8Path, Utf8PathBuf};

use super::{
    access::Access,
    job::{Attempt, Command, JobIndex, JobSpec},
    options::Options,
    path::SpecPath,
    settings::Settings,
};

/// One use of xqute over one workdir. Immutable while the run lasts.
#[derive(Clone, Debug)]
pub struct Run {
    /// Identifies the run among all others: 16 hexadecimal digits.
    pub tag: String,
    /// The run's directory, absolute.
    pub workdir: SpecPath,
    /// Where the host keeps its files: the same, unless that is in a store.
    pub home: Utf8PathBuf,
    /// How jobs come to it.
    pub access: Access,
    /// The scheduler's name.
    pub scheduler: String,
    /// How the run is to behave.
    pub settings: Settings,
}

/// Environment variables that tell a job what it is.
pub mod variable {
    /// The run's tag.
    pub const RUN_TAG: &str = "XQUTE_RUN_TAG";
    /// The job's index.
    pub const JOB_INDEX: &str = "XQUTE_JOB_INDEX";
    /// The number of the attempt, from 1.
    pub const JOB_ATTEMPT: &str = "XQUTE_JOB_ATTEMPT";
    /// The run's directory.
    pub const WORKDIR: &str = "XQUTE_METADIR";
    /// The job directory.
    pub const JOB_DIR: &str = "XQUTE_JOB_METADIR";
}

impl Run {
    /// What tells a job what it is. A job cannot give itself other values of these.
    pub fn variables(&self, attempt: &JobAttempt) -> [(&'static str, String); 5] {
        [
            (variable::JOB_INDEX, attempt.job.to_string()),
            (variable::WORKDIR, self.workdir.mounted().to_string()),
            (variable::JOB_DIR, attempt.dir.mounted().to_string()),
            (variable::RUN_TAG, self.tag.clone()),
            (variable::JOB_ATTEMPT, attempt.attempt.to_string()),
        ]
    }

    /// Puts together what one attempt of a job needs, from the job's own request and the run's settings.
    pub fn attempt(&self, job: JobIndex, attempt: Attempt, spec: Arc<JobSpec>) -> JobAttempt {
        let settings = &self.settings;
        let extras = spec.extras();
        let index = job.to_string();
        let dir = self.workdir.below(&index);
        let prefix = settings.jobname_prefix.as_deref().unwrap_or(&self.scheduler);
        JobAttempt {
            job,
            attempt,
            name: extras.name.clone().unwrap_or_else(|| format!("{prefix}-{job}")),
            script: dir.below(&format!("job.wrapped.{}", self.scheduler)),
            dir,
            home: self.home.join(index),
            cwd: extras.cwd.clone().or_else(|| settings.cwd.clone()),
            timeout: self.timeout(&spec),
            env: settings.env.iter().chain(&extras.env).cloned().collect(),
            options: settings.options.overridden_by(&extras.options),
            spec,
        }
    }

    /// How long an attempt of this job may run.
    pub fn timeout(&self, spec: &JobSpec) -> Option<Duration> {
        spec.extras().timeout.or(self.settings.timeout)
    }
}

/// One try of a job, with everything that a scheduler or a plugin may want to know about it.
#[derive(Clone, Debug)]
pub struct JobAttempt {
    /// Which job.
    pub job: JobIndex,
    /// Which try of it.
    pub attempt: Attempt,
    /// The name that a backend should show.
    pub name: String,
    /// The job directory.
    pub dir: SpecPath,
    /// Where the host keeps its files of it.
    pub home: Utf8PathBuf,
    /// The job's script, inside the job directory.
    pub script: SpecPath,
    /// Where the job starts; the scheduler's own default if nobody said.
    pub cwd: Option<Utf8PathBuf>,
    /// How long the attempt may run.
    pub timeout: Option<Duration>,
    /// The run's environment variables, then the job's own.
    pub env: Vec<(String, String)>,
    /// The run's scheduler options, overridden by the job's own.
    pub options: Options,
    /// The request itself.
    pub spec: Arc<JobSpec>,
}

impl JobAttempt {
    /// What to execute.
    pub fn command(&self) -> &Command {
        &self.spec.command
    }

    /// The job's script as the host has it.
    pub fn script_at_home(&self) -> Utf8PathBuf {
        self.home.join(self.script_name())
    }

    /// What the job's script is called.
    pub fn script_name(&self) -> &str {
        self.script.file_name().unwrap_or("job.wrapped")
    }

    /// Where the job starts, if anybody said.
    pub fn cwd(&self) -> Option<&Utf8Path> {
        self.cwd.as_deref()
    }
}

/// An attempt that a scheduler took, and the opaque id by which its backend knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRef {
    /// Which job.
    pub job: JobIndex,
    /// Which try of it.
    pub attempt: Attempt,
    /// What the backend calls it.
    pub id: BackendJobId,
}

/// The opaque id by which a backend knows an attempt.
pub type BackendJobId = Arc<str>;
