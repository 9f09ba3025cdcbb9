//! `xqute kill`: ends jobs of a run that lives.

use std::fmt::Write as _;

use xqute::{
    JobIndex,
    adapters::{control::protocol::Which, objects::Whereabouts, state::row::JobRow},
};

use super::{
    args::live::KillArgs,
    error::{Failure, Result},
    exit::Exit,
    live::{self, Wish},
    out,
    screen::printable_line,
};

/// Tells the jobs to end, all that were named or none, and says what was done.
pub(super) fn kill(args: &KillArgs, run: &Whereabouts) -> Result<Exit> {
    if args.jobs.is_empty() && !args.all {
        return Err(Failure::usage("it is not said which jobs are to end")
            .help("name them by index or name, or take all of them with --all"));
    }
    // Whether there is a run at all is said first; it does not wait while jobs are looked for.
    let client = live::connect(run, Wish::Kill)?;
    if args.all {
        client
            .kill(Which::All)
            .map_err(|error| live::not_done(error, run, Wish::Kill))?;
        out::print("all jobs that are not over are told to end\n")?;
        return Ok(Exit::Success);
    }
    drop(client);
    let jobs = find(args, run)?;
    let going: Vec<JobIndex> = jobs
        .iter()
        .filter(|job| job.outcome.is_none())
        .map(|job| job.index)
        .collect();
    let exit = if going.len() == jobs.len() {
        Exit::Success
    } else {
        Exit::JobsFailed
    };
    if !going.is_empty() {
        live::connect(run, Wish::Kill)?
            .kill(Which::Jobs(going))
            .map_err(|error| live::not_done(error, run, Wish::Kill))?;
    }
    out::print(&told(&jobs))?;
    Ok(exit)
}

/// Each job once, however often it was named.
fn find(args: &KillArgs, run: &Whereabouts) -> Result<Vec<JobRow>> {
    let reader = live::open(run)?;
    let mut jobs = Vec::new();
    for word in &args.jobs {
        jobs.extend(live::find(&reader, word)?);
    }
    jobs.sort_by_key(|job| job.index);
    jobs.dedup_by_key(|job| job.index);
    Ok(jobs)
}

fn told(jobs: &[JobRow]) -> String {
    let mut text = String::new();
    for job in jobs {
        let said = match &job.outcome {
            Some(outcome) => format!("is over already: {outcome}"),
            None => "is told to end".to_owned(),
        };
        let _infallible = match &job.spec.extras().name {
            Some(name) => writeln!(
                text,
                "job {} ({}) {}",
                job.index,
                printable_line(name),
                printable_line(&said)
            ),
            None => writeln!(text, "job {} {}", job.index, printable_line(&said)),
        };
    }
    text
}
