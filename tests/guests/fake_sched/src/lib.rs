//! A scheduler that runs nothing: each job ends as its options say. It shows how small a scheduler can be, and lets tests
//! see what the host makes of every answer.

use xqute_plugin::prelude::*;

/// Answers as it is told.
pub struct FakeSched;

#[export]
impl Plugin for FakeSched {
    fn about(about: About) -> About {
        about
            .option_or(
                "answer",
                "succeeded",
                "how a job ends: succeeded, cancelled, lost, unknown, refused, or an exit code",
            )
            .option_or("polls", "0", "how often a job is said to run before it ends")
    }
}

#[export]
impl Scheduler for FakeSched {
    fn open(options: &[(String, String)], _run: &RunInfo) -> Result<(), Error> {
        options.parsed::<u32>("polls").map(|_| ())
    }

    fn wrap(jobs: &[Job]) -> Vec<Result<Wrapping, Error>> {
        let directive = |job: &Job| format!("#FAKE --name={}", job.name);
        jobs.iter()
            .map(|job| {
                Ok(Wrapping {
                    shebang: None,
                    directives: vec![directive(job)],
                })
            })
            .collect()
    }

    fn submit(jobs: &[Job]) -> Vec<Result<String, Error>> {
        let tag = run::info().tag;
        let submit_one = |job: &Job| match job.options.value("answer").unwrap_or("succeeded") {
            "refused" => Err(Error::Rejected("refused, as the option `answer` wants it".to_owned())),
            answer => {
                let polls = job.options.value("polls").unwrap_or("0");
                let id = format!("{}.{}/{answer}", job.index, job.attempt);
                kv::set(&format!("{tag}/{id}"), polls).map(|()| id)
            }
        };
        jobs.iter().map(submit_one).collect()
    }

    fn poll(jobs: &[JobRef]) -> Result<Vec<Observation>, Error> {
        let tag = run::info().tag;
        jobs.iter()
            .map(|job| observe(&format!("{tag}/{}", job.backend_id)))
            .collect()
    }

    fn cancel(jobs: &[JobRef]) -> Vec<Result<(), Error>> {
        let tag = run::info().tag;
        jobs.iter()
            .map(|job| kv::set(&format!("{tag}/{}", job.backend_id), "cancelled"))
            .collect()
    }

    fn find(run_tag: &str) -> Result<Vec<JobRef>, Error> {
        let known = kv::keys(&format!("{run_tag}/"));
        Ok(known
            .iter()
            .filter_map(|key| job_ref(key.strip_prefix(run_tag)?.strip_prefix('/')?))
            .collect())
    }
}

/// What is to be said of the job behind this key.
fn observe(key: &str) -> Result<Observation, Error> {
    if kv::text(key).as_deref() == Some("cancelled") {
        return Ok(Observation::Cancelled);
    }
    if kv::number(key) > 0 {
        return kv::add(key, -1).map(|_| Observation::Running);
    }
    Ok(match key.rsplit('/').next().unwrap_or_default() {
        "succeeded" => Observation::Succeeded,
        "cancelled" => Observation::Cancelled,
        "lost" => Observation::Failed(FailureCause::Lost),
        code => code.parse().map_or(Observation::Unknown, |code| {
            Observation::Failed(FailureCause::ExitCode(code))
        }),
    })
}

/// The attempt behind an id like `3.1/succeeded`.
fn job_ref(id: &str) -> Option<JobRef> {
    let (index, attempt) = id.split('/').next()?.split_once('.')?;
    Some(JobRef {
        index: index.parse().ok()?,
        attempt: attempt.parse().ok()?,
        backend_id: id.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use xqute_plugin::testing::{Host, job};

    use super::*;

    fn submitted(options: &[(&str, &str)]) -> JobRef {
        let options = options
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        let id = FakeSched::submit(&[xqute_plugin::Job {
            options,
            ..job(3, "true")
        }])
        .remove(0)
        .unwrap();
        job_ref(&id).unwrap()
    }

    #[test]
    fn a_job_runs_for_a_while_and_ends_as_told() {
        Host::new();
        let jobs = [submitted(&[("answer", "7"), ("polls", "1")])];
        assert_eq!(FakeSched::find(&run::info().tag).unwrap(), jobs);
        assert_eq!(FakeSched::poll(&jobs).unwrap(), [Observation::Running]);
        assert_eq!(
            FakeSched::poll(&jobs).unwrap(),
            [Observation::Failed(FailureCause::ExitCode(7))]
        );
    }

    #[test]
    fn a_cancelled_job_is_cancelled() {
        Host::new();
        let jobs = [submitted(&[("polls", "9")])];
        assert_eq!(FakeSched::cancel(&jobs), [Ok(())]);
        assert_eq!(FakeSched::poll(&jobs).unwrap(), [Observation::Cancelled]);
    }
}
