//! One small job: what it costs to start.

use anyhow::Result;

use super::{
    Effort,
    measure::{Samples, Side, side_by_side},
    place::Place,
    table::{self, Target},
};
use crate::program::program;

/// Plugins that take part in a run without being named further.
const SIX: [&str; 6] = ["hello", "journal", "all_hooks", "wasi_hello", "slurm", "fake_sched"];

/// Beside bash, with and without a plugin, with and without its compiled code in the cache.
pub(super) fn run(place: &Place, effort: Effort) -> Result<()> {
    let xqute = |plugins: &[&str]| {
        let mut xqute = place.xqute(plugins)?;
        xqute.args(["--", "true"]);
        Ok(xqute)
    };
    let cold = || {
        let mut cold = xqute(&["hello"])?;
        cold.env("XDG_CACHE_HOME", place.empty("cold")?);
        Ok(cold)
    };
    let sides = || {
        let mut sides = vec![
            Side::new("bash -c true", || {
                let mut bash = program("bash");
                bash.args(["-c", "true"]);
                Ok(bash)
            }),
            Side::new("xqute run -- true", || xqute(&[])),
            Side::new("the same with a plugin, cache warm", || xqute(&["hello"])),
            Side::new("the same with a plugin, cache cold", cold),
            Side::new("the same with six plugins, cache warm", || xqute(&SIX)),
        ];
        if place.has("hello-python") {
            let python = || xqute(&["hello-python"]);
            sides.push(Side::new("the same with one in Python, cache warm", python));
        }
        sides
    };
    side_by_side(1, sides())?;
    let samples = side_by_side(effort.short_rounds, sides())?;
    let [bash, bare, warm, cold, six, python @ ..] = samples.as_slice() else {
        return Ok(());
    };
    let mut rows = vec![
        row(bash, None),
        row(bare, Some((bash, 30.0))),
        row(warm, Some((bare, 15.0))),
        row(cold, Some((bare, 300.0))),
        row(six, Some((bare, 30.0))),
    ];
    rows.extend(python.iter().map(|python| row(python, Some((bare, 30.0)))));
    table::print(
        "Start-up: one job",
        &["", "wall time", "more than", "by", "target in ms"],
        &rows,
    );
    Ok(())
}

/// The time of one side, and how much more than another one's it is.
fn row(side: &Samples, beside: Option<(&Samples, f64)>) -> Vec<String> {
    let mut cells = vec![side.name.clone(), format!("{:.1} ms", side.seconds() * 1000.0)];
    if let Some((other, most)) = beside {
        let more = side.against(other, |ours, theirs| {
            (ours.wall.as_secs_f64() - theirs.wall.as_secs_f64()) * 1000.0
        });
        cells.extend([
            other.name.clone(),
            format!("{more:.1} ms"),
            Target::AtMost(most).judge(more),
        ]);
    }
    cells
}
