//! `xqute feed`: gives more jobs to a run that listens.

use camino::Utf8Path;
use xqute::{
    JobSpec,
    adapters::{
        control::client::NotDone,
        jobfile::{Places, Rules},
        objects::Whereabouts,
    },
};

use super::{
    args::live::FeedArgs,
    error::{Failure, Result},
    exit::Exit,
    input,
    live::{self, Wish},
    out,
};

/// Reads and checks all jobs, feeds them, and says that no more come, as far as that was asked for.
pub(super) fn feed(args: &FeedArgs, run: &Whereabouts, here: &Utf8Path) -> Result<Exit> {
    let has_jobs = !args.files.is_empty() || !args.command.is_empty();
    if !has_jobs && !args.stop {
        return Err(Failure::usage("there is nothing to feed").help(
            "name a job file, give jobs on standard input with -, or a command behind --; --stop says that no more come",
        ));
    }
    // Somebody who waits for jobs on standard input should know at once that nobody takes them.
    drop(live::connect(run, Wish::Feed)?);
    let rules = Rules {
        here: here.to_owned(),
        // The run knows whether its jobs start on this machine.
        cwd_exists: false,
    };
    let (jobs, places) = input::read_all(&args.files, &args.command, &rules)?;
    if jobs.is_empty() && has_jobs {
        out::print("there were no jobs to feed\n")?;
    } else if has_jobs {
        out::print(&accept(&jobs, &places, run)?)?;
    }
    if args.stop {
        let stopped = live::connect(run, Wish::Feed)?.stop_feeding();
        stopped.map_err(|error| live::not_done(error, run, Wish::Feed))?;
        out::print("feeding is stopped: the run ends when its last job is done\n")?;
    }
    Ok(Exit::Success)
}

fn accept(jobs: &[JobSpec], places: &Places, run: &Whereabouts) -> Result<String> {
    let first = live::connect(run, Wish::Feed)?
        .feed(jobs)
        .map_err(|error| match error {
            NotDone::Refused { why, job: Some(job) } => {
                let place = places.of(job).unwrap_or_else(|| "the command behind --".to_owned());
                Failure::usage(format!("{place}: {why}")).help("none of the jobs was taken")
            }
            error => live::not_done(error, run, Wish::Feed),
        })?;
    Ok(match jobs.len() {
        1 => format!("accepted 1 job, {first}\n"),
        count => {
            let last = u64::from(first.0) + count as u64 - 1;
            format!("accepted {count} jobs, {first} to {last}\n")
        }
    })
}
