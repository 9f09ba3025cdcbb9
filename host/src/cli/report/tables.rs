//! The tables of the page: failed jobs, slow jobs, and what jobs used.

use std::fmt::Write as _;

use xqute::model::job::JobIndex;

use super::{
    charts::dot,
    gather::{Facts, Shown},
    span::Span,
    text::{bytes, clean, count, counted, duration, html, share},
};

/// How many failed jobs are shown at once.
const FIRST: usize = 10;
/// The most characters that are shown of what a job wrote.
const STDERR: usize = 10_000;

/// The failed jobs. `stderr` gives the last lines of what a job wrote.
pub(super) fn failed(facts: &Facts, stderr: &dyn Fn(JobIndex) -> String) -> String {
    let list = |jobs: &[Shown]| {
        let items: String = jobs
            .iter()
            .map(|job| failed_job(job, &stderr(JobIndex(job.job))))
            .collect();
        format!("<ul class=\"failed\">{items}</ul>")
    };
    let (first, rest) = facts.failed.split_at(facts.failed.len().min(FIRST));
    let mut out = list(first);
    if !rest.is_empty() {
        let _infallible = write!(
            out,
            "<details class=\"rest\"><summary>{}</summary>{}</details>",
            counted(rest.len() as u64, "more failed job"),
            list(rest)
        );
    }
    let untold = facts.tally.failed.saturating_sub(facts.failed.len() as u64);
    if untold > 0 {
        let _infallible = write!(
            out,
            "<p class=\"note\">{} not shown here; their files are in the workdir.</p>",
            if untold == 1 {
                "1 more is".to_owned()
            } else {
                format!("{} more are", count(untold))
            }
        );
    }
    out
}

fn failed_job(job: &Shown, stderr: &str) -> String {
    let mut how = vec![duration(job.wall)];
    if job.attempts > 1 {
        how.push(format!("{} attempts", count(job.attempts.into())));
    }
    let stderr = match stderr.trim_end() {
        "" => String::new(),
        text => format!(
            "<details><summary>The end of its stderr</summary><pre class=\"stderr\">{}</pre></details>",
            html(&clean(text, STDERR))
        ),
    };
    format!(
        "<li><div class=\"what\"><b>job {} · {}</b><span class=\"why\">{}</span><span class=\"how\">{}</span></div>\
         <pre class=\"cmd\">{}</pre>{stderr}</li>",
        job.job,
        html(&job.name),
        html(&job.ending),
        how.join(", "),
        html(&job.command)
    )
}

/// The jobs that took longest.
pub(super) fn slowest(facts: &Facts) -> String {
    let retried = facts.slowest.iter().any(|job| job.attempts > 1);
    let mut out = String::from(
        "<div class=\"scroll\"><table class=\"rows\"><thead><tr><th class=\"n\">Job</th><th>Name</th><th class=\"n\">Took</th>",
    );
    if retried {
        out.push_str("<th class=\"n\">Attempts</th>");
    }
    out.push_str("<th>Outcome</th><th>Command</th></tr></thead><tbody>");
    for job in &facts.slowest {
        let _infallible = write!(
            out,
            "<tr><td class=\"n\">{}</td><td class=\"name\">{}</td><td class=\"n\">{}</td>",
            job.job,
            html(&job.name),
            duration(job.wall)
        );
        if retried {
            let _infallible = write!(out, "<td class=\"n\">{}</td>", count(job.attempts.into()));
        }
        let _infallible = write!(
            out,
            "<td>{}{}</td>{}</tr>",
            dot(job.kind),
            job.kind.words(),
            command(job)
        );
    }
    out.push_str("</tbody></table></div>");
    out
}

fn command(job: &Shown) -> String {
    let command = html(&job.command);
    format!("<td class=\"cmd\" title=\"{command}\"><code>{command}</code></td>")
}

/// What jobs used, in sums.
pub(super) fn sums(facts: &Facts) -> String {
    let wall = facts.spans.iter().map(Span::micros).fold(0, i64::saturating_add);
    let mut sums = vec![("running, all attempts together", duration(wall))];
    let used = &facts.used;
    if used.jobs > 0 {
        sums.push(("processor, user mode", duration(used.user)));
        sums.push(("processor, kernel", duration(used.system)));
        sums.push(("most memory of one attempt", bytes(used.memory)));
    }
    let sums = sums
        .into_iter()
        .map(|(what, sum)| format!("<div><dt>{what}</dt><dd>{sum}</dd></div>"));
    let mut out = format!("<dl class=\"sums\">{}</dl>", sums.collect::<String>());
    if used.jobs == 0 {
        out.push_str("<p class=\"note\">Nobody counted the processor time and the memory of these jobs.</p>");
    } else if used.jobs < facts.tally.jobs {
        let _infallible = write!(
            out,
            "<p class=\"note\">Processor time and memory are known of {} ({}).</p>",
            counted(used.jobs, "job"),
            html(&share(used.jobs, facts.tally.jobs))
        );
    }
    out
}

/// The jobs that used much.
pub(super) fn greedy(facts: &Facts) -> String {
    let mut out = String::from("<div class=\"tall\"><table class=\"rows sortable\"><thead><tr>");
    for (head, sort) in [
        ("Job", ""),
        ("Memory", " aria-sort=\"descending\""),
        ("User", ""),
        ("System", ""),
        ("Took", ""),
    ] {
        let _infallible = write!(
            out,
            "<th class=\"n\"{sort}><button type=\"button\">{head}</button></th>"
        );
    }
    out.push_str("<th>Name</th><th>Outcome</th><th>Command</th></tr></thead><tbody>");
    for job in &facts.greedy {
        let used = job.used.unwrap_or_default();
        out.push_str("<tr>");
        for (value, shown) in [
            (i64::from(job.job), job.job.to_string()),
            (i64::try_from(used.memory).unwrap_or(i64::MAX), bytes(used.memory)),
            (used.user, duration(used.user)),
            (used.system, duration(used.system)),
            (job.wall, duration(job.wall)),
        ] {
            let _infallible = write!(out, "<td class=\"n\" data-v=\"{value}\">{shown}</td>");
        }
        let _infallible = write!(
            out,
            "<td class=\"name\">{}</td><td>{}{}</td>{}</tr>",
            html(&job.name),
            dot(job.kind),
            job.kind.words(),
            command(job)
        );
    }
    out.push_str("</tbody></table></div>");
    out
}
