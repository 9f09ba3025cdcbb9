//! The native scheduler with real processes.

use camino::Utf8Path;

use super::*;
use crate::model::{job::JobSpec, path::SpecPath, run::Run, settings::Settings};

struct Bench {
    dir: tempfile::TempDir,
    run: Run,
}

fn bench() -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let run = Run {
        tag: "0".repeat(16),
        workdir: SpecPath::same(Utf8Path::from_path(dir.path()).unwrap()),
        scheduler: NAME.to_owned(),
        settings: Settings::default(),
    };
    Bench { dir, run }
}

impl Bench {
    fn job(&self, index: u32, script: &str) -> JobAttempt {
        let attempt = self
            .run
            .attempt(JobIndex(index), Attempt::FIRST, Arc::new(JobSpec::from("true")));
        std::fs::create_dir(attempt.dir.spec()).unwrap();
        std::fs::write(attempt.script.spec(), script).unwrap();
        attempt
    }
}

fn scheduler(grace: Duration) -> LocalScheduler {
    LocalScheduler::new(vec!["/bin/bash".to_owned()], grace, None)
}

async fn submit(scheduler: &LocalScheduler, jobs: &[JobAttempt]) -> Vec<JobRef> {
    let ids = scheduler.submit(jobs).await;
    let refs = jobs.iter().zip(ids).map(|(job, id)| JobRef {
        job: job.job,
        attempt: job.attempt,
        id: id.unwrap(),
    });
    refs.collect()
}

/// Waits until a job has made this file.
async fn has_started(bench: &Bench, mark: &str) {
    while !bench.dir.path().join(mark).exists() {
        tokio::task::yield_now().await;
    }
}

fn ended(outcome: Outcome) -> Observation {
    Observation::Ended(outcome)
}

#[tokio::test]
async fn ends_are_observed() {
    let (bench, scheduler) = (bench(), scheduler(Duration::MAX));
    let jobs = [
        bench.job(0, "exit 0"),
        bench.job(1, "exit 3"),
        bench.job(2, "kill -9 $$"),
    ];
    let refs = submit(&scheduler, &jobs).await;
    assert_eq!(scheduler.wait(&refs[0]).await.0, ended(Outcome::Succeeded));
    assert_eq!(
        scheduler.wait(&refs[1]).await.0,
        ended(Outcome::Failed(FailureCause::ExitCode(3)))
    );
    assert_eq!(
        scheduler.wait(&refs[2]).await.0,
        ended(Outcome::Failed(FailureCause::Signal(9)))
    );
    assert_eq!(scheduler.wait(&refs[0]).await.0, Observation::Unknown);
    assert_eq!(scheduler.cancel(&refs, Cancel::AtOnce).await, [Ok(()), Ok(()), Ok(())]);
}

#[tokio::test]
async fn what_was_submitted_is_not_started_twice() {
    let (bench, scheduler) = (bench(), scheduler(Duration::MAX));
    let jobs = [bench.job(0, "sleep 1000")];
    let refs = submit(&scheduler, &jobs).await;
    assert_eq!(submit(&scheduler, &jobs).await, refs);
    assert_eq!(scheduler.poll(&refs).await.unwrap(), [Observation::Running]);
    scheduler.cancel(&refs, Cancel::AtOnce).await;
    assert_eq!(
        scheduler.wait(&refs[0]).await.0,
        ended(Outcome::Failed(FailureCause::Signal(9)))
    );
}

#[tokio::test]
async fn a_job_may_end_in_good_order() {
    let (bench, scheduler) = (bench(), scheduler(Duration::MAX));
    let mark = bench.dir.path().join("mark");
    let script = format!("trap 'exit 143' TERM; : >{}; sleep 1000", mark.display());
    let refs = submit(&scheduler, &[bench.job(0, &script)]).await;
    has_started(&bench, "mark").await;
    scheduler.cancel(&refs, Cancel::Gracefully).await;
    assert_eq!(
        scheduler.wait(&refs[0]).await.0,
        ended(Outcome::Failed(FailureCause::ExitCode(143)))
    );
}

#[tokio::test]
async fn a_job_that_does_not_listen_is_killed() {
    let (bench, scheduler) = (bench(), scheduler(Duration::from_millis(1)));
    let mark = bench.dir.path().join("mark");
    let script = format!("trap '' TERM; : >{}; sleep 1000", mark.display());
    let refs = submit(&scheduler, &[bench.job(0, &script)]).await;
    has_started(&bench, "mark").await;
    scheduler.cancel(&refs, Cancel::Gracefully).await;
    assert_eq!(
        scheduler.wait(&refs[0]).await.0,
        ended(Outcome::Failed(FailureCause::Signal(9)))
    );
}

#[tokio::test]
async fn nothing_is_left_when_it_is_dropped() {
    let (bench, scheduler) = (bench(), scheduler(Duration::MAX));
    let jobs = [bench.job(0, "sleep 1000"), bench.job(1, "sleep 1000 & wait")];
    let refs = submit(&scheduler, &jobs).await;
    scheduler.cancel(&refs[..1], Cancel::AtOnce).await;
    drop(scheduler);
    for job in refs {
        let group = rustix::process::Pid::from_raw(job.id.parse().unwrap()).unwrap();
        while rustix::process::test_kill_process_group(group).is_ok() {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn what_cannot_start_is_an_error_of_the_call() {
    let bench = bench();
    let scheduler = LocalScheduler::new(vec!["/no/such/bash".to_owned()], Duration::MAX, None);
    let error = scheduler.submit(&[bench.job(0, "")]).await.remove(0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot start /no/such/bash: No such file or directory (os error 2)"
    );
}

#[test]
fn options_are_refused_by_name() {
    assert_eq!(check_options(&Options::new()), Ok(()));
    let options: Options = [("partition", "short"), ("time", "5")].into_iter().collect();
    assert_eq!(
        check_options(&options).unwrap_err().to_string(),
        "invalid options: the scheduler local takes no options, but got `partition`, `time`"
    );
}
