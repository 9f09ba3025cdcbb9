//! What is drawn of the attempts: a bar for each, and one for many where they are too short to be told apart. However many
//! attempts there are, the drawing has at most [`MOST_BARS`].

use std::collections::HashMap;

use super::{
    axis::{Axis, WIDTH},
    span::{Kind, Span},
};

/// The most bars in a drawing.
pub(super) const MOST_BARS: usize = 20_000;
/// The most slots that are drawn. With more of them each would be hair-thin.
pub(super) const MOST_ROWS: u32 = 200;

/// What is shorter than this is drawn together with its neighbours; a pixel, more or less.
const GRAIN: f64 = 10.0;
/// A bar that stands for many is at most this many grains wide, so that it still says when.
const MANY: f64 = 25.0;
/// No bar is narrower,
const LEAST: f64 = 7.0;
/// and none of an attempt that did not succeed: those are looked for.
const LEAST_BAD: f64 = 14.0;

/// A bar: one attempt, or several short ones that ended alike, one after the other in one slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bar {
    pub(super) slot: u32,
    pub(super) x0: f64,
    pub(super) x1: f64,
    pub(super) kind: Kind,
    /// How many attempts it stands for.
    pub(super) count: u32,
    /// The first of them.
    pub(super) first: Span,
    /// How long all of them took, in microseconds.
    pub(super) micros: i64,
}

/// The bars for these spans, which are sorted by their start, in these slots.
pub(super) fn draw(spans: &[Span], slots: &[u32], axis: &Axis, most: usize) -> Vec<Bar> {
    let mut grain = GRAIN;
    loop {
        match draw_with(spans, slots, axis, grain, most) {
            Some(bars) => return bars,
            None if grain > WIDTH => return Vec::new(),
            None => grain *= 2.0,
        }
    }
}

/// `None` when there would be too many.
fn draw_with(spans: &[Span], slots: &[u32], axis: &Axis, grain: f64, most: usize) -> Option<Vec<Bar>> {
    let mut bars: Vec<Bar> = Vec::new();
    // The bar in each slot that short attempts of a kind may still join.
    let mut open: HashMap<(u32, Kind), usize> = HashMap::new();
    for (span, slot) in spans.iter().zip(slots).filter(|(_, slot)| **slot < MOST_ROWS) {
        let (x0, x1) = (axis.x(span.start), axis.x(span.end));
        let is_short = x1 - x0 < grain;
        let before = open.get(&(*slot, span.kind)).and_then(|at| bars.get_mut(*at));
        let joined = before.filter(|bar| is_short && x0 - bar.x1 < grain && x1 - bar.x0 < grain * MANY);
        if let Some(bar) = joined {
            bar.x1 = bar.x1.max(x1);
            bar.count += 1;
            bar.micros = bar.micros.saturating_add(span.micros());
            continue;
        }
        if bars.len() == most {
            return None;
        }
        match is_short {
            true => open.insert((*slot, span.kind), bars.len()),
            false => open.remove(&(*slot, span.kind)),
        };
        let least = match span.kind {
            Kind::Succeeded => LEAST,
            _ => LEAST_BAD,
        };
        bars.push(Bar {
            slot: *slot,
            x0: x0.min(WIDTH - least),
            x1: x1.max(x0 + least).min(WIDTH),
            kind: span.kind,
            count: 1,
            first: *span,
            micros: span.micros(),
        });
    }
    Some(bars)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cli::report::slots::{self, tests::spans};

    proptest! {
        #[test]
        fn every_attempt_is_in_one_bar_of_its_slot(mut spans in spans(), most in 10..80_usize) {
            let slots = slots::assign(&mut spans);
            let axis = Axis::new(0, 400, &spans);
            let bars = draw(&spans, &slots, &axis, most.max(slots::count(&slots) as usize * Kind::ALL.len()));
            let drawn: u32 = bars.iter().map(|bar| bar.count).sum();
            prop_assert_eq!(drawn as usize, spans.len());
            for bar in &bars {
                prop_assert!(0.0 <= bar.x0 && bar.x0 < bar.x1 && bar.x1 <= WIDTH);
            }
        }
    }

    /// A million attempts, hardly one of them as long as a pixel, which end in turn in every way there is.
    #[test]
    fn a_million_attempts_make_a_bounded_drawing() {
        let mut spans: Vec<Span> = (0..1_000_000_i64)
            .map(|number| Span {
                start: number * 10,
                end: number * 10 + 4_000,
                job: number as u32,
                attempt: 1,
                kind: Kind::ALL[number as usize % Kind::ALL.len()],
            })
            .collect();
        let slots = slots::assign(&mut spans);
        assert_eq!(slots::count(&slots), 400);
        let axis = Axis::new(0, 10_004_000, &spans);
        let bars = draw(&spans, &slots, &axis, MOST_BARS);
        assert!(bars.len() <= MOST_BARS && bars.len() > 1_000, "{}", bars.len());
        assert!(bars.iter().all(|bar| bar.slot < MOST_ROWS));
    }

    #[test]
    fn short_failures_do_not_vanish_among_successes() {
        let span = |number: i64, kind| Span {
            start: number * 10,
            end: number * 10 + 10,
            job: number as u32,
            attempt: 1,
            kind,
        };
        let kind = |number| if number == 5_000 { Kind::Failed } else { Kind::Succeeded };
        let mut spans: Vec<_> = (0..10_000).map(|number| span(number, kind(number))).collect();
        let slots = slots::assign(&mut spans);
        let bars = draw(&spans, &slots, &Axis::new(0, 100_000, &spans), MOST_BARS);
        let failed: Vec<_> = bars.iter().filter(|bar| bar.kind == Kind::Failed).collect();
        assert_eq!(failed.len(), 1);
        assert_eq!((failed[0].count, failed[0].first.job), (1, 5_000));
        assert!(failed[0].x1 - failed[0].x0 >= LEAST_BAD);
        assert!((40..80).contains(&(bars.len() - 1)), "{}", bars.len());
    }
}
