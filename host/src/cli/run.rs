//! `xqute run`: hands everything over to the library and tells what became of it.

use std::os::unix::ffi::OsStringExt;

use xqute::{
    BuildError, Command, Counts, JobSpec, RunSummary, Xqute,
    adapters::{component::error::StartError, workdir::Existing},
};

use super::{
    args::run::{ProgressMode, RunArgs},
    error::{Failure, Result},
    exit::Exit,
    jobfile::{self, Places, Rules},
    plugin::Wanted,
    progress::{self, Tally},
    records::Records,
    resolve::{RunPlan, Verbosity},
    screen::Screen,
    signals,
    summary::{BadPlugin, Failed, Summary},
};

/// Reads all jobs, before anything else happens.
pub(super) fn jobs(args: RunArgs, rules: &Rules) -> Result<(Vec<JobSpec>, Places)> {
    if args.files.is_empty() && args.command.is_empty() {
        return Err(Failure::usage("there is nothing to run")
            .help("name a job file, give jobs on standard input with -, or a command behind --"));
    }
    let jobs = jobfile::read(&args.files, rules).map_err(|bad| {
        let help = bad.help();
        let failure = Failure::new(Exit::Usage, bad);
        match help {
            Some(help) => failure.help(help),
            None => failure,
        }
    })?;
    let (mut jobs, places) = jobs.split();
    if !args.command.is_empty() {
        let words = args.command.into_iter().map(OsStringExt::into_vec);
        let command = Command::argv(words);
        command
            .check()
            .map_err(|bad| Failure::usage(format!("{bad} behind --")))?;
        jobs.push(JobSpec::new(command));
    }
    tracing::debug!(jobs = jobs.len(), "all jobs are read");
    Ok((jobs, places))
}

/// Runs them.
pub(super) async fn run(
    plan: RunPlan,
    existing: Existing,
    (jobs, places): (Vec<JobSpec>, Places),
    records: Records,
    wanted: &Wanted<'_>,
    verbosity: Verbosity,
    screen: &Screen,
) -> Result<Summary> {
    let plugins = wanted.load(&plan.scheduler).await?;
    let prefix = plan.settings.jobname_prefix.clone();
    let workdir = plan.workdir.clone();
    let mut builder = Xqute::builder()
        .settings(plan.settings)
        .scheduler(plan.scheduler)
        .workdir(plan.workdir)
        .existing(existing)
        .plugins(plugins)
        .jobs(jobs);
    if let Some(listener) = records.listener() {
        builder = builder.listener(listener);
    }
    let xqute = builder.build().await.map_err(|error| cannot_build(&error, &places))?;
    records
        .begin(&workdir, prefix.as_deref())
        .map_err(|error| Failure::new(Exit::Workdir, error))?;
    let stopper = xqute.stopper();
    let listening = signals::listen(screen, move |signal| stopper.stop(signal)).map_err(|error| {
        let error = anyhow::Error::new(error).context("cannot wait for signals");
        Failure::new(Exit::Usage, error)
    })?;
    let mode = match (plan.progress, verbosity) {
        (ProgressMode::Auto, Verbosity::Quiet) => ProgressMode::None,
        (mode, _) => mode,
    };
    let shown = progress::show(xqute.progress(), tally, mode, screen);
    let run = xqute.run_until_complete().await;
    drop(listening);
    if let Some(shown) = shown {
        shown.finish().await;
    }
    let unwritten = records.finish(&run, prefix.as_deref());
    Ok(Summary {
        unwritten,
        ..summary(run)
    })
}

/// Tells what became of it, after everything else has been said.
pub(super) fn tell(summary: &Summary, verbosity: Verbosity, screen: &Screen) -> Exit {
    if verbosity != Verbosity::Quiet || !summary.is_good() {
        summary.show(screen);
    }
    let exit = Exit::of_run(
        summary.stopped_by,
        !summary.bad_plugins.is_empty(),
        summary.all_succeeded(),
    );
    match exit {
        // Nothing else is wrong, but somebody waits for that file.
        Exit::Success if !summary.unwritten.is_empty() => Exit::Workdir,
        exit => exit,
    }
}

fn tally(counts: &Counts) -> Tally {
    Tally {
        fed: counts.fed,
        in_flight: counts.in_flight,
        succeeded: counts.succeeded,
        failed: counts.failed,
        cancelled: counts.cancelled,
        retries: counts.retries,
    }
}

fn summary(run: RunSummary) -> Summary {
    let failures = run.failures.into_iter().map(|job| Failed {
        job: job.job.0,
        outcome: match &job.outcome {
            xqute::Outcome::Succeeded => "succeeded".to_owned(),
            xqute::Outcome::Failed(cause) => cause.to_string(),
            xqute::Outcome::Cancelled(reason) => reason.to_string(),
        },
        name: job.name,
        command: job.command,
        attempts: job.attempts,
        stderr: job.stderr.into_string(),
        tail: job.stderr_tail,
    });
    Summary {
        tally: tally(&run.counts),
        elapsed: run.elapsed,
        failures: failures.collect(),
        stopped_by: run.stopped_by,
        halted: run.halted,
        bad_plugins: run.plugins.into_iter().filter_map(bad_plugin).collect(),
        workdir: run.workdir.into_string(),
        unwritten: Vec::new(),
    }
}

fn bad_plugin(report: xqute::adapters::component::hooks::PluginReport) -> Option<BadPlugin> {
    report.quarantined.map(|why| BadPlugin {
        name: report.plugin,
        why,
    })
}

/// Which exit code fits. The messages say what to do next themselves.
fn cannot_build(error: &BuildError, places: &Places) -> Failure {
    let exit = match error {
        BuildError::NoWrapperShell
        | BuildError::Script(_)
        | BuildError::Setting(_)
        | BuildError::Job { .. }
        | BuildError::Options(_)
        | BuildError::Plugin(
            StartError::UnknownScheduler { .. }
            | StartError::UnknownOption { .. }
            | StartError::OptionTwice { .. }
            | StartError::InvalidOptions { .. },
        ) => Exit::Usage,
        BuildError::Plugin(_) => Exit::Plugin,
        BuildError::Workdir { .. }
        | BuildError::WorkdirUnusable(_)
        | BuildError::State(_)
        | BuildError::NoThread(_)
        | BuildError::Socket(_) => Exit::Workdir,
    };
    let message = match error {
        BuildError::Job { index, source, .. } => places.of(*index).map(|place| format!("{place}: {source}")),
        _ => None,
    };
    Failure::new(exit, anyhow::Error::msg(message.unwrap_or_else(|| error.to_string())))
}
