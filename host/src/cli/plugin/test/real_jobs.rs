//! Real jobs with the plugin's bash in their scripts: they must end as they would without it.

use camino::Utf8Path;
use xqute::{
    Command, FailureCause, JobSpec, Outcome, RunSummary, Xqute,
    adapters::component::{
        contract::Interface,
        flags::flags,
        plugins::Plugins,
        rights::Right,
        trial::{
            Trial,
            check::{Check, CheckVerdict},
        },
    },
};

/// What a job does when no plugin is there.
struct Expected {
    command: Command,
    stdout: &'static str,
    exit_code: i32,
}

fn jobs() -> Vec<Expected> {
    let job = |command, stdout, exit_code| Expected {
        command,
        stdout,
        exit_code,
    };
    vec![
        job(Command::shell("echo 'a  b' \"$XQUTE_JOB_INDEX\""), "a  b 0\n", 0),
        job(
            Command::argv(["printf", "%s|", "two words", "", "*"]),
            "two words||*|",
            0,
        ),
        job(Command::shell("exit 7"), "", 7),
    ]
}

/// Runs them, if the plugin gives bash.
pub(super) async fn check(trial: &Trial, plugins: Plugins, scratch: &Utf8Path) -> Option<Check> {
    let plugin = plugins.list().into_iter().next()?;
    if !plugin.interfaces.contains(Interface::Snippets) {
        return None;
    }
    let verdict = if trial.lacks(&Right::Script) {
        let flags = flags(&plugin.name, [&Right::Script]).join(" ");
        CheckVerdict::Skipped(format!(
            "it needs the right to put bash into scripts on this machine: {flags}"
        ))
    } else {
        run(plugins, scratch)
            .await
            .map_or_else(CheckVerdict::Failed, |()| CheckVerdict::Passed)
    };
    Some(Check {
        what: "snippets: real jobs keep their arguments, output and exit codes".to_owned(),
        verdict,
    })
}

async fn run(plugins: Plugins, scratch: &Utf8Path) -> Result<(), String> {
    let jobs = jobs();
    let specs = jobs.iter().map(|job| JobSpec::new(job.command.clone()));
    let builder = Xqute::builder().workdir(scratch.join("run")).plugins(plugins);
    let xqute = builder.jobs(specs.collect()).build().await;
    let summary = xqute.map_err(|error| error.to_string())?.run_until_complete().await;
    for (index, job) in (0..).zip(&jobs) {
        ended_well(index, job, &summary)?;
    }
    Ok(())
}

fn ended_well(index: u32, job: &Expected, summary: &RunSummary) -> Result<(), String> {
    let failed = summary.failures.iter().find(|failed| failed.job.0 == index);
    let outcome = failed.map_or(&Outcome::Succeeded, |failed| &failed.outcome);
    let as_expected = match outcome {
        // A veto of the plugin's own.
        Outcome::Cancelled(_) => return Ok(()),
        Outcome::Succeeded => job.exit_code == 0,
        Outcome::Failed(cause) => *cause == FailureCause::ExitCode(job.exit_code),
    };
    if !as_expected {
        let stderr = failed.map_or("", |failed| failed.stderr_tail.as_str());
        return Err(format!(
            "the job `{}` ended with exit code {} before, now: {outcome}\n{stderr}",
            job.command, job.exit_code
        ));
    }
    let file = summary.home.join(index.to_string()).join("job.stdout");
    let stdout = std::fs::read(&file).unwrap_or_default();
    if stdout != job.stdout.as_bytes() {
        return Err(format!(
            "the job `{}` wrote {:?} before, now: {:?}",
            job.command,
            job.stdout,
            String::from_utf8_lossy(&stdout)
        ));
    }
    Ok(())
}
