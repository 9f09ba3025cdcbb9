//! The time axis of the drawings: from moments to places and back. Long stretches in which nothing ran are cut short, so that
//! a run that was resumed the next morning can still be read.

use super::{span::Span, text};

/// How many units wide drawings are. The page stretches them to the width that there is, so a unit is about a tenth of a pixel.
pub(super) const WIDTH: f64 = 12_000.0;

/// How wide a stretch is that was cut short.
const CUT: f64 = 240.0;
const MOST_CUTS: usize = 8;
/// Shorter ones, in microseconds, are never cut.
const LEAST_CUT: i64 = 1_000_000;

/// A time axis.
#[derive(Debug)]
pub(super) struct Axis {
    pieces: Vec<Piece>,
}

/// A part of the axis on which time passes evenly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) x0: f64,
    pub(super) x1: f64,
    /// Whether it is shown shorter than the others.
    pub(super) cut: bool,
}

/// A label on the axis.
#[derive(Debug)]
pub(super) struct Tick {
    pub(super) x: f64,
    pub(super) label: String,
}

impl Axis {
    /// An axis from `from` to `to`, or as far as `spans` reach beyond; these are sorted by their start.
    pub(super) fn new(from: i64, to: i64, spans: &[Span]) -> Self {
        let from = spans.first().map_or(from, |span| span.start.min(from));
        let to = spans.iter().map(|span| span.end).fold(to, i64::max);
        let to = to.max(from.saturating_add(1));
        let cuts = cuts(from, to, spans);
        let idle: i64 = cuts.iter().map(|(start, end)| end - start).sum();
        let shown = (to.saturating_sub(from).saturating_sub(idle)).max(1);
        let scale = (WIDTH - CUT * cuts.len() as f64) / shown as f64;
        let mut axis = Self { pieces: Vec::new() };
        let mut at = from;
        for (start, end) in cuts {
            axis.add(at, start, scale);
            axis.add_cut(start, end);
            at = end;
        }
        axis.add(at, to, scale);
        axis
    }

    /// The moment at which it starts, in microseconds since 1970.
    pub(super) fn start(&self) -> i64 {
        self.pieces.first().map_or(0, |piece| piece.from)
    }

    /// Where a moment is.
    pub(super) fn x(&self, at: i64) -> f64 {
        let next = self.pieces.partition_point(|piece| piece.to < at);
        let Some(piece) = self.pieces.get(next).or(self.pieces.last()) else {
            return 0.0;
        };
        let part = (at as f64 - piece.from as f64) / (piece.to - piece.from).max(1) as f64;
        piece.x0 + part.clamp(0.0, 1.0) * (piece.x1 - piece.x0)
    }

    /// Its parts, in order.
    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Labels at even times since the start, with room around each.
    pub(super) fn ticks(&self) -> Vec<Tick> {
        const APART: f64 = WIDTH / 9.0;
        let whole = self.pieces.iter().filter(|piece| !piece.cut);
        let shown: i64 = whole.clone().map(|piece| piece.to - piece.from).sum();
        let step = step(shown / 7);
        let mut ticks: Vec<Tick> = Vec::new();
        for piece in whole {
            let first = (piece.from - self.start()).div_ceil_of(step);
            let last = (piece.to - self.start()) / step;
            for number in first..=last.min(first + 20) {
                let since = number * step;
                let x = self.x(self.start() + since);
                if x <= WIDTH * 0.95 && ticks.last().is_none_or(|before| x - before.x >= APART * 0.8) {
                    let label = text::exact(since);
                    ticks.push(Tick { x, label });
                }
            }
        }
        ticks
    }

    fn add(&mut self, from: i64, to: i64, scale: f64) {
        let width = (to - from) as f64 * scale;
        self.push(from, to, width, false);
    }

    fn add_cut(&mut self, from: i64, to: i64) {
        self.push(from, to, CUT, true);
    }

    fn push(&mut self, from: i64, to: i64, width: f64, cut: bool) {
        let x0 = self.pieces.last().map_or(0.0, |piece| piece.x1);
        if to > from {
            self.pieces.push(Piece {
                from,
                to,
                x0,
                x1: x0 + width,
                cut,
            });
        }
    }
}

trait DivCeil {
    fn div_ceil_of(self, step: i64) -> i64;
}

impl DivCeil for i64 {
    /// For numbers that are not negative.
    fn div_ceil_of(self, step: i64) -> i64 {
        (self + step - 1) / step
    }
}

/// The stretches to be cut, in order: the longest idle ones, as long as each is a good part of what is left.
fn cuts(from: i64, to: i64, spans: &[Span]) -> Vec<(i64, i64)> {
    let mut idle = Vec::new();
    let mut busy_until = from;
    for span in spans {
        if span.start > busy_until {
            idle.push((busy_until, span.start));
        }
        busy_until = busy_until.max(span.end);
    }
    if spans.is_empty() {
        return Vec::new();
    }
    idle.push((busy_until, to.max(busy_until)));
    idle.sort_by_key(|(start, end)| start - end);
    let mut left = to.saturating_sub(from);
    idle.truncate(MOST_CUTS);
    idle.retain(|(start, end)| {
        let length = end - start;
        let worth_it = length > LEAST_CUT && length > left / 4;
        if worth_it {
            left -= length;
        }
        worth_it
    });
    if left == 0 {
        // Nothing that takes time would be shown.
        idle.clear();
    }
    idle.sort_unstable();
    idle
}

/// A step between ticks that people like, at least this long.
fn step(least: i64) -> i64 {
    const SECOND: i64 = 1_000_000;
    const LONG: [i64; 19] = [
        1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800,
    ];
    let mut short = 1;
    while short < SECOND {
        for step in [short, 2 * short, 5 * short] {
            if step >= least {
                return step;
            }
        }
        short *= 10;
    }
    let long = LONG.into_iter().map(|step| step * SECOND).find(|step| *step >= least);
    long.unwrap_or_else(|| least.div_ceil_of(86_400 * SECOND) * 86_400 * SECOND)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cli::report::{slots::tests::spans, span::Kind};

    fn span(start: i64, end: i64) -> Span {
        Span {
            start,
            end,
            job: 0,
            attempt: 1,
            kind: Kind::Succeeded,
        }
    }

    proptest! {
        #[test]
        fn time_never_goes_back_on_the_axis(mut spans in spans(), from in -10..310_i64, to in -10..310_i64, scale in 1..10_000_000_i64) {
            for span in &mut spans {
                (span.start, span.end) = (span.start * scale, span.end * scale);
            }
            spans.sort_unstable();
            let axis = Axis::new(from * scale, to * scale, &spans);
            let xs: Vec<f64> = (-10..400).map(|at| axis.x(at * scale)).collect();
            prop_assert!(xs.iter().all(|x| (0.0..=WIDTH + 0.001).contains(x)));
            prop_assert!(xs.is_sorted());
            prop_assert!((axis.pieces().last().unwrap().x1 - WIDTH).abs() < 0.001);
            prop_assert!(axis.ticks().len() <= 12);
        }
    }

    #[test]
    fn a_night_between_two_parts_is_cut() {
        let hour = 3_600_000_000;
        let spans = [span(0, hour), span(13 * hour, 14 * hour)];
        let axis = Axis::new(0, 14 * hour, &spans);
        let cut: Vec<_> = axis.pieces().iter().map(|piece| piece.cut).collect();
        assert_eq!(cut, [false, true, false]);
        assert!((axis.x(hour) - (WIDTH - CUT) / 2.0).abs() < 1.0);
        assert!(axis.x(13 * hour) > axis.x(hour));
        let labels: Vec<_> = axis.ticks().into_iter().map(|tick| tick.label).collect();
        insta::assert_snapshot!(labels.join(" | "), @"0 s | 30 min | 1 h | 13 h 30 min");
    }

    #[test]
    fn a_run_in_which_nothing_takes_time_is_not_cut() {
        let axis = Axis::new(0, 2 * LEAST_CUT, &[span(0, 0), span(0, 0)]);
        assert_eq!(axis.pieces().len(), 1);
        assert!((axis.x(2 * LEAST_CUT) - WIDTH).abs() < 0.001);
    }

    #[test]
    fn short_pauses_stay() {
        let axis = Axis::new(0, 900_000, &[span(0, 1), span(899_999, 900_000)]);
        assert_eq!(axis.pieces().len(), 1);
        // A clock that jumped by a lifetime, or the far end of time.
        let axis = Axis::new(0, 10, &[span(0, 1), span(i64::MAX - 1, i64::MAX)]);
        assert!(axis.x(i64::MAX) <= WIDTH + 0.001);
        assert_eq!(Axis::new(5, 5, &[]).pieces().len(), 1);
    }
}
