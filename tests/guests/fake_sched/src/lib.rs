//! A scheduler that runs nothing: it says of each job what the job's options want. The smallest one there is.

use xqute_plugin::prelude::*;

/// Answers as it is told.
pub struct FakeSched;

#[export]
impl Plugin for FakeSched {
    fn about(about: About) -> About {
        let help = "what to say of a job, time after time, such as `running,running,3`: running, succeeded, cancelled, \
            lost, unknown, an exit code; or refused, which refuses it";
        about.option_or("answer", "succeeded", help)
    }
}

#[export]
impl Scheduler for FakeSched {
    fn wrap(jobs: &[Job]) -> Vec<Result<Wrapping, Error>> {
        let wrap = |job: &Job| Ok(Wrapping::with([format!("#FAKE --name={}", job.name)]));
        jobs.iter().map(wrap).collect()
    }

    fn submit(jobs: &[Job]) -> Vec<Result<String, Error>> {
        jobs.iter().map(submit).collect()
    }

    fn poll(jobs: &[JobRef]) -> Result<Vec<Observation>, Error> {
        jobs.iter().map(|job| observe(&job.backend_id)).collect()
    }

    fn cancel(jobs: &[JobRef]) -> Vec<Result<(), Error>> {
        jobs.iter().map(|job| kv::set(&job.backend_id, "cancelled")).collect()
    }

    fn find(run_tag: &str) -> Result<Vec<JobRef>, Error> {
        let ids = kv::keys(&format!("{run_tag}."));
        Ok(ids.iter().filter_map(|id| job_ref(id)).collect())
    }
}

fn submit(job: &Job) -> Result<String, Error> {
    let answers = job.options.value("answer").unwrap_or("succeeded");
    if answers == "refused" {
        return Err(Error::Rejected("refused, as the option `answer` wants it".to_owned()));
    }
    let id = format!("{}.{}.{}", run::info().tag, job.index, job.attempt);
    kv::set(&id, answers).map(|()| id)
}

fn observe(id: &str) -> Result<Observation, Error> {
    let answers = kv::text(id).unwrap_or_default();
    let (now, later) = answers.split_once(',').unwrap_or((&answers, &answers));
    kv::set(id, later)?;
    Ok(match now {
        "running" => Observation::Running,
        "succeeded" => Observation::Succeeded,
        "cancelled" => Observation::Cancelled,
        "lost" => Observation::Failed(FailureCause::Lost),
        code => match code.parse() {
            Ok(code) => Observation::Failed(FailureCause::ExitCode(code)),
            Err(_) => Observation::Unknown,
        },
    })
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

    fn submitted(answers: &str) -> Result<JobRef, Error> {
        let job = Job {
            options: vec![("answer".to_owned(), answers.to_owned())],
            ..job(3, "true")
        };
        FakeSched::submit(&[job]).remove(0).map(|id| job_ref(&id).unwrap())
    }

    #[test]
    fn a_job_runs_for_a_while_and_ends_as_told() {
        Host::new();
        let jobs = [submitted("running,7").unwrap()];
        assert_eq!(FakeSched::find(&run::info().tag).unwrap(), jobs);
        let failed = Observation::Failed(FailureCause::ExitCode(7));
        for answer in [Observation::Running, failed.clone(), failed] {
            assert_eq!(FakeSched::poll(&jobs).unwrap(), [answer]);
        }
    }

    #[test]
    fn a_cancelled_job_is_cancelled() {
        Host::new();
        let jobs = [submitted("running").unwrap()];
        assert_eq!(FakeSched::cancel(&jobs), [Ok(())]);
        assert_eq!(FakeSched::poll(&jobs).unwrap(), [Observation::Cancelled]);
    }

    #[test]
    fn a_job_can_be_refused() {
        Host::new();
        assert!(matches!(submitted("refused"), Err(Error::Rejected(_))));
    }
}
