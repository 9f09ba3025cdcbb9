//! Finds a place for each attempt such that no two share one at the same time, as if a fixed number of hands did the work.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, binary_heap::PeekMut},
};

use super::span::Span;

/// The slot of each span, from 0, always the first that is free; `spans` are sorted by it. An attempt may start at the moment
/// at which another one ends. There are exactly as many slots as attempts that ran at once.
pub(super) fn assign(spans: &mut [Span]) -> Vec<u32> {
    spans.sort_unstable();
    let mut busy: BinaryHeap<Reverse<(i64, u32)>> = BinaryHeap::new();
    let mut free: BinaryHeap<Reverse<u32>> = BinaryHeap::new();
    let mut slots = Vec::with_capacity(spans.len());
    let mut opened = 0;
    for span in spans.iter() {
        while let Some(first) = busy.peek_mut() {
            let Reverse((end, slot)) = *first;
            if end > span.start {
                break;
            }
            PeekMut::pop(first);
            free.push(Reverse(slot));
        }
        let slot = free.pop().map_or_else(
            || {
                opened += 1;
                opened - 1
            },
            |Reverse(slot)| slot,
        );
        busy.push(Reverse((span.end, slot)));
        slots.push(slot);
    }
    slots
}

/// How many slots there are.
pub(super) fn count(slots: &[u32]) -> u32 {
    slots.iter().max().map_or(0, |last| last + 1)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cli::report::span::Kind;

    pub(in crate::cli::report) fn spans() -> impl Strategy<Value = Vec<Span>> {
        let span = (
            0..300_i64,
            0..60_i64,
            0..9_u32,
            prop::sample::select(Kind::ALL.to_vec()),
        );
        let span = span.prop_map(|(start, length, job, kind)| Span {
            start,
            end: start + length,
            job,
            attempt: 1,
            kind,
        });
        prop::collection::vec(span, 0..60)
    }

    proptest! {
        #[test]
        fn no_two_attempts_share_a_slot_and_none_is_wasted(mut spans in spans()) {
            let slots = assign(&mut spans);
            prop_assert_eq!(slots.len(), spans.len());
            let mut most = 0;
            for (at, span) in spans.iter().enumerate() {
                let before: Vec<_> = (0..at).filter(|other| spans[*other].end > span.start).collect();
                prop_assert!(before.iter().all(|other| slots[*other] != slots[at]));
                most = most.max(before.len() + 1);
            }
            prop_assert_eq!(count(&slots) as usize, most);
        }
    }
}
