//! A scheduler that runs nothing: it says of each job what the job's options want.

use xqute_plugin::{Path, mounts::Mount, prelude::*};

/// Answers as it is told.
pub struct FakeSched;

#[export]
impl Plugin for FakeSched {
    fn about(about: About) -> About {
        let help = "what to say of a job, time after time, such as `running,running,3`: running, succeeded, cancelled, \
            lost, unknown, an exit code; or refused, which refuses it";
        about.option_or("answer", "succeeded", help).list_option(
            "mount",
            "a mount; what becomes of all of them is told in the log, and mounted nowhere",
        )
    }
}

#[export]
impl Scheduler for FakeSched {
    fn open(options: &[(String, String)], run: &RunInfo) -> Result<(), Error> {
        let texts: Vec<String> = options.values("mount").map(str::to_owned).collect();
        if texts.is_empty() {
            return Ok(());
        }
        tell_mounts(&texts, &run.workdir)
    }

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

/// Says what is mounted where, which of it are files being told by their names, and where jobs would see the run.
fn tell_mounts(texts: &[String], workdir: &Path) -> Result<(), Error> {
    let mut files = mounts::sources(texts)?;
    files.retain(|source| source.ends_with(".txt"));
    let run = Mount {
        source: workdir.spec.clone(),
        target: "/run/xqute".to_owned(),
        read_only: false,
    };
    let mounted = mounts::read(texts, &[run], "/named", &files)?;
    for Mount {
        source,
        target,
        read_only,
    } in &mounted.mounts
    {
        log::info!("{source} is at {target}{}", if *read_only { ", read-only" } else { "" });
    }
    for (name, place) in &mounted.variables {
        log::info!("{name}={place}");
    }
    let seen = mounts::seen(&mounted.mounts, &format!("{}/0", workdir.spec))?;
    let seen = seen.map(|path| path.mounted).unwrap_or_default();
    let meant = mounts::meant(&mounted.mounts, &seen)?;
    log::info!("{} is seen as {seen}", meant.map(|path| path.spec).unwrap_or_default());
    Ok(())
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
    use xqute_plugin::testing::{Host, job, mount};

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
    fn what_is_mounted_is_told() {
        let host = Host::new();
        let mounted = mounts::Mounted {
            mounts: vec![mount("/ref", "/named/NAMED_MOUNTS/REF/ref")],
            variables: vec![("REF".to_owned(), "/named/NAMED_MOUNTS/REF/ref/a.txt".to_owned())],
        };
        host.on_mount("REF=/ref/a.txt", "/ref/a.txt", mounted);
        host.add_place(Path {
            spec: "/data/.xqute/0".to_owned(),
            mounted: "/run/xqute/0".to_owned(),
        });
        let option = |text: &str| [("mount".to_owned(), text.to_owned())];
        FakeSched::open(&option("REF=/ref/a.txt"), &run::info()).unwrap();
        assert_eq!(
            host.log_text(),
            "/ref is at /named/NAMED_MOUNTS/REF/ref\n/data/.xqute is at /run/xqute\nREF=/named/NAMED_MOUNTS/REF/ref/a.txt\n\
             /data/.xqute/0 is seen as /run/xqute/0\n"
        );
        assert!(FakeSched::open(&option("/ref"), &run::info()).is_err());
    }

    #[test]
    fn a_job_can_be_refused() {
        Host::new();
        assert!(matches!(submitted("refused"), Err(Error::Rejected(_))));
    }
}
