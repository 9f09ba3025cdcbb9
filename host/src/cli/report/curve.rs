//! How many attempts ran at once, over time.

use super::{
    axis::{Axis, WIDTH},
    span::Span,
};

/// How many columns there are.
pub(super) const COLUMNS: usize = 600;

/// For each column how many attempts ran in it, on average.
pub(super) fn running(spans: &[Span], axis: &Axis) -> Vec<f64> {
    let column = WIDTH / COLUMNS as f64;
    let mut running = vec![0.0; COLUMNS];
    // What changes from one column to the next, of the attempts that fill columns.
    let mut steps = vec![0.0; COLUMNS + 1];
    let mut add = |to: usize, part: f64| {
        if let Some(sum) = running.get_mut(to) {
            *sum += part;
        }
    };
    for span in spans {
        let (start, end) = (axis.x(span.start) / column, axis.x(span.end) / column);
        let last = COLUMNS - 1;
        let (first, final_) = ((start as usize).min(last), (end as usize).min(last));
        if first == final_ {
            add(first, end - start);
            continue;
        }
        add(first, (first + 1) as f64 - start);
        add(final_, end - final_ as f64);
        for (at, step) in [(first + 1, 1.0), (final_, -1.0)] {
            if let Some(sum) = steps.get_mut(at) {
                *sum += step;
            }
        }
    }
    let mut filled = 0.0;
    for (sum, step) in running.iter_mut().zip(steps) {
        filled += step;
        *sum += filled;
    }
    running
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cli::report::slots::{self, tests::spans};

    proptest! {
        #[test]
        fn the_area_is_the_time_that_attempts_took(mut spans in spans()) {
            let slots = slots::count(&slots::assign(&mut spans));
            let axis = Axis::new(0, 400, &spans);
            let running = running(&spans, &axis);
            prop_assert!(running.iter().all(|now| (-1e-6..=f64::from(slots) + 1e-6).contains(now)));
            let area: f64 = running.iter().sum::<f64>() * WIDTH / COLUMNS as f64;
            let time: f64 = spans.iter().map(|span| axis.x(span.end) - axis.x(span.start)).sum();
            prop_assert!((area - time).abs() < 1e-3 * (1.0 + time), "{area} {time}");
        }
    }
}
