//! `xqute doctor`: whether jobs can run, found out step by step and in the end by running one. It stops at the first thing that
//! is missing: what comes after it would only fail because of it.

use std::time::Duration;

use camino::Utf8Path;
use tokio::{sync::mpsc::UnboundedReceiver, time::timeout};
use xqute::{
    Builder, JobIndex, JobSpec, Outcome, RunSummary, Settings, Xqute,
    adapters::{
        bash,
        component::{
            flags::flags,
            plugins::{PluginInfo, Plugins},
        },
    },
    builder::LOCAL,
    model::record::{Change, Entry, Timestamp},
};

use super::{
    args::doctor::DoctorArgs, error::Result, exit::Exit, out, plugin::Wanted, resolve::RunPlan, screen::printable_line,
    signals,
};

/// Why jobs cannot run, and what to do about it.
struct Missing {
    step: &'static str,
    what: String,
    help: Option<String>,
}

impl Missing {
    fn new(step: &'static str, what: &impl ToString) -> Self {
        let (what, help) = (what.to_string(), None);
        Self { step, what, help }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Looks at everything that a run needs. Exit code 1 when something is missing.
pub(super) async fn doctor(args: &DoctorArgs, plan: &RunPlan, wanted: &Wanted<'_>) -> Result<Exit> {
    let plugins = wanted.load(&plan.scheduler, &[]).await?;
    // Each run takes its plugins with it.
    let again = wanted.load(&plan.scheduler, &[]).await?;
    // Here, as the machines of a backend see this folder if they see any.
    let scratch = wanted.here.join(format!(".xqute-doctor-{}", std::process::id()));
    let found = match look(plan, plugins, &scratch).await {
        Ok(()) => run_one(args.wait, plan, again, &scratch).await,
        Err(missing) => Err(missing),
    };
    let _it_may_never_have_been = std::fs::remove_dir_all(&scratch);
    let Err(Missing { step, what, help }) = found else {
        return Ok(Exit::Success);
    };
    out::print(&format!("missing  {step:<9} {what}\n"))?;
    if let Some(help) = help {
        out::print(&format!("                   help: {help}\n"))?;
    }
    Ok(Exit::JobsFailed)
}

fn good(step: &str, what: &str) {
    // Nobody to tell when nobody reads; the exit code says it all.
    let _ = out::print(&format!("ok       {step:<9} {}\n", printable_line(what)));
}

async fn look(plan: &RunPlan, plugins: Plugins, scratch: &Utf8Path) -> std::result::Result<(), Missing> {
    let shell = Settings::default().wrapper_shell;
    let checked = bash::check_shell(&shell).await;
    checked.map_err(|error| Missing::new("bash", &error).help("job scripts need a bash; install one"))?;
    good("bash", &shell.join(" "));
    if plan.scheduler == LOCAL {
        return Ok(());
    }
    if let Some(info) = plugins.list().into_iter().find(|info| info.name == plan.scheduler) {
        good(
            "plugin",
            &format!("{} {}, {}", info.name, info.version, info.path.display()),
        );
        look_at_rights(&info, &plugins)?;
        good("limits", &limits(&info, plan));
    }
    let asked = builder(plan, scratch).plugins(plugins).ask_backend().await;
    let took = asked.map_err(|error| Missing::new("backend", &error))?;
    good("backend", &format!("answers, in {:.3} s", took.as_secs_f64()));
    Ok(())
}

fn look_at_rights(info: &PluginInfo, plugins: &Plugins) -> std::result::Result<(), Missing> {
    let lacking = info.asked.iter().filter(|right| !info.effective.contains(right));
    let flags = flags(&info.name, lacking);
    if !flags.is_empty() {
        let what = "the plugin may not do all that it asks for";
        return Err(Missing::new("rights", &what).help(format!("allow it with {}", flags.join(" "))));
    }
    let rights: Vec<String> = info.effective.iter().map(ToString::to_string).collect();
    good("rights", &rights.join(" "));
    for (program, place) in plugins.programs(&info.name) {
        match place {
            Some(place) => good("program", &place.to_string_lossy()),
            // A plugin may know several that do the same.
            None => good("program", &format!("{program} is not on PATH")),
        }
    }
    Ok(())
}

fn limits(info: &PluginInfo, plan: &RunPlan) -> String {
    let wishes = info.preferences;
    let batch = plan.settings.submission_batch.or(wishes.jobs_per_submit);
    let mut limits = vec![
        format!("{} jobs in flight", plan.settings.forks),
        format!("{} in one submission", batch.map_or(8, std::num::NonZeroU32::get)),
        format!("{} calls at once", info.instances),
        format!(
            "asked every {:?} to {:?}",
            wishes.poll_pause,
            plan.settings.recheck_interval.max(wishes.poll_pause)
        ),
    ];
    limits.extend(
        info.max_rate
            .map(|rate| format!("{rate} programs and requests in a second")),
    );
    limits.extend(info.max_in_flight.map(|most| format!("{most} of them at once")));
    limits.join(", ")
}

fn builder(plan: &RunPlan, scratch: &Utf8Path) -> Builder {
    Xqute::builder()
        .settings(plan.settings.clone())
        .scheduler(&*plan.scheduler)
        .workdir(scratch)
}

/// Runs a job, and cancels it when it takes too long to start and end.
async fn run_one(
    wait: Duration,
    plan: &RunPlan,
    plugins: Plugins,
    scratch: &Utf8Path,
) -> std::result::Result<(), Missing> {
    let job = JobSpec::from("echo \"$HOSTNAME\"");
    let run = builder(plan, scratch).plugins(plugins).jobs(vec![job]).build().await;
    let run = run.map_err(|error| Missing::new("job", &error))?;
    let (events, stopper) = (run.events(), run.stopper());
    let on_signal = run.stopper();
    let listening = signals::listen(move |signal| on_signal.stop(signal));
    let _listening = listening.map_err(|error| Missing::new("signals", &error))?;
    let mut running = std::pin::pin!(run.run_until_complete());
    let summary = match timeout(wait, running.as_mut()).await {
        Ok(summary) => summary,
        Err(_) => {
            stopper.cancel(JobIndex(0));
            running.await
        }
    };
    if summary.succeeded() {
        let host = std::fs::read_to_string(scratch.join("0/job.stdout")).unwrap_or_default();
        good("job", &format!("ran on {}: {}", host.trim(), course(events)));
        return Ok(());
    }
    Err(why(&summary, wait, &course(events)))
}

fn why(summary: &RunSummary, wait: Duration, course: &str) -> Missing {
    match summary.failures.first() {
        Some(failed) if !matches!(failed.outcome, Outcome::Cancelled(_)) => {
            let tail = printable_line(failed.stderr_tail.lines().last().unwrap_or_default());
            Missing::new("job", &format!("{}; {course}", failed.outcome)).help(format!("its last words were: {tail}"))
        }
        _ => Missing::new(
            "job",
            &format!("was not over within {wait:?}, and was cancelled; {course}"),
        )
        .help("wait longer with --wait, or look at the backend's queue; -v shows why it waits"),
    }
}

/// When what happened to the job.
fn course(mut events: UnboundedReceiver<Vec<Entry>>) -> String {
    let (mut start, mut steps) = (None, Vec::new());
    while let Ok(entries) = events.try_recv() {
        for entry in entries {
            let start: Timestamp = *start.get_or_insert(entry.at);
            let step = match entry.change {
                Change::Fed { .. } => continue,
                Change::Submitted { id, .. } => format!("submitted as {}", printable_line(&id)),
                Change::Started { .. } => "started".to_owned(),
                Change::Ended { .. } => "over".to_owned(),
            };
            let after = u64::try_from(entry.at.0.saturating_sub(start.0)).unwrap_or_default();
            let after = Duration::from_micros(after).as_secs_f64();
            steps.push(format!("{step} after {after:.3} s"));
        }
    }
    match steps.is_empty() {
        true => "it was never submitted".to_owned(),
        false => steps.join(", "),
    }
}
