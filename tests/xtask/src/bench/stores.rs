//! The same jobs with their workdir on this machine and in each store: what the copying costs, requests being under way side by
//! side. The stores are emulators on this machine, and take their share of its processors.

use std::{env, path::Path, process::Command};

use anyhow::Result;

use super::{
    Effort,
    measure::{Samples, Side, side_by_side},
    place::Place,
    table::{self, Target},
};

/// How many jobs.
const JOBS: usize = 200;

/// How much of the time of the workdir on this machine the others may take.
const TARGET: f64 = 3.0;

/// What jobs do, how many at a time, and whether the target is for them: those that do nothing at all are over before one of their
/// files can be anywhere else.
const WORK: [(&str, &str, bool); 2] = [("sleep 0.5", "8", true), ("true", "2", false)];

/// Each kind of work with each workdir.
pub(super) fn run(place: &Place, effort: Effort) -> Result<()> {
    let Ok(bucket) = env::var("XQUTE_TEST_STORES") else {
        println!("\nstores: NOT MEASURED; --services starts them (as root, on Debian)");
        return Ok(());
    };
    for (work, forks, counts) in WORK {
        let local = Side::new("on this machine", || xqute(place, place.xqute(&[])?, work, forks));
        let mut sides = vec![local];
        for service in ["s3", "gs", "az"] {
            let (mut round, bucket, id) = (0, &bucket, std::process::id());
            sides.push(Side::new(service, move || {
                // Each in a place of its own: to remove what was there is another thing.
                round += 1;
                let workdir = format!("{service}://{bucket}/bench-{id}/{work}-{round}");
                xqute(place, place.xqute_in(Path::new(&workdir), &[])?, work, forks)
            }));
        }
        let samples = side_by_side(effort.backend_rounds, sides)?;
        let Some((local, stores)) = samples.split_first() else {
            continue;
        };
        let seconds = |samples: &Samples| format!("{:.2} s", samples.seconds());
        let mut rows = vec![vec![local.name.clone(), seconds(local)]];
        for store in stores {
            let ratio = store.against(local, |store, local| {
                store.wall.as_secs_f64() / local.wall.as_secs_f64()
            });
            let mut row = vec![store.name.clone(), seconds(store), format!("{ratio:.2}")];
            if counts {
                row.push(Target::AtMost(TARGET).judge(ratio));
            }
            rows.push(row);
        }
        let header = ["workdir", "time", "times that of this machine", "target"];
        table::print(&format!("{JOBS} jobs of `{work}`, {forks} at a time"), &header, &rows);
    }
    Ok(())
}

fn xqute(place: &Place, mut xqute: Command, work: &str, forks: &str) -> Result<Command> {
    let file = place.path("work.txt");
    std::fs::write(&file, format!("{work}\n").repeat(JOBS))?;
    xqute.args(["--forks", forks]).arg(file);
    Ok(xqute)
}
