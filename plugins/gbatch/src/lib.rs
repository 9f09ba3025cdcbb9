//! Runs jobs on Google Batch, through the client `gcloud`.
//!
//! One job of Batch holds many of ours, each as a task, because each call of `gcloud` takes more than a second. This file is
//! the plugin: it decides what is asked when, and hands what comes back to pure functions. `options` (with `mounts` and
//! `document`) makes of options what Batch is to do, `submit` puts jobs together, `runner` is the bash that each task runs,
//! `observe` reads how they are, `identity` is about names, `gcloud` has the command lines, `notes` remembers submissions
//! whose answer is out, `trouble` judges failed calls. `fixtures/` holds what a real `gcloud` printed.

mod document;
mod gcloud;
mod identity;
mod mounts;
mod notes;
mod observe;
mod options;
mod runner;
mod submit;
mod trouble;

use std::time::Duration;

use gcloud::Place;
use identity::{Member, Task};
use notes::Settled;
use observe::{Glance, JobView, Views};
use options::Settings;
use submit::{Answer, Existing, Request};
use trouble::Trouble;
use xqute_plugin::Limits;
use xqute_plugin::prelude::*;

/// The plugin.
#[derive(Debug)]
pub struct Gbatch;

/// Up to so many jobs of Batch are asked about one by one. To ask for all that there are in the location takes one call, but
/// Batch then sends those of months.
const ASKED_ONE_BY_ONE: usize = 4;

/// So many jobs of Batch are cancelled in one call, which must not take too long; the host asks again for the rest.
const CANCELLED_AT_ONCE: usize = 200;

/// So often Batch is asked for jobs that may be on their way, at most.
const ASKED_FOR_STRAYS: u32 = 20;

#[export]
impl Plugin for Gbatch {
    fn about(about: About) -> About {
        // When Batch does not answer, one `gcloud` tries for more than half a minute.
        let limits = Limits {
            memory_mib: None,
            call_ms: Some(600_000),
            instances: Some(4),
        };
        let about = about.limits(limits).jobs_per_submit(1000).zero_is_final();
        let about = about.mounts_workdir_at(mounts::WORKDIR);
        options::describe(gcloud::rights(about.polled_at_most_every(Duration::from_secs(3))))
    }
}

#[export]
impl Scheduler for Gbatch {
    fn open(options: &[(String, String)], run: &RunInfo) -> Result<(), Error> {
        let settings = Settings::read(options)?;
        settings.check_workdir(&run.workdir.mounted)?;
        if run::is_dry() || notes::has_answered(&run.tag) {
            return Ok(());
        }
        notes::forget_old();
        check(&settings.place)?;
        notes::answered(&run.tag)
    }

    fn submit(jobs: &[Job]) -> Vec<Result<String, Error>> {
        let run = run::info().tag;
        let results = place()
            .and_then(|place| submit_all(jobs, &place, &run))
            .unwrap_or_else(|error| jobs.iter().map(|job| (Member::of(job), Err(error.clone()))).collect());
        let nothing = || Err(Error::Other("nothing became of it".to_owned()));
        jobs.iter()
            .map(|job| pick(&results, &Member::of(job)).cloned().unwrap_or_else(nothing))
            .collect()
    }

    fn poll(jobs: &[JobRef]) -> Result<Vec<Observation>, Error> {
        let asked = by_job(jobs);
        if asked.is_empty() {
            return Ok(jobs.iter().map(|_| Observation::Unknown).collect());
        }
        let place = place()?;
        let views = look(&place, &asked)?;
        let mut seen = vec![Observation::Unknown; jobs.len()];
        for (name, attempts) in &asked {
            let Some(view) = pick(&views, *name) else { continue };
            let tasks = match view.glance(attempts.len()) {
                Glance::All(observation) => {
                    for (which, _) in attempts {
                        put(&mut seen, *which, observation.clone());
                    }
                    continue;
                }
                Glance::Differ => observe::tasks(view, &gcloud::run(place.tasks(name))?)?,
            };
            for (which, number) in attempts {
                let Some(task) = pick(&tasks, number) else { continue };
                if let (Some(said), Some(job)) = (&task.said, jobs.get(*which)) {
                    log::warn!("job {}: Batch says: {said}", job.index);
                }
                put(&mut seen, *which, task.observation.clone());
            }
        }
        Ok(seen)
    }

    fn cancel(jobs: &[JobRef]) -> Vec<Result<(), Error>> {
        // What cannot be one of ours is unknown, which is as good as cancelled.
        let mut results = vec![Ok(()); jobs.len()];
        let place = match place() {
            Ok(place) => place,
            Err(error) => return jobs.iter().map(|_| Err(error.clone())).collect(),
        };
        let asked = by_job(jobs);
        // First those that run: they see it at once, and end in their own way.
        let told: Vec<bool> = jobs.iter().map(tell).collect();
        for (turn, (name, attempts)) in asked.iter().enumerate() {
            let all_told = attempts.iter().all(|(which, _)| told.get(*which) == Some(&true));
            let result = match turn < CANCELLED_AT_ONCE {
                true => cancel_one(&place, name, attempts, all_told),
                false => Err(Error::RateLimited(None)),
            };
            for (which, _) in attempts {
                put(&mut results, *which, result.clone());
            }
        }
        results
    }

    fn find(run_tag: &str) -> Result<Vec<JobRef>, Error> {
        let mut found = known(run_tag)?;
        // What a killed host was submitting may be on its way: each question takes long enough to be a pause.
        for _ in 1..ASKED_FOR_STRAYS {
            if !notes::are_out(run_tag, &found) {
                break;
            }
            found = known(run_tag)?;
        }
        Ok(found)
    }
}

/// The attempts of a run that Batch knows of now.
fn known(run_tag: &str) -> Result<Vec<JobRef>, Error> {
    let output = gcloud::run(place()?.find(run_tag))?;
    if let Some(trouble) = trouble::of(&output) {
        return Err(trouble.of_question());
    }
    let answer = observe::json(&output)?;
    let mut found = Vec::new();
    for job in answer.as_array().into_iter().flatten() {
        let name = job.get("name").and_then(|name| name.as_str()).map(identity::short);
        let (Some(name), Some(members)) = (name, submit::members(job)) else {
            continue;
        };
        found.extend(members.iter().enumerate().map(|(number, member)| JobRef {
            index: member.index,
            attempt: member.attempt,
            backend_id: Task::id(name, number),
        }));
    }
    Ok(found)
}

/// Attempts by the job of Batch that they are in: for each, which one it is in the list, and the number of its task.
type ByJob<'a> = Vec<(&'a str, Vec<(usize, usize)>)>;

fn by_job(jobs: &[JobRef]) -> ByJob<'_> {
    let mut by_job = ByJob::new();
    for (which, job) in jobs.iter().enumerate() {
        if let Some(task) = Task::read(&job.backend_id) {
            match by_job.iter_mut().find(|(name, _)| *name == task.job) {
                Some((_, attempts)) => attempts.push((which, task.number)),
                None => by_job.push((task.job, vec![(which, task.number)])),
            }
        }
    }
    by_job
}

/// What a list has for a key. Lists are short, or looked through in their order.
fn pick<'a, K: PartialEq<Q>, Q: ?Sized, V>(list: &'a [(K, V)], key: &Q) -> Option<&'a V> {
    list.iter().find(|(found, _)| found == key).map(|(_, value)| value)
}

fn put<T>(list: &mut [T], which: usize, value: T) {
    if let Some(slot) = list.get_mut(which) {
        *slot = value;
    }
}

/// Where the jobs of this run are.
fn place() -> Result<Place, Error> {
    Ok(Settings::read(&run::options())?.place)
}

/// Whether Batch can be asked at all. What is wrong now would make every job fail.
fn check(place: &Place) -> Result<(), Error> {
    let refused = |what: &str, said: &str| Error::InvalidOptions(format!("Batch cannot be used: {what} ({said})"));
    match trouble::of(&gcloud::run(place.check())?) {
        None | Some(Trouble::Busy | Trouble::Exists) => Ok(()),
        Some(Trouble::NoAccount(said)) => Err(refused("log in with `gcloud auth login`", &said)),
        Some(Trouble::Missing(said)) => Err(refused("is `location` one that Batch has, and `project` yours?", &said)),
        Some(Trouble::Refusal(said)) => Err(refused(
            "is `project` right, does Batch belong to its services, and may you list jobs?",
            &said,
        )),
        Some(trouble @ Trouble::Unreachable(_)) => Err(trouble.of_question()),
    }
}

/// Submits attempts in as few jobs as possible. Those that an earlier submission has brought to Batch are found first.
fn submit_all(jobs: &[Job], place: &Place, run: &str) -> Result<Vec<Settled>, Error> {
    let mut results = notes::settle(run, jobs, known)?;
    let left: Vec<&Job> = jobs
        .iter()
        .filter(|job| pick(&results, &Member::of(job)).is_none())
        .collect();
    let (requests, refused) = submit::requests(&left, place, run);
    results.extend(refused.into_iter().map(|(member, error)| (member, Err(error))));
    let mut patience: Option<Error> = None;
    for request in requests {
        // Once Batch asks for patience the rest need not wait for the same answer.
        let sent = patience.clone().map_or_else(|| submit_one(&request, place, run), Err);
        if let Err(error @ (Error::Unavailable(_) | Error::RateLimited(_))) = &sent {
            patience = Some(error.clone());
        }
        for (number, member) in request.members.iter().enumerate() {
            let result = sent.clone().map(|()| Task::id(&request.name, number));
            results.push((*member, result));
        }
    }
    Ok(results)
}

/// Submits one job of Batch, once.
fn submit_one(request: &Request, place: &Place, run: &str) -> Result<(), Error> {
    let note = notes::Note::write(run, request)?;
    let output = process::run_with_input("gcloud", place.submit(&request.name), request.text.as_bytes());
    match output.map(|output| submit::answer(&output)) {
        Ok(Answer::Accepted) => note.remove(),
        Ok(Answer::Exists) => {
            let existing = adopt(place, &request.name);
            note.remove();
            return existing;
        }
        Ok(Answer::InDoubt(error)) => {
            note.doubt()?;
            return Err(error);
        }
        Ok(Answer::Declined(error)) | Err(error) => {
            note.remove();
            return Err(error);
        }
    }
    Ok(())
}

/// Batch has a job of this name. It is the one that was wanted, unless it was cancelled: then it has to make room.
fn adopt(place: &Place, name: &str) -> Result<(), Error> {
    const SOON_MS: u32 = 2000;
    let views = observe::jobs(&gcloud::run(place.describe(name))?)?;
    match submit::existing(pick(&views, name)) {
        Existing::Adopt => return Ok(()),
        Existing::Wait => {}
        Existing::Delete => {
            if let Some(trouble) = trouble::of(&gcloud::run(place.delete(name))?) {
                return Err(trouble.of_question());
            }
        }
    }
    Err(Error::RateLimited(Some(SOON_MS)))
}

/// How these jobs of Batch are, with as few calls as possible.
fn look(place: &Place, asked: &ByJob<'_>) -> Result<Views, Error> {
    if asked.len() > ASKED_ONE_BY_ONE {
        return observe::jobs(&gcloud::run(place.list(&run::info().tag))?);
    }
    let mut views = Views::new();
    for (name, _) in asked {
        views.extend(observe::jobs(&gcloud::run(place.describe(name))?)?);
    }
    Ok(views)
}

/// Puts the file into an attempt's directory that ends it. Whether that could be done.
fn tell(job: &JobRef) -> bool {
    let Some(known) = run::job(job.index) else { return false };
    gcloud::touch(&runner::cancel_file(&known, job.attempt)).is_ok()
}

/// Cancels a job of Batch if all of its tasks are to end. Otherwise it goes on, and the tasks that were told end by
/// themselves.
fn cancel_one(place: &Place, name: &str, attempts: &[(usize, usize)], all_told: bool) -> Result<(), Error> {
    let is_wanted = |number: &usize| attempts.iter().any(|(_, wanted)| wanted == number);
    if identity::count(name) != Some(attempts.len()) {
        let tasks = observe::tasks(&JobView::default(), &gcloud::run(place.tasks(name))?)?;
        if tasks.is_empty() {
            return Ok(());
        }
        let others = tasks
            .iter()
            .filter(|(number, task)| !task.is_over && !is_wanted(number))
            .count();
        if others > 0 && all_told {
            return Ok(());
        }
        if others > 0 {
            return Err(Error::Rejected(format!(
                "the job {name} of Batch has {others} more tasks, and Batch ends them only together; give the plugin the right \
                 to run `touch */job.cancel.*`, or `--opt tasks-per-job=1`"
            )));
        }
    }
    match trouble::of(&gcloud::run(place.cancel(name))?) {
        None | Some(Trouble::Missing(_)) => Ok(()),
        Some(Trouble::Refusal(said)) if said.contains("code=400") => {
            // It is over already, which is why Batch will not cancel it.
            log::debug!("the job {name} of Batch was not cancelled: {said}");
            Ok(())
        }
        Some(trouble) => Err(trouble.of_question()),
    }
}

#[cfg(test)]
mod tests;
