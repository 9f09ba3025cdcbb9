//! The greatest few of many, without keeping the many.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};

/// Keeps what has the greatest keys; of equal ones those of the first jobs.
#[derive(Debug)]
pub(super) struct Top<T> {
    limit: usize,
    /// The least of them is on top.
    kept: BinaryHeap<Reverse<Kept<T>>>,
}

#[derive(Debug)]
struct Kept<T> {
    rank: (i64, Reverse<u32>),
    what: T,
}

impl<T> Top<T> {
    /// At most `limit` of them.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            kept: BinaryHeap::new(),
        }
    }

    /// Here is another one; `what` is only asked for when it is kept.
    pub(super) fn offer(&mut self, key: i64, job: u32, what: impl FnOnce() -> T) {
        let rank = (key, Reverse(job));
        if self.kept.len() == self.limit {
            match self.kept.peek() {
                Some(Reverse(least)) if least.rank < rank => _ = self.kept.pop(),
                _ => return,
            }
        }
        self.kept.push(Reverse(Kept { rank, what: what() }));
    }

    /// All that were kept, the greatest first.
    pub(super) fn into_sorted(self) -> Vec<T> {
        let sorted = self.kept.into_sorted_vec().into_iter();
        sorted.map(|Reverse(kept)| kept.what).collect()
    }
}

impl<T> PartialEq for Kept<T> {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank
    }
}

impl<T> Eq for Kept<T> {}

impl<T> PartialOrd for Kept<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Kept<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank.cmp(&other.rank)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_are_kept_in_order() {
        let mut top = Top::new(3);
        for (job, key) in [5, 1, 9, 9, 7, 0].into_iter().enumerate() {
            top.offer(key, job as u32, || (key, job));
        }
        assert_eq!(top.into_sorted(), [(9, 2), (9, 3), (7, 4)]);
        let mut none = Top::new(0);
        none.offer(1, 1, || ());
        assert!(none.into_sorted().is_empty());
    }
}
