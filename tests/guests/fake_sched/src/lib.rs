//! A scheduler that runs nothing: each job ends as its options say. It shows how small a scheduler can be, and lets tests
//! see what the host makes of every answer.

use xqute_plugin::prelude::*;

/// Answers as it is told.
pub struct FakeSched;

#[export]
impl Plugin for FakeSched {
    fn about(about: About) -> About {
        about.option(
            "answer",
            "succeeded (unless said otherwise), refused, running, or an exit code",
        )
    }
}

#[export]
impl Scheduler for FakeSched {
    fn wrap(jobs: &[Job]) -> Vec<Result<Wrapping, Error>> {
        jobs.iter()
            .map(|job| Ok(Wrapping::with([format!("#FAKE --name={}", job.name)])))
            .collect()
    }

    fn submit(jobs: &[Job]) -> Vec<Result<String, Error>> {
        jobs.iter().map(submit).collect()
    }

    fn poll(jobs: &[JobRef]) -> Result<Vec<Observation>, Error> {
        Ok(jobs.iter().map(|job| observe(&job.backend_id)).collect())
    }

    fn cancel(jobs: &[JobRef]) -> Vec<Result<(), Error>> {
        jobs.iter().map(|job| kv::set(&job.backend_id, "cancelled")).collect()
    }

    fn find(run_tag: &str) -> Result<Vec<JobRef>, Error> {
        let known = kv::keys(&format!("{run_tag}."));
        Ok(known.iter().filter_map(|id| job_ref(id)).collect())
    }
}

fn submit(job: &Job) -> Result<String, Error> {
    let answer = job.options.value("answer").unwrap_or("succeeded");
    if answer == "refused" {
        return Err(Error::Rejected("the option `answer` wants it so".to_owned()));
    }
    let id = format!("{}.{}.{}", run::info().tag, job.index, job.attempt);
    kv::set(&id, answer).map(|()| id)
}

fn observe(id: &str) -> Observation {
    match kv::text(id).as_deref() {
        None => Observation::Unknown,
        Some("succeeded") => Observation::Succeeded,
        Some("cancelled") => Observation::Cancelled,
        Some(code) => code.parse().map_or(Observation::Running, exit_code),
    }
}

fn exit_code(code: i32) -> Observation {
    Observation::Failed(FailureCause::ExitCode(code))
}

/// The attempt behind an id like `0123456789abcdef.3.1`.
fn job_ref(id: &str) -> Option<JobRef> {
    let (index, attempt) = id.split_once('.')?.1.split_once('.')?;
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

    fn submitted(answer: &str) -> [JobRef; 1] {
        let options = vec![("answer".to_owned(), answer.to_owned())];
        let id = FakeSched::submit(&[Job {
            options,
            ..job(3, "true")
        }])
        .remove(0)
        .unwrap();
        [job_ref(&id).unwrap()]
    }

    #[test]
    fn a_job_ends_as_told_and_can_be_found() {
        Host::new();
        let jobs = submitted("7");
        assert_eq!(FakeSched::find(&run::info().tag).unwrap(), jobs);
        assert_eq!(
            FakeSched::poll(&jobs).unwrap(),
            [Observation::Failed(FailureCause::ExitCode(7))]
        );
    }

    #[test]
    fn a_cancelled_job_is_cancelled() {
        Host::new();
        let jobs = submitted("running");
        assert_eq!(FakeSched::poll(&jobs).unwrap(), [Observation::Running]);
        assert_eq!(FakeSched::cancel(&jobs), [Ok(())]);
        assert_eq!(FakeSched::poll(&jobs).unwrap(), [Observation::Cancelled]);
    }

    #[test]
    fn a_job_can_be_refused() {
        Host::new();
        let options = vec![("answer".to_owned(), "refused".to_owned())];
        let answers = FakeSched::submit(&[Job {
            options,
            ..job(3, "true")
        }]);
        assert!(matches!(answers[..], [Err(Error::Rejected(_))]), "{answers:?}");
    }
}
