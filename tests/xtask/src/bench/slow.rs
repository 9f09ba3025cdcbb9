//! An observer that takes 10 ms for each job: whether jobs wait for it.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};

use super::{
    Effort,
    measure::median,
    place::Place,
    table::{self, Target},
};
use crate::program::status;

/// How long the jobs of a run took, beside those of a run without an observer. The end of the run is not measured: it waits
/// until the observer was told everything.
pub(super) fn observer(place: &Place, effort: Effort) -> Result<()> {
    fs::write(
        place.path("slow.toml"),
        "[plugins.wasi-hello]\noptions = { slow = \"10\" }\n",
    )?;
    let jobs = place.job_file(effort.jobs)?;
    let seconds = |plugins: &[&str]| {
        let events = place.path("events.jsonl");
        let mut xqute = place.xqute(plugins)?;
        xqute.args([
            "--forks",
            super::throughput::IN_FLIGHT,
            "--config",
            "slow.toml",
            "--events",
        ]);
        ensure!(status(xqute.arg(&events).arg(&jobs))?.success(), "xqute run failed");
        span(&events)
    };
    let (mut bare, mut slow, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..effort.rounds {
        let (without, with) = (seconds(&[])?, seconds(&["wasi_hello"])?);
        bare.push(without);
        slow.push(with);
        ratios.push(without / with);
    }
    #[expect(clippy::cast_precision_loss, reason = "there are not that many jobs")]
    let per_second = |seconds: Vec<f64>| format!("{:.0}", effort.jobs as f64 / median(seconds));
    let ratio = median(ratios);
    let rows = [
        vec!["no plugin".to_owned(), per_second(bare)],
        vec![
            "an observer that takes 10 ms a job".to_owned(),
            per_second(slow),
            format!("{ratio:.2}"),
            Target::AtLeast(0.9).judge(ratio),
        ],
    ];
    let title = format!("Slow observer: {} x `true`, until the last job has ended", effort.jobs);
    table::print(&title, &["", "jobs/s", "of no plugin", "target"], &rows);
    Ok(())
}

/// Seconds from the first event to the end of the last job.
fn span(events: &Path) -> Result<f64> {
    let text = fs::read_to_string(events)?;
    let first = text.lines().next().and_then(second_of_day);
    let last = text
        .lines()
        .rfind(|line| line.contains("\"event\":\"ended\""))
        .and_then(second_of_day);
    let (first, last) = first
        .zip(last)
        .with_context(|| format!("{} has no times", events.display()))?;
    Ok(if last < first {
        last + 86_400.0 - first
    } else {
        last - first
    })
}

/// Of `"at":"2026-01-31T23:59:59.999999Z"`.
fn second_of_day(line: &str) -> Option<f64> {
    let (_, time) = line.split_once("\"at\":\"")?.1.split_once('T')?;
    let mut parts = time.split_once('Z')?.0.split(':').map(str::parse::<f64>);
    let mut part = || parts.next()?.ok();
    Some(part()? * 3600.0 + part()? * 60.0 + part()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        assert_eq!(
            second_of_day(r#"{"at":"2026-01-31T01:02:03.5Z","event":"ended"}"#),
            Some(3723.5)
        );
        assert_eq!(second_of_day("{}"), None);
    }
}
