//! Many small jobs on a real Slurm: how long, and how often Slurm is asked.

use std::{
    env,
    ffi::OsString,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};

use super::{
    Effort,
    measure::{Samples, Side, side_by_side},
    place::Place,
    table::{self, Target},
    yardstick::write_scripts,
};
use crate::program::{on_path, program};

const JOBS: usize = 200;
const FEW_JOBS: usize = 20;

/// The host never asks more often than twice a second, whatever the number of jobs.
const MOST_QUERIES_PER_SECOND: f64 = 2.0;

/// Submits the listed scripts one by one, then waits for what each of them writes last but one.
const SEQUENTIAL: &str = r#"
while read -r script; do
    sbatch --parsable --output=/dev/null "$script" > /dev/null || exit
done < "$1"
while read -r script; do
    until [ -e "${script%/*}/job.rc" ]; do sleep 0.01; done
done < "$1"
"#;

/// Beside a sequential loop of `sbatch`.
pub(super) fn run(place: &Place, effort: Effort) -> Result<()> {
    let counting = Counting::make(place)?;
    let sides = vec![
        Side::new("sbatch, one by one, and waiting", || sequential(place)),
        Side::new("xqute run -s slurm", || xqute(place, &counting, JOBS)),
    ];
    let samples = side_by_side(effort.slurm_rounds, sides)?;
    let many = counting.take()? / effort.slurm_rounds;
    let few = vec![Side::new("xqute run -s slurm", || xqute(place, &counting, FEW_JOBS))];
    let few_samples = side_by_side(effort.slurm_rounds, few)?;
    let few = counting.take()? / effort.slurm_rounds;
    let ([theirs, ours], [ours_few]) = (samples.as_slice(), few_samples.as_slice()) else {
        return Ok(());
    };
    let ratio = ours.against(theirs, |ours, theirs| {
        ours.wall.as_secs_f64() / theirs.wall.as_secs_f64()
    });
    let header = ["", "jobs", "time", "of sbatch", "target"];
    let rows = [
        row(theirs, JOBS, &[]),
        row(ours, JOBS, &[format!("{ratio:.2}"), Target::AtMost(1.5).judge(ratio)]),
    ];
    table::print("Slurm: `true`", &header, &rows);
    let header = ["", "jobs", "time", "status queries", "a second", "target: one a poll"];
    let rows = [queries(ours_few, FEW_JOBS, few), queries(ours, JOBS, many)];
    table::print("Slurm: how often squeue is run", &header, &rows);
    Ok(())
}

fn row(samples: &Samples, jobs: usize, more: &[String]) -> Vec<String> {
    let mut cells = vec![
        samples.name.clone(),
        jobs.to_string(),
        format!("{:.2} s", samples.seconds()),
    ];
    cells.extend_from_slice(more);
    cells
}

fn queries(samples: &Samples, jobs: usize, queries: usize) -> Vec<String> {
    let seconds = samples.seconds();
    #[expect(clippy::cast_precision_loss, reason = "there are not that many")]
    let rate = queries as f64 / seconds;
    let target = Target::AtMost(MOST_QUERIES_PER_SECOND).judge(rate);
    row(samples, jobs, &[queries.to_string(), format!("{rate:.2}"), target])
}

fn sequential(place: &Place) -> Result<Command> {
    let list = write_scripts(&place.path("scripts"), JOBS)?;
    let mut bash = program("bash");
    bash.args(["-c", SEQUENTIAL, "bash"])
        .arg(list)
        .current_dir(place.folder())
        .stdout(Stdio::null());
    Ok(bash)
}

fn xqute(place: &Place, counting: &Counting, jobs: usize) -> Result<Command> {
    let file = place.job_file(jobs)?;
    let mut xqute = place.xqute(&["slurm"])?;
    xqute
        .env("PATH", &counting.path)
        .args(["--scheduler", "slurm", "--forks", &jobs.to_string()])
        .arg(file);
    Ok(xqute)
}

/// A PATH on which `squeue` counts how often it is run.
struct Counting {
    path: OsString,
    calls: std::path::PathBuf,
}

impl Counting {
    fn make(place: &Place) -> Result<Self> {
        let folder = place.empty("counting")?;
        let calls = folder.join("calls");
        let real = on_path("squeue").context("SLURM_CONF is set, but squeue is not on PATH")?;
        let script = format!(
            "#!/bin/sh\necho \"$#\" >> '{}'\nexec '{}' \"$@\"\n",
            calls.display(),
            real.display()
        );
        write_program(&folder.join("squeue"), &script)?;
        let old = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([folder].into_iter().chain(env::split_paths(&old)))?;
        Ok(Self { path, calls })
    }

    /// How often, since it was last asked.
    fn take(&self) -> Result<usize> {
        let calls = fs::read_to_string(&self.calls).context("squeue was never run, so nothing was counted")?;
        fs::remove_file(&self.calls)?;
        Ok(calls.lines().count())
    }
}

fn write_program(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text)?;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))?;
    Ok(())
}
