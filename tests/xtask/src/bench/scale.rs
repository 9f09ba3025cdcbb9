//! A million jobs through a scheduler that does nothing, waiting jobs, resuming, and how soon an outcome is recorded: all
//! by `host/examples/scale.rs`.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use super::{
    Effort,
    place::Place,
    table::{self, Target},
};
use crate::program::program;

/// Measures all of it, each in a process of its own.
pub(super) fn run(place: &Place, effort: Effort) -> Result<()> {
    let scale = place.example("scale");
    let (few, many) = (effort.many / 100, effort.many);
    let ask = |args: &[&str], figure: &str| ask(&scale, place, args, figure);
    let time = |jobs: u32| Ok::<_, anyhow::Error>(ask(&["run", &jobs.to_string()], "seconds")? / f64::from(jobs));
    time(few)?;
    let (few_each, many_each) = (time(few)?, time(many)?);
    let waiting = ask(&["wait", &many.to_string()], "bytes")?;
    let half = place.path("half").display().to_string();
    // It ends without a word.
    ensure!(
        program(&scale)
            .args(["half", &many.to_string(), &half])
            .status()?
            .success(),
        "scale half failed"
    );
    let resumed = ask(&["resume", &many.to_string(), &half], "seconds")?;
    let soon = place.path("soon").display().to_string();
    let latency = |figure: &str| ask(&["latency", "500", &soon], figure);
    let row = |what: String, figure: String, target: String| vec![what, figure, target];
    let rows = [
        row(
            format!("{many} jobs through a scheduler that does nothing"),
            format!("{:.0} jobs/s", 1.0 / many_each),
            Target::AtLeast(30_000.0).judge(1.0 / many_each),
        ),
        row(
            format!("cost of a job at {many}, to that at {few}"),
            format!("{:.2}", many_each / few_each),
            Target::AtMost(1.2).judge(many_each / few_each),
        ),
        row(
            format!("memory of a waiting job, of {many}"),
            format!("{waiting:.0} bytes"),
            Target::AtMost(600.0).judge(waiting),
        ),
        row(
            format!("resuming {many} jobs, half of them done, to the first submission"),
            format!("{resumed:.2} s"),
            Target::AtMost(5.0).judge(resumed),
        ),
        latency_row("median", latency("median_ms")?, 2.0),
        latency_row("99th percentile", latency("p99_ms")?, 10.0),
    ];
    table::print("Scale", &["", "", "target"], &rows);
    Ok(())
}

fn latency_row(which: &str, figure: f64, most: f64) -> Vec<String> {
    vec![
        format!("from a job's last act to its recorded outcome, {which}"),
        format!("{figure:.2} ms"),
        Target::AtMost(most).judge(figure),
    ]
}

/// Runs the example and reads one figure of the line that it prints.
fn ask(scale: &Path, place: &Place, args: &[&str], figure: &str) -> Result<f64> {
    let output = program(scale).args(args).env("TMPDIR", place.path("")).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success(),
        "scale {} failed: {}",
        args.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    read(&text, figure).with_context(|| format!("scale {} said {text:?}", args.join(" ")))
}

fn read(line: &str, figure: &str) -> Option<f64> {
    let (_, rest) = line.split_once(&format!("\"{figure}\": "))?;
    rest.split([',', '}']).next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_by_their_names() {
        assert_eq!(read("{\"a\": 1.5, \"b\": 2}\n", "b"), Some(2.0));
        assert_eq!(read("{\"a\": 1.5, \"b\": 2}\n", "a"), Some(1.5));
        assert_eq!(read("{}", "a"), None);
    }
}
