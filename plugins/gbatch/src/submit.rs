//! Attempts → jobs of Batch, each with a task for every attempt; and what `gcloud` answered → what became of them. Pure
//! functions.

use serde_json::Value;
use xqute_plugin::{Error, Job, Output};

use crate::gcloud::Place;
use crate::identity::{self, Member};
use crate::observe;
use crate::options::{Settings, bad};
use crate::runner::{self, Scripts};
use crate::trouble::{self, Trouble};

/// A job of Batch that is to be submitted.
#[derive(Debug, PartialEq)]
pub(crate) struct Request {
    pub(crate) name: String,
    pub(crate) members: Vec<Member>,
    /// The JSON that `gcloud` reads. It is taken for YAML first, which reads some characters in another way and takes
    /// longer; with a tab in front it cannot be YAML.
    pub(crate) text: String,
}

/// Attempts with the same settings.
struct Group<'a> {
    settings: Settings,
    scripts: Scripts,
    jobs: Vec<&'a Job>,
}

/// Makes as few jobs of Batch as possible; the attempts that can be in none come with the reason.
pub(crate) fn requests<'a>(jobs: &[&'a Job], place: &Place, run: &str) -> (Vec<Request>, Vec<(Member, Error)>) {
    let (mut groups, mut refused): (Vec<Group<'a>>, Vec<_>) = (Vec::new(), Vec::new());
    for job in jobs.iter().copied() {
        if let Err(error) = add(&mut groups, job, place) {
            refused.push((Member::of(job), error));
        }
    }
    let mut requests = Vec::new();
    for group in &groups {
        for jobs in group.jobs.chunks(group.settings.tasks_per_job.max(1)) {
            match group.request(jobs, run) {
                Ok(request) => requests.push(request),
                Err(error) => refused.extend(jobs.iter().map(|job| (Member::of(job), error.clone()))),
            }
        }
    }
    (requests, refused)
}

/// Puts an attempt into the group that it belongs to.
fn add<'a>(groups: &mut Vec<Group<'a>>, job: &'a Job, place: &Place) -> Result<(), Error> {
    identity::check_name(&job.name)?;
    let scripts = Scripts::of(job)?;
    let same = |group: &&mut Group<'_>| {
        let alike = group
            .jobs
            .first()
            .is_some_and(|first| first.options == job.options && first.cwd.is_some() == job.cwd.is_some());
        alike && group.scripts == scripts
    };
    if let Some(group) = groups.iter_mut().find(same) {
        group.jobs.push(job);
        return Ok(());
    }
    let settings = Settings::read(&job.options)?;
    if settings.place != *place {
        return Err(bad(
            "`location` and `project` are those of the run; one job cannot have others",
        ));
    }
    if settings.cwd.is_some() && job.cwd.is_some() {
        return Err(bad(
            "`volume-as-cwd` and --cwd (or `cwd` of a job) both say where the job starts: use one of them",
        ));
    }
    groups.push(Group {
        settings,
        scripts,
        jobs: vec![job],
    });
    Ok(())
}

impl Group<'_> {
    fn request(&self, jobs: &[&Job], run: &str) -> Result<Request, Error> {
        let members: Vec<Member> = jobs.iter().map(|job| Member::of(job)).collect();
        let Some(first) = jobs.first() else {
            return Err(Error::Other("there is nothing to submit".to_owned()));
        };
        let bash = runner::text(&self.settings, &self.scripts, &members);
        let job = self.settings.document.clone().finish(&bash, members.len(), run)?;
        Ok(Request {
            name: identity::job_name(first, run, &members)?,
            members,
            text: format!("\t{job}\n"),
        })
    }
}

/// What became of a submission.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Batch took it.
    Accepted,
    /// Batch has a job of this name, so it took it before: only the same attempts make the same name.
    Exists,
    /// Batch did not take it.
    Declined(Error),
    /// Nobody knows: look for it before it is submitted once more.
    InDoubt(Error),
}

/// Reads what `gcloud` answered to a submission.
pub(crate) fn answer(output: &Output) -> Answer {
    match trouble::of(output) {
        None => Answer::Accepted,
        Some(Trouble::Exists) => Answer::Exists,
        Some(trouble @ Trouble::Unreachable(_)) => Answer::InDoubt(trouble.of_question()),
        Some(trouble @ (Trouble::Busy | Trouble::NoAccount(_))) => Answer::Declined(trouble.of_question()),
        Some(Trouble::Missing(said) | Trouble::Refusal(said)) => {
            Answer::Declined(Error::Rejected(format!("Batch refused the job: {said}")))
        }
    }
}

/// What to do about a job that exists already.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// It is the one that was to be submitted.
    Adopt,
    /// It was cancelled: it has to go, before another of its name can come.
    Delete,
    /// It is about to go.
    Wait,
}

/// Looks at a job that exists already.
pub(crate) fn existing(job: Option<&observe::JobView>) -> Existing {
    match job.map(|job| job.state.as_str()) {
        Some("CANCELLED") => Existing::Delete,
        Some("CANCELLATION_IN_PROGRESS" | "DELETION_IN_PROGRESS") | None => Existing::Wait,
        Some(_) => Existing::Adopt,
    }
}

/// The members of a job, read from what Batch has of it.
pub(crate) fn members(job: &Value) -> Option<Vec<Member>> {
    let runnables = job.pointer("/taskGroups/0/taskSpec/runnables")?.as_array()?;
    let texts = runnables.iter().filter_map(|runnable| {
        let script = runnable.pointer("/script/text");
        script.or_else(|| runnable.pointer("/container/commands/1"))?.as_str()
    });
    texts.filter_map(runner::members).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use xqute_plugin::Exit;
    use xqute_plugin::testing::{job, path};

    const RUN: &str = "5f0c2a9be1d40713";

    fn gbatch(index: u32, options: &[(&str, &str)]) -> Job {
        let mut job = job(index, "true");
        job.name = format!("gbatch-{index}");
        let location = [("location", "us-central1")];
        let options = location.iter().chain(options);
        job.options = options
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        job
    }

    fn here() -> Place {
        Place {
            location: "us-central1".to_owned(),
            project: None,
        }
    }

    fn made(jobs: &[Job]) -> (Vec<Request>, Vec<(Member, Error)>) {
        requests(&jobs.iter().collect::<Vec<_>>(), &here(), RUN)
    }

    #[test]
    fn jobs_that_are_alike_become_tasks_of_one_job() {
        let jobs: Vec<_> = (0..100).map(|index| gbatch(index, &[])).collect();
        let (requests, refused) = made(&jobs);
        assert_eq!((requests.len(), refused.len()), (1, 0));
        assert_eq!(requests[0].name, "gbatch-0-5f0c2a9be1d40713-da6476eb-100");
        let job: Value = serde_json::from_str(&requests[0].text).unwrap();
        assert_eq!(job.pointer("/taskGroups/0/taskCount"), Some(&100.into()));
        assert_eq!(members(&job).unwrap(), requests[0].members);
    }

    #[test]
    fn jobs_that_differ_become_jobs_of_their_own() {
        let jobs = [
            gbatch(0, &[]),
            gbatch(1, &[("machine-type", "n2-standard-2")]),
            gbatch(2, &[]),
            gbatch(3, &[("location", "europe-west4")]),
        ];
        let (requests, refused) = made(&jobs);
        let members: Vec<_> = requests
            .iter()
            .map(|request| identity::write(&request.members))
            .collect();
        assert_eq!(members, ["0.1 2.1", "1.1"]);
        assert!(refused[0].1.message().contains("are those of the run"), "{refused:?}");
        let alone: Vec<_> = (0..3).map(|index| gbatch(index, &[("tasks-per-job", "2")])).collect();
        assert_eq!(made(&alone).0.len(), 2);
    }

    #[test]
    fn only_the_job_with_a_bad_name_or_two_places_to_start_in_is_refused() {
        let mut bad_name = gbatch(0, &[]);
        bad_name.name = "my_job".to_owned();
        let mut two_places = gbatch(1, &[("volume-as-cwd", "gs://bucket")]);
        two_places.cwd = Some(path("/data"));
        let (requests, refused) = made(&[bad_name, two_places, gbatch(2, &[])]);
        assert_eq!((requests.len(), refused.len()), (1, 2));
        assert!(refused[0].1.message().contains("my_job"));
        assert!(refused[1].1.message().contains("volume-as-cwd"));
    }

    #[test]
    fn answers_are_told_apart() {
        let answered = |code, stderr: &str| {
            answer(&Output {
                exit: Exit::Code(code),
                stdout: Vec::new(),
                stderr: stderr.into(),
            })
        };
        assert_eq!(
            answered(0, include_str!("../fixtures/submit-accepted.stderr")),
            Answer::Accepted
        );
        assert_eq!(
            answered(1, include_str!("../fixtures/submit-exists.stderr")),
            Answer::Exists
        );
        assert!(matches!(
            answered(1, include_str!("../fixtures/list-down.stderr")),
            Answer::InDoubt(Error::Unavailable(_))
        ));
        assert_eq!(
            answered(1, include_str!("../fixtures/list-429.stderr")),
            Answer::Declined(Error::RateLimited(None))
        );
        let refused = "Batch refused the job: INVALID_ARGUMENT: Task spec must have at least one runnable".to_owned();
        let stderr = include_str!("../fixtures/submit-no-runnable.stderr");
        assert_eq!(answered(1, stderr), Answer::Declined(Error::Rejected(refused)));
    }
}
