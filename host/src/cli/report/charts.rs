//! The drawings of the page: the timeline with the curve above it, and the two lists with bars.

use std::fmt::Write as _;

use super::{
    axis::{Axis, Piece, WIDTH},
    bars::{Bar, MOST_ROWS},
    curve::COLUMNS,
    gather::Facts,
    span::Kind,
    text::{count, counted, duration, html, share},
};

/// How high the curve is.
const CURVE: f64 = 84.0;

/// The timeline: how many attempts ran at once, and each attempt in its slot.
pub(super) fn timeline(axis: &Axis, bars: &[Bar], slots: u32, running: &[f64]) -> String {
    let rows = slots.min(MOST_ROWS);
    let (row, mut out) = (row_height(rows), String::new());
    let ticks = axis.ticks();
    let grid: String = ticks.iter().map(|tick| format!("M{:.0} 0V9999", tick.x)).collect();
    let pauses: Vec<&Piece> = axis.pieces().iter().filter(|piece| piece.cut).collect();
    out.push_str("<figure>");
    if !pauses.is_empty() {
        out.push_str(&pause_labels(&pauses));
    }
    let shaded: String = pauses
        .iter()
        .map(|pause| format!("M{:.0} 0h{:.0}V9999h-{1:.0}z", pause.x0, pause.x1 - pause.x0))
        .collect();
    let behind = format!("<path class=\"pause\" d=\"{shaded}\"/><path class=\"grid\" d=\"{grid}\"/>");
    let _infallible = write!(
        out,
        "<div class=\"plot\" id=\"curve\"><span class=\"most\">running at once, at most {}</span>{}{behind}{}</svg></div>",
        count(slots.into()),
        svg(CURVE, "How many jobs ran at once, over time"),
        curve(running, slots)
    );
    let _infallible = write!(
        out,
        "<div class=\"plot\" id=\"bars\">{}{behind}{}</svg></div><div class=\"ticks\">",
        svg(f64::from(rows) * row, "When each job ran"),
        bar_paths(bars, row)
    );
    for tick in &ticks {
        let _infallible = write!(
            out,
            "<span style=\"left:{:.2}%\">{}</span>",
            percent(tick.x),
            tick.label
        );
    }
    out.push_str("</div>");
    out.push_str(&legend(bars, slots));
    out.push_str("</figure>");
    out
}

/// How high a slot is, in pixels.
pub(super) fn row_height(rows: u32) -> f64 {
    match rows {
        0..=8 => 20.0,
        9..=16 => 14.0,
        17..=40 => 9.0,
        41..=80 => 6.0,
        _ => 4.0,
    }
}

fn svg(height: f64, label: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" height=\"{height}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{label}\">"
    )
}

fn percent(x: f64) -> f64 {
    x * 100.0 / WIDTH
}

fn pause_labels(pauses: &[&Piece]) -> String {
    let mut out = String::from("<div class=\"pauses\">");
    for pause in pauses {
        let middle = percent(f64::midpoint(pause.x0, pause.x1));
        let class = match middle {
            m if m < 8.0 => " class=\"first\"",
            m if m > 92.0 => " class=\"last\"",
            _ => "",
        };
        let place = match class {
            " class=\"first\"" => percent(pause.x0),
            " class=\"last\"" => percent(pause.x1),
            _ => middle,
        };
        let idle = duration(pause.to - pause.from);
        let _infallible = write!(out, "<span{class} style=\"left:{place:.2}%\">{idle} idle</span>");
    }
    out.push_str("</div>");
    out
}

fn curve(running: &[f64], slots: u32) -> String {
    let column = WIDTH / COLUMNS as f64;
    let mut line = String::new();
    let mut before = f64::NAN;
    for (at, now) in running.iter().enumerate() {
        // A little room above, so that the line is not cut in half.
        let y = CURVE - (CURVE - 1.0) * (now / f64::from(slots.max(1))).clamp(0.0, 1.0);
        let y = (y * 10.0).round() / 10.0;
        if y != before {
            let _infallible = write!(line, "H{:.0}V{y}", at as f64 * column);
            before = y;
        }
    }
    format!(
        "<path class=\"area\" d=\"M0 {CURVE}{line}H{WIDTH}V{CURVE}z\"/><path class=\"edge\" d=\"M0 {CURVE}{line}H{WIDTH}\"/>"
    )
}

/// A path for each kind of bars, those that matter most last.
fn bar_paths(bars: &[Bar], row: f64) -> String {
    let height = row - if row > 8.0 { 2.0 } else { 1.0 };
    let mut out = String::new();
    for kind in Kind::ALL {
        for (many, class) in [(true, " many"), (false, "")] {
            let ours = bars.iter().filter(|bar| bar.kind == kind && (bar.count > 1) == many);
            let mut path = String::new();
            for bar in ours {
                // A little gap tells neighbours apart, where there is room for it.
                let gap = if bar.x1 - bar.x0 > 40.0 { 9.0 } else { 0.0 };
                let width = (bar.x1 - bar.x0 - gap).round().max(1.0);
                let y = f64::from(bar.slot) * row;
                let _infallible = write!(path, "M{:.0} {y}h{width}v{height}h-{width}z", bar.x0);
            }
            if !path.is_empty() {
                let _infallible = write!(out, "<path class=\"{}{class}\" d=\"{path}\"/>", kind.class());
            }
        }
    }
    out
}

fn legend(bars: &[Bar], slots: u32) -> String {
    let mut out = String::from("<figcaption>");
    for kind in Kind::ALL {
        if bars.iter().any(|bar| bar.kind == kind) {
            let _infallible = write!(out, "<span>{}{}</span>", dot(kind), kind.words());
        }
    }
    if bars.iter().any(|bar| bar.count > 1) {
        out.push_str("<span>paler: many short ones</span>");
    }
    if slots > MOST_ROWS {
        let all = count(slots.into());
        let _infallible = write!(
            out,
            "<span>only the first {MOST_ROWS} of {all} rows are drawn; the curve counts all</span>"
        );
    }
    out.push_str("</figcaption>");
    out
}

/// A small square in the colour of a kind.
pub(super) fn dot(kind: Kind) -> String {
    format!("<span class=\"dot bg-{}\"></span>", kind.class())
}

/// A thin bar that is divided as the outcomes are.
pub(super) fn shares(facts: &Facts) -> String {
    let tally = &facts.tally;
    let parts = [
        (Kind::Succeeded, tally.succeeded),
        (Kind::Failed, tally.failed),
        (Kind::Cancelled, tally.cancelled),
        (Kind::Unfinished, tally.unfinished),
    ];
    let mut out = String::from("<div class=\"shares\" aria-hidden=\"true\">");
    for (kind, number) in parts.into_iter().filter(|(_, number)| *number > 0) {
        let _infallible = write!(
            out,
            "<span class=\"bg-{}\" style=\"flex:{number}\"></span>",
            kind.class()
        );
    }
    out.push_str("</div>");
    out
}

/// How many jobs ended in which way.
pub(super) fn causes(facts: &Facts) -> String {
    let most = facts.causes.iter().map(|(_, _, number)| *number).max().unwrap_or(1);
    let mut out = String::from("<table class=\"meter\"><tbody>");
    for (kind, words, number) in &facts.causes {
        let _infallible = write!(
            out,
            "<tr><th scope=\"row\">{}{}</th>{}<td class=\"number\">{}</td><td class=\"share\">{}</td></tr>",
            dot(*kind),
            html(words),
            meter(*kind, *number, most),
            count(*number),
            html(&share(*number, facts.tally.jobs))
        );
    }
    out.push_str("</tbody></table>");
    out
}

/// A cell with a bar in it.
pub(super) fn meter(kind: Kind, number: u64, most: u64) -> String {
    let bar = match number {
        0 => String::new(),
        _ => format!(
            "<span class=\"bg-{}\" style=\"width:{:.1}%\"></span>",
            kind.class(),
            number as f64 * 100.0 / most.max(1) as f64
        ),
    };
    format!("<td class=\"bar\">{bar}</td>")
}

/// The line below the heading of the timeline.
pub(super) fn places(slots: u32) -> String {
    format!("{}, one attempt at a time in each", counted(slots.into(), "row"))
}
