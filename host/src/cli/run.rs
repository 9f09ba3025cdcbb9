//! `xqute run`: hands everything over to the library and tells what became of it.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicBool, Ordering},
};

use camino::Utf8PathBuf;
use xqute::{
    BatchError, BuildError, RunSummary, StopCause, Xqute,
    adapters::{
        component::error::StartError,
        jobfile::{Pipe, Places},
        workdir::Existing,
    },
    resume::{FailedJobs, ResumeError, Resumed},
};

use super::{
    args::run::ProgressMode,
    error::{Failure, Result},
    exit::Exit,
    input::{self, Input},
    plugin::Wanted,
    progress,
    records::Records,
    resolve::{RunPlan, Verbosity},
    screen::Screen,
    signals,
    summary::{FailedLine, PluginLines, Summary},
};

/// What is to be run, and on what.
pub(super) struct Request {
    pub(super) plan: RunPlan,
    pub(super) input: Input,
    pub(super) existing: Existing,
    pub(super) failed: FailedJobs,
    pub(super) state: Option<Utf8PathBuf>,
    /// Whether others may feed the run.
    pub(super) listen: bool,
    /// Where the calls of plugins are written down, by their names.
    pub(super) record: Vec<(String, Utf8PathBuf)>,
    /// Where it is written down beside its workdir.
    pub(super) records: Records,
}

/// How a run ended, and what went wrong with the run itself.
pub(super) struct Finished {
    summary: Summary,
    trouble: Option<Failure>,
    /// How to exit because of what came by the pipe.
    bad_pipe: Option<Exit>,
}

/// Runs it.
pub(super) async fn run(
    request: Request,
    wanted: &Wanted<'_>,
    verbosity: Verbosity,
    screen: &Screen,
) -> Result<Finished> {
    let Request { plan, input, .. } = request;
    let Input { jobs, places, pipe } = input;
    let plugins = wanted.load(&plan.scheduler, &request.record).await?;
    let prefix = plan.settings.jobname_prefix.clone();
    let mut builder = Xqute::builder()
        .settings(plan.settings)
        .scheduler(plan.scheduler)
        .workdir(plan.workdir.to_string())
        .existing(request.existing)
        .failed(request.failed)
        .listen(request.listen)
        .plugins(plugins)
        .jobs(jobs);
    if let Some(file) = request.state {
        builder = builder.state(file);
    }
    if let Some(listener) = request.records.listener() {
        builder = builder.listener(listener);
    }
    let xqute = builder.build().await.map_err(|error| cannot_build(&error, &places))?;
    drop(places);
    request
        .records
        .begin(&xqute.home(), prefix.as_deref())
        .map_err(|error| Failure::new(Exit::Workdir, error))?;
    if let (Some(resumed), Verbosity::Normal(_)) = (xqute.resumed(), verbosity) {
        screen.note(&format!("resuming: {}", resumption(&resumed)));
    }
    let listening = listen(&xqute, &request.records)?;
    let mode = match (plan.progress, verbosity) {
        (ProgressMode::Auto, Verbosity::Quiet) => ProgressMode::None,
        (mode, _) => mode,
    };
    let shown = progress::show(xqute.progress(), mode, screen);
    let (ended, poured) = to_the_end(xqute, pipe, request.listen, screen).await?;
    if let Some(shown) = shown {
        shown.finish().await;
    }
    let trouble = trouble(&ended);
    let unwritten = tokio::task::block_in_place(|| request.records.finish(&ended, prefix.as_deref()));
    // Until then a signal may have to end the waiting for whoever reads the events.
    drop(listening);
    Ok(Finished {
        summary: Summary {
            unwritten,
            ..summary(ended)
        },
        trouble,
        bad_pipe: poured.err(),
    })
}

/// Passes signals on to the run; the second one also ends the waiting for whoever reads its events.
fn listen(xqute: &Xqute, records: &Records) -> Result<signals::Guard> {
    let (stopper, hurry, again) = (xqute.stopper(), records.hurry(), AtomicBool::new(false));
    let stop = move |signal| {
        stopper.stop(signal);
        if let (true, Some(hurry)) = (again.swap(true, Ordering::Relaxed), &hurry) {
            hurry.hurry();
        }
    };
    signals::listen(stop).map_err(|error| {
        let error = anyhow::Error::new(error).context("cannot wait for signals");
        Failure::new(Exit::Usage, error)
    })
}

/// What went wrong with the run itself.
fn trouble(run: &RunSummary) -> Option<Failure> {
    if let Some(why) = run.unrecorded.clone() {
        let error = anyhow::Error::new(why).context("the run is not recorded to its end");
        let failure = Failure::new(Exit::Workdir, error);
        return Some(failure.help("what jobs left is in their directories; go on with `--resume`"));
    }
    let error = anyhow::Error::new(run.uncopied.clone()?);
    let help = format!("it is in `{}`; `--resume` copies it", run.home);
    Some(Failure::new(Exit::Workdir, error).help(help))
}

/// Runs what is there and what comes from the pipe, and from others if the run listens to them. What is wrong with the pipe
/// is told at once, and in the end how to exit because of it.
async fn to_the_end(
    xqute: Xqute,
    pipe: Option<Pipe>,
    listen: bool,
    screen: &Screen,
) -> Result<(RunSummary, std::result::Result<(), Exit>)> {
    if pipe.is_none() && !listen {
        return Ok((xqute.run_until_complete().await, Ok(())));
    }
    let live = xqute.keep_feeding();
    if listen {
        tracing::info!("jobs can be fed with `xqute feed`, until `xqute feed --stop`");
    }
    let mut poured = Ok(());
    if let Some(pipe) = pipe {
        let held_open = live.hold_open();
        tokio::select! {
            end = input::pour(pipe, live.feeder(), live.progress()) => poured = end,
            () = live.over() => {}
        }
        drop(held_open);
    }
    // The run may go on for long.
    let poured = poured.map_err(|trouble| {
        trouble.show(screen);
        trouble.exit
    });
    let ended = match listen {
        true => live.wait().await,
        false => live.stop_feeding().await,
    };
    let ended = ended.map_err(|broken| {
        let error = anyhow::Error::new(broken).context("the run broke down, which is a bug in xqute");
        Failure::new(Exit::Workdir, error)
    })?;
    Ok((ended, poured))
}

/// What a resumed run starts from, in words.
fn resumption(resumed: &Resumed) -> String {
    let Resumed {
        done,
        waiting,
        in_flight,
        abandoned,
        added,
    } = resumed;
    let done = match done {
        1 => "1 job is done".to_owned(),
        done => format!("{done} jobs are done"),
    };
    let waiting = match waiting {
        1 => "1 waits".to_owned(),
        waiting => format!("{waiting} wait"),
    };
    let mut text = format!("{done}, {waiting}");
    for (number, what) in [
        (in_flight, "may still run"),
        (abandoned, "ended while nobody watched"),
        (added, if *added == 1 { "is new" } else { "are new" }),
    ] {
        if *number > 0 {
            let _infallible = write!(text, ", {number} {what}");
        }
    }
    text
}

/// Tells what became of it, after everything else has been said.
pub(super) fn tell(finished: &Finished, verbosity: Verbosity, screen: &Screen) -> Exit {
    let Finished {
        summary,
        trouble,
        bad_pipe,
    } = finished;
    if verbosity != Verbosity::Quiet || !summary.is_good() {
        let plugins = match verbosity {
            Verbosity::Quiet | Verbosity::Normal(0) => PluginLines::Trouble,
            Verbosity::Normal(_) => PluginLines::Called,
        };
        summary.show(screen, plugins);
    }
    let signal = summary.stopped.and_then(StopCause::signal);
    if let Some(trouble) = trouble {
        trouble.show(screen);
    }
    let exit = match trouble.as_ref().map(|trouble| trouble.exit).or(*bad_pipe) {
        None => Exit::of_run(signal, summary.has_bad_plugins(), summary.all_succeeded()),
        Some(exit) => signal.map_or(exit, Exit::Signal),
    };
    match exit {
        // Nothing else is wrong, but somebody waits for that file.
        Exit::Success if !summary.unwritten.is_empty() => Exit::Workdir,
        exit => exit,
    }
}

fn summary(run: RunSummary) -> Summary {
    let failures = run.failures.into_iter().map(|job| FailedLine {
        job: job.job.0,
        outcome: job.outcome.to_string(),
        name: job.name,
        command: job.command,
        attempts: job.attempts,
        stderr: job.stderr.to_string(),
        tail: job.stderr_tail,
    });
    Summary {
        counts: run.counts,
        elapsed: run.elapsed,
        failures: failures.collect(),
        stopped: run.stopped,
        plugins: run.plugins,
        workdir: run.workdir.to_string(),
        unwritten: Vec::new(),
    }
}

/// Which exit code fits. The messages say what to do next themselves.
pub(super) fn cannot_build(error: &BuildError, places: &Places) -> Failure {
    let exit = match error {
        BuildError::NoWrapperShell
        | BuildError::Script(_)
        | BuildError::Setting(_)
        | BuildError::Job(_)
        | BuildError::BadWorkdir(_)
        | BuildError::Access(_)
        | BuildError::NoHome(_)
        | BuildError::Options(_)
        | BuildError::Plugin(
            StartError::UnknownScheduler { .. }
            | StartError::UnknownOption { .. }
            | StartError::OptionTwice { .. }
            | StartError::InvalidOptions { .. },
        ) => Exit::Usage,
        BuildError::Resume(ResumeError::Changed(_) | ResumeError::Missing { .. } | ResumeError::Scheduler { .. }) => {
            Exit::Usage
        }
        BuildError::Plugin(_) => Exit::Plugin,
        BuildError::Workdir { .. }
        | BuildError::WorkdirUnusable(_)
        | BuildError::Claim(_)
        | BuildError::State(_)
        | BuildError::NoThread(_)
        | BuildError::Resume(_)
        | BuildError::Socket(_) => Exit::Workdir,
    };
    let message = match error {
        BuildError::Job(BatchError::Job { place, source, .. }) => {
            places.of(*place).map(|place| format!("{place}: {source}"))
        }
        BuildError::Resume(ResumeError::Changed(changed)) => {
            places.of(changed.place).map(|place| format!("{place}: {changed}"))
        }
        _ => None,
    };
    Failure::new(exit, anyhow::Error::msg(message.unwrap_or_else(|| error.to_string())))
}
