//! Runs on schedulers that execute nothing.

use std::sync::Arc;

use async_trait::async_trait;
use camino::Utf8Path;

use crate::{
    Xqute,
    model::{
        options::Options,
        outcome::{FailureCause, Observation, Outcome},
        record::Usage,
        run::{BackendJobId, JobAttempt, JobRef},
    },
    ports::scheduler::{CallError, Cancel, Preparation, Scheduler, Watching, Wrapping},
};

/// Every job has ended as soon as it was submitted; those with an odd index fail.
struct Idle(Preparation);

#[async_trait]
impl Scheduler for Idle {
    fn name(&self) -> &'static str {
        "idle"
    }

    fn watching(&self) -> Watching {
        Watching::Wait
    }

    fn preparation(&self) -> Preparation {
        self.0
    }

    fn check_options(&self, _options: &Options) -> Result<(), CallError> {
        Ok(())
    }

    async fn wrap(&self, jobs: &[JobAttempt]) -> Vec<Result<Wrapping, CallError>> {
        jobs.iter().map(|_| Ok(Wrapping::default())).collect()
    }

    async fn submit(&self, jobs: &[JobAttempt]) -> Vec<Result<BackendJobId, CallError>> {
        jobs.iter().map(|job| Ok(job.job.to_string().into())).collect()
    }

    async fn poll(&self, jobs: &[JobRef]) -> Result<Vec<Observation>, CallError> {
        Ok(vec![Observation::Unknown; jobs.len()])
    }

    async fn wait(&self, job: &JobRef) -> (Observation, Option<Usage>) {
        let outcome = match job.job.0 % 2 {
            0 => Outcome::Succeeded,
            _ => Outcome::Failed(FailureCause::ExitCode(3)),
        };
        (Observation::Ended(outcome), None)
    }

    async fn find(&self) -> Result<Vec<JobRef>, CallError> {
        Ok(Vec::new())
    }

    async fn cancel(&self, jobs: &[JobRef], _how: Cancel) -> Vec<Result<(), CallError>> {
        jobs.iter().map(|_| Ok(())).collect()
    }
}

/// What two jobs leave in a workdir, each file with its content.
async fn left_by(preparation: Preparation) -> Vec<(String, String)> {
    let temp = tempfile::tempdir().unwrap();
    let place = Utf8Path::from_path(temp.path()).unwrap();
    let builder = Xqute::builder()
        .own_scheduler(Arc::new(Idle(preparation)))
        .workdir(place);
    let run = builder.jobs(vec!["true".into(), "true".into()]).build().await.unwrap();
    let counts = run.run_until_complete().await.counts;
    assert_eq!((counts.succeeded, counts.failed), (1, 1));
    let mut files = Vec::new();
    for job in ["0", "1"] {
        for entry in place.join(job).read_dir_utf8().into_iter().flatten() {
            let path = entry.unwrap().into_path();
            let name = path.strip_prefix(place).unwrap().to_string();
            files.push((name, std::fs::read_to_string(path).unwrap()));
        }
    }
    files.sort();
    files
}

#[tokio::test]
async fn a_scheduler_that_wants_nothing_costs_nothing() {
    assert_eq!(left_by(Preparation::Nothing).await, []);
}

#[tokio::test]
async fn a_scheduler_that_wants_a_directory_gets_no_script() {
    let files = left_by(Preparation::Directory).await;
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let of = |job| files.iter().filter(move |(name, _)| name.starts_with(job));
    assert!(of("0").eq(&[("0/job.jid", "0\n"), ("0/job.rc", "0\n"), ("0/job.status", "6\n")]));
    assert!(of("1").eq(&[("1/job.jid", "1\n"), ("1/job.rc", "3\n"), ("1/job.status", "7\n")]));
}

mod journals;
