//! `xqute run --dry-run`: prints what would happen to each job, in an order that can be read and partly be run by hand.

use std::fmt::Write as _;

use xqute::{
    JobSpec, Xqute,
    adapters::jobfile::Places,
    dry_run::{DryBatch, DryJob, Planned},
};

use super::{
    error::{Failure, Result},
    exit::Exit,
    out,
    plugin::Wanted,
    resolve::RunPlan,
    run::cannot_build,
    screen::{Screen, printable_line},
};

/// Prints it. Exit code 1 when a job would not be submitted.
pub(super) async fn dry_run(
    plan: RunPlan,
    (jobs, places): (Vec<JobSpec>, Places),
    wanted: &Wanted<'_>,
    screen: &Screen,
) -> Result<Exit> {
    let plugins = wanted.load(&plan.scheduler, &[]).await?;
    let builder = Xqute::builder()
        .settings(plan.settings)
        .scheduler(plan.scheduler)
        .workdir(plan.workdir.to_string())
        .plugins(plugins)
        .jobs(jobs);
    let mut run = builder.dry_run().await.map_err(|error| cannot_build(&error, &places))?;
    let mut exit = Exit::Success;
    while let Some(DryBatch { jobs, programs }) = run.next().await {
        for job in &jobs {
            match shown(job) {
                Ok(text) => out::print(&text)?,
                Err(why) => {
                    exit = Exit::JobsFailed;
                    let job = job.attempt.job;
                    Failure::new(exit, anyhow::anyhow!("job {job} would not be submitted: {why}")).show(screen);
                }
            }
        }
        for planned in &programs {
            out::print(&command_line(planned))?;
        }
    }
    Ok(exit)
}

/// A job's script below a line that says whose it is.
fn shown(job: &DryJob) -> std::result::Result<String, &String> {
    let script = job.script.as_ref()?;
    let mut text = format!("# job {}, {}", job.attempt.job, printable_line(&job.attempt.name));
    let _infallible = match script {
        Some(script) => write!(
            text,
            ": {}\n{}\n",
            printable_line(&job.attempt.script.to_string()),
            String::from_utf8_lossy(script)
        ),
        None => write!(text, ", started directly\n{}\n\n", job.attempt.command()),
    };
    Ok(text)
}

/// A program as one would type it, with what it reads below it.
fn command_line(planned: &Planned) -> String {
    let words = std::iter::once(&planned.program).chain(&planned.args);
    let line = words.map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    let mut text = format!("# plugin {} would run\n{line}", planned.plugin);
    if planned.stdin.is_empty() {
        text.push_str("\n\n");
    } else {
        let input = String::from_utf8_lossy(&planned.stdin);
        let _infallible = write!(
            text,
            " <<'END_OF_INPUT'\n{}\nEND_OF_INPUT\n\n",
            input.trim_end_matches('\n')
        );
    }
    text
}

/// A word for bash. Most options have a `=` in them, which needs no quotes.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "%+,-./:=@_".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        // A NUL would have been refused.
        false => shlex::try_quote(word).unwrap_or_default().into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_shown_as_one_would_type_it() {
        let planned = |args: &[&str], stdin: &str| {
            command_line(&Planned {
                plugin: "slurm".to_owned(),
                program: "sbatch".to_owned(),
                args: args.iter().map(ToString::to_string).collect(),
                stdin: stdin.into(),
            })
        };
        assert_eq!(
            planned(&["--parsable", "--comment=a b", ""], ""),
            "# plugin slurm would run\nsbatch --parsable '--comment=a b' ''\n\n"
        );
        assert_eq!(
            planned(&[], "#!/bin/bash\n"),
            "# plugin slurm would run\nsbatch <<'END_OF_INPUT'\n#!/bin/bash\nEND_OF_INPUT\n\n"
        );
    }
}
