//! Puts the page together.

use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use xqute::{JobIndex, StopCause, model::outcome::signal_name};

use super::{
    axis::{Axis, WIDTH},
    bars::{self, Bar, MOST_BARS, MOST_ROWS},
    charts, curve,
    gather::{Facts, Gather},
    histogram, slots,
    span::{Kind, sane},
    tables,
    text::{self, count, counted, duration, html, moment, share},
};

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// What every page starts with.
pub(in crate::cli) const MARK: &str = "<!doctype html>\n<!-- xqute report ";

/// The page about everything that was gathered. `stderr` gives the last lines of what a job wrote to its stderr.
pub(in crate::cli) fn page(gathered: Gather, stderr: &dyn Fn(JobIndex) -> String) -> String {
    let mut facts = gathered.finish();
    let drawing = Drawing::of(&mut facts);
    let title = html(&title(&facts));
    let digest = format!("sha256-{}", base64(&Sha256::digest(SCRIPT)));
    fill(&[
        ("digest", &digest),
        ("title", &title),
        ("style", STYLE),
        ("body", &body(&facts, &drawing, stderr)),
        ("data", &text::json(&drawing.data(&facts))),
        ("script", SCRIPT),
    ])
}

/// Puts values into the page's places, once each: what looks like a place in a value is none.
fn fill(values: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut parts = PAGE.split("{{");
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (place, rest) = part.split_once("}}").unwrap_or(("", part));
        let value = values.iter().find(|(name, _)| *name == place);
        out.push_str(value.map_or("", |(_, value)| *value));
        out.push_str(rest);
    }
    out
}

/// When attempts ran, ready to be drawn.
struct Drawing {
    axis: Axis,
    bars: Vec<Bar>,
    slots: u32,
    running: Vec<f64>,
}

impl Drawing {
    fn of(facts: &mut Facts) -> Self {
        let in_slots = slots::assign(&mut facts.spans);
        let (from, to) = (sane(facts.head.started), sane(facts.head.over));
        let axis = Axis::new(from, to, &facts.spans);
        Self {
            bars: bars::draw(&facts.spans, &in_slots, &axis, MOST_BARS),
            slots: slots::count(&in_slots),
            running: curve::running(&facts.spans, &axis),
            axis,
        }
    }

    /// What the page's script needs to say more about a place in the drawing.
    fn data(&self, facts: &Facts) -> Value {
        if self.slots == 0 {
            return json!({});
        }
        let start = self.axis.start();
        let bars: Vec<_> = self.bars.iter().map(|bar| self.bar(bar)).collect();
        let alone = self.bars.iter().filter(|bar| bar.count == 1).map(|bar| bar.first.job);
        let labels: serde_json::Map<_, _> = alone
            .filter_map(|job| Some((job.to_string(), json!(facts.labels.get(&job)?))))
            .collect();
        let pieces = self.axis.pieces().iter();
        let pieces: Vec<_> = pieces
            .map(|piece| {
                json!([
                    piece.from - start,
                    piece.to - start,
                    piece.x0.round(),
                    piece.x1.round(),
                    piece.cut
                ])
            })
            .collect();
        let running: Vec<_> = self.running.iter().map(|now| (now * 100.0).round() / 100.0).collect();
        json!({
            "start": start / 1000, "width": WIDTH, "row": charts::row_height(self.slots.min(MOST_ROWS)),
            "kinds": Kind::ALL.map(Kind::words), "retried": Kind::Retried as u8, "pieces": pieces, "running": running,
            "bars": bars, "labels": labels,
        })
    }

    fn bar(&self, bar: &Bar) -> Value {
        let first = &bar.first;
        let (x, width) = (bar.x0.round() as i64, (bar.x1 - bar.x0).round() as i64);
        let since = first.start - self.axis.start();
        json!([
            bar.slot,
            x,
            width,
            bar.kind as u8,
            bar.count,
            first.job,
            first.attempt,
            since,
            bar.micros
        ])
    }
}

fn title(facts: &Facts) -> String {
    format!(
        "{} on {}",
        counted(facts.tally.jobs, "job"),
        text::clean(&facts.head.scheduler, 100)
    )
}

fn body(facts: &Facts, drawing: &Drawing, stderr: &dyn Fn(JobIndex) -> String) -> String {
    let mut out = head(facts);
    out.push_str(&tiles(facts, drawing.slots));
    if facts.tally.jobs > 0 {
        out.push_str(&charts::shares(facts));
    }
    if drawing.slots > 0 {
        let timeline = charts::timeline(&drawing.axis, &drawing.bars, drawing.slots, &drawing.running);
        section(&mut out, "Timeline", &charts::places(drawing.slots), &timeline);
    }
    if facts.tally.failed > 0 {
        section(
            &mut out,
            "Failed jobs",
            &count(facts.tally.failed),
            &tables::failed(facts, stderr),
        );
    }
    if facts.tally.jobs > 0 {
        out.push_str("<section class=\"two\">");
        section(&mut out, "How jobs ended", "", &charts::causes(facts));
        if drawing.slots > 0 {
            section(
                &mut out,
                "How long attempts took",
                &middle(facts),
                &histogram::histogram(&facts.spans),
            );
        }
        out.push_str("</section>");
    }
    if !facts.slowest.is_empty() {
        section(
            &mut out,
            "Slowest jobs",
            "all attempts of a job together",
            &tables::slowest(facts),
        );
        let mut used = tables::sums(facts);
        if !facts.greedy.is_empty() {
            used.push_str(&tables::greedy(facts));
        }
        section(&mut out, "What jobs used", "", &used);
    }
    let _infallible = write!(
        out,
        "<footer>Written by xqute {}. Times of day are UTC; the timeline counts from the start of the run.</footer>",
        env!("CARGO_PKG_VERSION")
    );
    out
}

fn section(out: &mut String, title: &str, more: &str, body: &str) {
    let more = match more {
        "" => String::new(),
        more => format!("<small>{more}</small>"),
    };
    let _infallible = write!(out, "<section><h2>{title}{more}</h2>{body}</section>");
}

fn head(facts: &Facts) -> String {
    let head = &facts.head;
    let lasted = sane(head.over).saturating_sub(sane(head.started));
    let mut out = format!(
        "<header><h1>{}</h1><p class=\"verdict\">{}</p><dl class=\"facts\">",
        html(&title(facts)),
        html(&verdict(facts))
    );
    let rows = [
        ("Started", moment(head.started)),
        ("Over", format!("{}, after {}", moment(head.over), duration(lasted))),
        ("Workdir", text::clean(&head.workdir, 4096)),
        ("Run", text::clean(&head.tag, 100)),
    ];
    for (what, value) in rows {
        let _infallible = write!(out, "<dt>{what}</dt><dd>{}</dd>", html(&value));
    }
    out.push_str("</dl></header>");
    out
}

/// The run in a sentence or two.
fn verdict(facts: &Facts) -> String {
    let tally = &facts.tally;
    let stopped = match facts.head.stopped {
        None => String::new(),
        Some(StopCause::Halted) => "Halted after the first failure. ".to_owned(),
        Some(StopCause::TooManyFailures) => "Stopped after too many failures. ".to_owned(),
        Some(StopCause::PluginFailed) => "Halted after a plugin failed. ".to_owned(),
        Some(StopCause::WorkdirGone) => "Stopped after its workdir was removed. ".to_owned(),
        Some(StopCause::Signal(signal)) => format!("Stopped by {}. ", signal_name(signal)),
    };
    let jobs = match (tally.jobs, tally.succeeded) {
        (0, _) => "Nothing was run.".to_owned(),
        (1, 1) => "It succeeded.".to_owned(),
        (1, _) => "It did not succeed.".to_owned(),
        (jobs, good) if jobs == good => "All of them succeeded.".to_owned(),
        (_, 0) => "None of them succeeded.".to_owned(),
        (jobs, good) => format!("{} of them did not succeed.", count(jobs - good)),
    };
    format!("{stopped}{jobs}")
}

fn tiles(facts: &Facts, slots: u32) -> String {
    let tally = &facts.tally;
    let mut tiles: Vec<(String, String)> = Vec::new();
    let outcomes = [
        (Kind::Succeeded, tally.succeeded, true),
        (Kind::Failed, tally.failed, true),
        (Kind::Cancelled, tally.cancelled, tally.cancelled > 0),
        (Kind::Unfinished, tally.unfinished, tally.unfinished > 0),
    ];
    for (kind, number, _) in outcomes.into_iter().filter(|(_, _, shown)| *shown) {
        let part = html(&share(number, tally.jobs));
        let what = format!("{}{} <i>{part}</i>", charts::dot(kind), kind.words());
        tiles.push((count(number), what));
    }
    if tally.retries > 0 {
        let what = if tally.retries == 1 { "retry" } else { "retries" };
        tiles.push((count(tally.retries), what.to_owned()));
    }
    if slots > 0 {
        tiles.push((count(slots.into()), "at most at once".to_owned()));
        let (from, to) = (sane(facts.head.started), sane(facts.head.over));
        tiles.push((duration(to.saturating_sub(from)), "from start to end".to_owned()));
    }
    let tiles = tiles.into_iter();
    let tiles: String = tiles
        .map(|(number, what)| format!("<div><b>{number}</b><span>{what}</span></div>"))
        .collect();
    format!("<div class=\"tiles\">{tiles}</div>")
}

/// What is usual.
fn middle(facts: &Facts) -> String {
    let mut times: Vec<_> = facts.spans.iter().map(super::span::Span::micros).collect();
    times.sort_unstable();
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
    match times.len() {
        0..=2 => String::new(),
        _ => format!("half within {}, 95 % within {}", duration(at(50)), duration(at(95))),
    }
}

/// As content security policies want it.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let number = three
            .iter()
            .fold(0_usize, |number, byte| number << 8 | usize::from(*byte));
        let number = number << (8 * (3 - three.len()));
        for digit in 0..4 {
            let value = number >> (18 - 6 * digit) & 63;
            let known = DIGITS.get(value).filter(|_| digit <= three.len());
            out.push(known.map_or('=', |digit| char::from(*digit)));
        }
    }
    out
}
