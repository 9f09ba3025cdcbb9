//! Runs jobs in containers, with docker, podman, apptainer or singularity.
//!
//! This file is the plugin: it starts programs and hands what they print to pure functions. The way of a job: `options`
//! makes settings of what users ask for, `mounts` has the host read what is to be mounted, `check` asks whether it can
//! work, `submit` starts a container whose first process is `script` and whose `name` says whose it is, `list` tells how
//! containers are, `end` stops and removes them. `apptainer` does the same without a daemon, `engine` says in what programs
//! differ, `notes` is what one call leaves for the next, `leftovers` removes what has ended, `trouble` judges failed calls.
//! `fixtures/` holds what real ones answered.

mod apptainer;
mod check;
mod end;
mod engine;
mod leftovers;
mod list;
mod mounts;
mod name;
mod notes;
mod options;
mod script;
mod submit;
mod trouble;

use std::{collections::BTreeSet, time::Duration};

use engine::Engine;
use list::Status;
use notes::Note;
use options::{Pull, Settings};
use submit::Answer;
use xqute_plugin::prelude::*;
use xqute_plugin::{Limits, Output, mounts::Mounted};

/// The plugin.
#[derive(Debug)]
pub struct Container;

/// What docker and podman are used for.
const KEEPERS: [&str; 8] = [
    "image inspect --format * *",
    "pull --quiet *",
    "run --detach --name ...",
    "start *",
    "ps --all --no-trunc --filter * --format *",
    "container inspect --format ...",
    "stop -t ...",
    "rm ...",
];
/// What else is started: looking at paths, finding out who the user is, and processes of apptainer.
const OTHERS: [&str; 8] = [
    "apptainer exec ...",
    "singularity exec ...",
    "setsid --fork bash -c * ...",
    "pgrep --full --list-full *",
    "pkill --signal TERM --full *",
    "stat --dereference --format=%F:%n -- ...",
    "id -u",
    "id -g",
];

#[export]
impl Plugin for Container {
    fn about(about: About) -> About {
        let limits = Limits {
            memory_mib: None,
            // An image may have to be pulled.
            call_ms: Some(600_000),
            // To start a container is a process that mostly waits.
            instances: Some(8),
        };
        let kept = ["docker", "podman"].map(|program| KEEPERS.map(|rest| format!("{program} {rest}")));
        let about = about.runs(kept.as_flattened().iter().map(String::as_str)).runs(OTHERS);
        options::describe(about)
            .limits(limits)
            .jobs_per_submit(1)
            .polled_at_most_every(Duration::from_millis(500))
            .zero_is_final()
    }
}

#[export]
impl Scheduler for Container {
    fn open(options: &[(String, String)], run: &RunInfo) -> Result<(), Error> {
        let settings = Settings::read(options)?;
        check_once(&settings, run)?;
        if Note::of(&run.tag).is_some_and(|note| note.engine == settings.engine && note.remove == settings.remove) {
            return Ok(());
        }
        let user = default_user(settings.engine)?;
        let (engine, remove) = (settings.engine, settings.remove);
        Note { engine, remove, user }.keep(&run.tag)
    }

    fn submit(jobs: &[Job]) -> Vec<Result<String, Error>> {
        let run = run::info();
        jobs.iter().map(|job| submit_one(job, &run)).collect()
    }

    fn poll(jobs: &[JobRef]) -> Result<Vec<Observation>, Error> {
        let run = run::info().tag;
        let engine = Note::needed(&run)?.engine;
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        if !engine.keeps_containers() {
            let listed = process::run("pgrep", apptainer::list_argv(&run))?;
            return Ok(apptainer::observe(jobs, &apptainer::running(&run, &listed)?));
        }
        let containers = containers(engine, &run)?;
        let killed = list::killed(jobs, &containers);
        let starved = if killed.is_empty() {
            BTreeSet::new()
        } else {
            list::out_of_memory(&process::run(engine.program(), list::inspect_argv(&killed))?)
        };
        Ok(list::observe(jobs, &containers, &starved))
    }

    fn cancel(jobs: &[JobRef]) -> Vec<Result<(), Error>> {
        let run = run::info().tag;
        // Nothing but a name that xqute gave is ever handed to a program that ends things.
        let ours = |job: &&JobRef| name::read(&run, &job.backend_id).as_ref() == Some(*job);
        let ours: Vec<_> = jobs.iter().filter(ours).cloned().collect();
        let results = if ours.is_empty() {
            Ok(Vec::new())
        } else {
            cancel(&run, &ours)
        };
        let result = |job: &JobRef| match &results {
            Ok(results) => {
                let mut those = ours.iter().zip(results).filter(|(other, _)| *other == job);
                those.next().map_or(Ok(()), |(_, result)| result.clone())
            }
            Err(error) => Err(error.clone()),
        };
        jobs.iter().map(result).collect()
    }

    fn find(run_tag: &str) -> Result<Vec<JobRef>, Error> {
        let engine = Note::needed(run_tag)?.engine;
        if engine.keeps_containers() {
            return Ok(list::started(run_tag, &containers(engine, run_tag)?));
        }
        let listed = process::run("pgrep", apptainer::list_argv(run_tag))?;
        let running = apptainer::running(run_tag, &listed)?;
        Ok(running.iter().filter_map(|name| name::read(run_tag, name)).collect())
    }
}

#[export]
impl Observer for Container {
    fn on_job_succeeded(job: &JobFact) {
        leftovers::over(job);
    }

    fn on_job_failed(job: &JobFact, _cause: &FailureCause) {
        leftovers::over(job);
    }

    fn on_job_killed(job: &JobFact) {
        leftovers::over(job);
    }

    fn on_shutdown(_signal: Option<&str>) {
        leftovers::remove_all();
    }
}

/// Whether a job with these settings can work, asked once for each combination. Returns what is mounted for it.
fn check_once(settings: &Settings, run: &RunInfo) -> Result<Mounted, Error> {
    if let Some(files) = notes::checked(&run.tag, settings) {
        return mounts::place(settings, run, &files);
    }
    let sources = mounts::sources(settings)?;
    if run::is_dry() {
        return mounts::place(settings, run, &[]);
    }
    let files = match check::paths_argv(settings, &sources) {
        Some(argv) => check::files(settings, &sources, &process::run("stat", argv)?)?,
        None => Vec::new(),
    };
    // Before any image is fetched.
    let mounted = mounts::place(settings, run, &files)?;
    check_image(settings).map_err(|error| match error {
        Error::Unavailable(said) => {
            Error::Unavailable(format!("{} cannot be reached: {said}", settings.engine.program()))
        }
        // It could not even be started.
        Error::Rejected(said) => Error::InvalidOptions(format!(
            "{said}; install it, or choose another one with --opt bin=NAME (docker, podman, apptainer, singularity)"
        )),
        other => other,
    })?;
    notes::keep_checked(&run.tag, settings, &files)?;
    Ok(mounted)
}

fn check_image(settings: &Settings) -> Result<(), Error> {
    let program = settings.engine.program();
    if !settings.engine.keeps_containers() {
        return check::has_bash(settings, &process::run(program, check::bash_argv(settings))?);
    }
    let pull = || check::pulled(settings, &process::run(program, ["pull", "--quiet", &settings.image])?);
    if settings.pull == Pull::Always {
        pull()?;
    }
    let look = || check::image(&process::run(program, check::image_argv(settings))?);
    let image = match look()? {
        check::Image::Missing(said) if settings.pull == Pull::Never => return Err(check::missing(settings, &said)),
        check::Image::Missing(_) => {
            log::info!("{program} pulls the image {}", settings.image);
            pull()?;
            look()?
        }
        image => image,
    };
    if let check::Image::Wraps(entrypoint) = image {
        log::info!(
            "the image {} has the entrypoint {entrypoint}, which is handed the script of each job",
            settings.image
        );
    }
    Ok(())
}

/// Who jobs run as. What a container writes into the run's directory should belong to the user: for podman without root
/// rights the user is root inside, and with root rights as well.
fn default_user(engine: Engine) -> Result<String, Error> {
    match engine {
        Engine::Podman => Ok("0:0".to_owned()),
        Engine::Docker if !run::is_dry() => {
            let id = |which| process::run("id", [which]).map(|output: Output| output.stdout_text().trim().to_owned());
            Ok(format!("{}:{}", id("-u")?, id("-g")?))
        }
        _ => Ok(String::new()),
    }
}

fn containers(engine: Engine, run: &str) -> Result<list::Containers, Error> {
    list::read(engine, run, &process::run(engine.program(), list::argv(run))?)
}

fn submit_one(job: &Job, run: &RunInfo) -> Result<String, Error> {
    let note = Note::needed(&run.tag)?;
    let settings = Settings::read(&job.options)?;
    if (settings.engine, settings.remove) != (note.engine, note.remove) {
        return Err(Error::InvalidOptions(
            "`bin` and `remove` are the same for all jobs of a run; give them with --opt".to_owned(),
        ));
    }
    let placed = check_once(&settings, run)?;
    let container = submit::Container::new(job, run, &settings, placed)?;
    let name = container.name();
    if !note.engine.keeps_containers() {
        apptainer::answer(&process::run("setsid", apptainer::argv(&container)?)?)?;
        return Ok(name);
    }
    let program = note.engine.program();
    match submit::answer(&settings, &process::run(program, submit::argv(&container, &note.user))?) {
        Answer::Started => Ok(name),
        Answer::Taken => start_again(&settings, &run.tag, name),
        Answer::InDoubt(error) => Err(error),
        Answer::Declined(error) => decline(note.engine, &name, error),
    }
}

/// The job was submitted before; if its container was not started, which takes a crash in between, it is now.
fn start_again(settings: &Settings, run: &str, name: String) -> Result<String, Error> {
    let engine = settings.engine;
    if containers(engine, run)?.get(&name) != Some(&Status::Created) {
        log::info!("{name} was submitted before");
        return Ok(name);
    }
    match submit::answer(settings, &process::run(engine.program(), ["start", &name])?) {
        Answer::Started => Ok(name),
        Answer::InDoubt(error) => Err(error),
        Answer::Declined(error) => decline(engine, &name, error),
        Answer::Taken => Err(Error::Other(format!("{name} cannot be started"))),
    }
}

/// A container that could not be started may be there all the same.
fn decline(engine: Engine, name: &str, error: Error) -> Result<String, Error> {
    if let Err(trouble) = process::run(engine.program(), end::destroy_argv(engine, &[name.to_owned()])) {
        log::debug!("{name} is left behind: {trouble:?}");
    }
    Err(error)
}

/// Asks jobs to end, ends them, and removes their containers.
fn cancel(run: &str, jobs: &[JobRef]) -> Result<Vec<Result<(), Error>>, Error> {
    let Note { engine, remove, .. } = Note::needed(run)?;
    if !engine.keeps_containers() {
        let result = apptainer::killed(&process::run("pkill", apptainer::kill_argv(run, jobs))?);
        return Ok(jobs.iter().map(|_| result.clone()).collect());
    }
    let names: Vec<_> = jobs.iter().map(|job| job.backend_id.clone()).collect();
    let stopped = process::run(engine.program(), end::stop_argv(engine, &names))?;
    if !remove {
        return Ok(end::answer(engine, jobs, &stopped));
    }
    let removed = process::run(engine.program(), end::destroy_argv(engine, &names))?;
    Ok(end::answer(engine, jobs, &removed))
}

#[cfg(test)]
mod tests;
