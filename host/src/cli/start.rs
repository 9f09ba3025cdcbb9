//! From the process's arguments to its exit code: the order in which things happen, and what has to be known of the machine
//! for them.

use std::{num::NonZeroU32, process::ExitCode, time::Duration};

use camino::Utf8PathBuf;
use clap::{Parser as _, error::ErrorKind};
use tokio::runtime::Runtime;
use xqute::{
    JobSpec,
    adapters::{jobfile::Rules, objects::Whereabouts, state::Place, workdir::Existing},
    model::{path::Location, settings::ErrorStrategy},
    resume::FailedJobs,
};

use super::{
    args::{
        Action, Args, Asked, Global,
        run::{RunArgs, RunSettings},
    },
    config::{self, Config},
    doctor,
    error::{Failure, Result},
    exit::Exit,
    feed, fetch, input, kill,
    logging::{self, Log},
    logs,
    plugin::{self, Wanted},
    records::Records,
    resolve::{self, RunPlan, Surroundings, Voice},
    run,
    run_staged::run_staged,
    screen::{Color, LogFormat, Screen},
    status,
};

/// Does what the command line says.
pub(crate) fn main() -> ExitCode {
    let (global, asked) = match Args::try_parse() {
        Ok(args) => args.split(),
        Err(stop) => {
            // Help and version come this way too, with exit code 0. There is nobody to tell when printing fails.
            let _nobody_to_tell = stop.print();
            if stop.kind() == ErrorKind::InvalidSubcommand {
                Screen::stderr(Color::Auto, LogFormat::Text).print("to run a job file: xqute run FILE\n");
            }
            let code = u8::try_from(stop.exit_code()).unwrap_or_else(|_| Exit::Usage.code());
            return ExitCode::from(code);
        }
    };
    let early = resolve::voice(&global, &Config::default());
    let done = match asked {
        // No configuration of the machine where a job runs has a say in it.
        Asked::RunStaged(args) => run_staged(&args),
        Asked::Action(action) => configured(&global, action),
    };
    let exit = done.unwrap_or_else(|failure| {
        failure.show(&Screen::stderr(early.color, early.format));
        failure.exit
    });
    ExitCode::from(exit.code())
}

/// From here on errors look as the configuration file says.
fn configured(global: &Global, action: Action) -> Result<Exit> {
    let around = surroundings()?;
    let config = config::load(global.config.as_deref(), &around.here)?;
    let voice = resolve::voice(global, &config);
    let screen = Screen::stderr(voice.color, voice.format);
    let filter = std::env::var(logging::VARIABLE).ok();
    let log = logging::start(&screen, voice.verbosity, filter.as_deref()).map_err(Failure::usage)?;
    let result = act(global, action, &config, &around, voice, &screen, &log);
    log.finish();
    Ok(result.unwrap_or_else(|failure| {
        failure.show(&screen);
        failure.exit
    }))
}

fn act(
    global: &Global,
    action: Action,
    config: &Config,
    around: &Surroundings,
    voice: Voice,
    screen: &Screen,
    log: &Log,
) -> Result<Exit> {
    let wanted = Wanted {
        global,
        config,
        here: &around.here,
    };
    let of_run = |flag| whereabouts(resolve::workdir(flag, config.run.workdir.clone(), around));
    match action {
        Action::Run(args) if args.dry_run => dry_run(&args, &wanted, around, screen),
        Action::Run(args) => {
            let finished = run_jobs(&args, &wanted, around, voice, screen)?;
            // Nothing comes after the summary.
            log.finish();
            Ok(run::tell(&finished, voice.verbosity, screen))
        }
        Action::Feed(args) => feed::feed(&args, &of_run(args.workdir.clone())?, &around.here),
        Action::Status(args) => status::status(&args, &of_run(args.workdir.clone())?),
        Action::Logs(args) => logs::logs(&args, &of_run(args.workdir.clone())?),
        Action::Kill(args) => kill::kill(&args, &of_run(args.workdir.clone())?),
        Action::Doctor(args) => {
            let settings = RunSettings {
                scheduler: args.scheduler.clone(),
                opt: args.opt.clone(),
                ..RunSettings::default()
            };
            let plan = resolve::run(settings, &config.run, around);
            with_runtime(|runtime| runtime.block_on(doctor::doctor(&args, &plan, &wanted)))
        }
        Action::Fetch(args) => fetch::fetch(&args, &around.here),
        Action::Plugin(action) => with_runtime(|runtime| runtime.block_on(plugin::act(action, &wanted, screen))),
    }
}

/// What the flags and the file say about a run, and the rules for its jobs.
fn plan(args: &RunArgs, wanted: &Wanted<'_>, around: &Surroundings) -> (RunPlan, Rules) {
    let plan = resolve::run(args.settings.clone(), &wanted.config.run, around);
    for warning in &plan.warnings {
        tracing::warn!("{warning}");
    }
    let rules = Rules {
        here: around.here.clone(),
        // Other schedulers may run jobs on machines that have other folders.
        cwd_exists: plan.scheduler == xqute::builder::LOCAL,
    };
    (plan, rules)
}

fn dry_run(args: &RunArgs, wanted: &Wanted<'_>, around: &Surroundings, screen: &Screen) -> Result<Exit> {
    let (plan, rules) = plan(args, wanted, around);
    let (jobs, places) = input::read_all(&args.files, &args.command, &rules)?;
    if jobs.is_empty() && args.files.is_empty() {
        return Err(nothing_to_run());
    }
    with_runtime(|runtime| runtime.block_on(super::dry_run::dry_run(plan, (jobs, places), wanted, screen)))
}

fn nothing_to_run() -> Failure {
    Failure::usage("there is nothing to run")
        .help("name a job file, give jobs on standard input with -, or a command behind --")
}

fn run_jobs(
    args: &RunArgs,
    wanted: &Wanted<'_>,
    around: &Surroundings,
    voice: Voice,
    screen: &Screen,
) -> Result<run::Finished> {
    let (plan, rules) = plan(args, wanted, around);
    let (existing, failed) = match (args.overwrite, args.resume, args.resume_failed) {
        (true, ..) => (Existing::Overwrite, FailedJobs::Stay),
        (_, _, true) => (Existing::Resume, FailedJobs::RunAgain),
        (_, true, _) => (Existing::Resume, FailedJobs::Stay),
        _ => (Existing::Refuse, FailedJobs::Stay),
    };
    let state = args.state.as_ref().map(|file| around.here.join(file));
    let mut input = input::read(args, &rules)?;
    let gives_nothing = input.jobs.is_empty() && args.files.is_empty() && !args.listen;
    if existing == Existing::Resume {
        let place = Place::of(&whereabouts(plan.workdir.clone())?.home, state.as_deref());
        if gives_nothing && !place.is_taken() && !place.is_announced() {
            let message = format!("there is no run in the workdir `{}` to go on with", plan.workdir);
            return Err(Failure::new(Exit::Workdir, anyhow::Error::msg(message))
                .help("name the workdir of the run with -w, or give jobs to start one there"));
        }
        input.catch_up(&place)?;
    } else if gives_nothing {
        return Err(nothing_to_run());
    }
    let wants_retries = |job: &JobSpec| job.extras().num_retries.is_some();
    if plan.settings.error_strategy != ErrorStrategy::Retry && input.jobs.iter().any(wants_retries) {
        tracing::warn!("`num_retries` of jobs changes nothing without --error-strategy retry");
    }
    let request = run::Request {
        plan,
        input,
        existing,
        failed,
        state,
        listen: args.listen,
        record: args.record.clone(),
        records: Records::open(args, existing)?,
    };
    let command = run::run(request, wanted, voice.verbosity, screen);
    with_runtime(|runtime| runtime.block_on(command))
}

fn whereabouts(workdir: Location) -> Result<Whereabouts> {
    Whereabouts::of(workdir).map_err(|error| Failure::new(Exit::Usage, error))
}

/// A small runtime: while one thread waits for a program to start, the other one goes on. More of them start no more
/// programs, they only wake each other. Starting it costs less than a millisecond.
pub(super) fn with_runtime<T>(body: impl FnOnce(&Runtime) -> Result<T>) -> Result<T> {
    let built = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = built.map_err(|error| {
        let error = anyhow::Error::new(error).context("cannot start the threads that xqute needs");
        Failure::new(Exit::Usage, error)
    })?;
    let result = body(&runtime);
    // What is still blocked by then is not worth waiting for.
    runtime.shutdown_timeout(Duration::from_millis(100));
    result
}

fn surroundings() -> Result<Surroundings> {
    let here = std::env::current_dir().map_err(|error| {
        let error = anyhow::Error::new(error).context("the current folder cannot be found");
        Failure::new(Exit::Usage, error)
    })?;
    let here = Utf8PathBuf::from_path_buf(here).map_err(|path| {
        Failure::usage(format!(
            "the path of the current folder, {}, is not UTF-8",
            path.display()
        ))
    })?;
    Ok(Surroundings {
        here,
        cores: std::thread::available_parallelism()
            .ok()
            .and_then(|cores| NonZeroU32::try_from(cores).ok())
            .unwrap_or(NonZeroU32::MIN),
    })
}
