//! Which job goes to which server. Pure functions.

/// A server that takes jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// How many jobs run there.
    pub(crate) live: u32,
    /// How many are to.
    pub(crate) slots: u32,
}

/// For each job, which of the places it may go to takes it: the one that is filled least when it has the job too. `None`:
/// there is no place for it. A tie goes to the place with more slots, then to the first.
///
/// A few jobs that the least filled place has room for stay together: one place is asked quicker than two.
pub(crate) fn spread(places: &[Place], jobs: &[Vec<usize>]) -> Vec<Option<usize>> {
    let mut places = places.to_vec();
    let together = jobs.first().filter(|first| jobs.iter().all(|job| job == *first));
    let best = together.and_then(|allowed| least_filled(&places, allowed));
    if let Some((best, place)) = best
        && jobs.len() <= MOST_TOGETHER
        && place.slots.saturating_sub(place.live) as usize >= jobs.len()
    {
        return vec![Some(best); jobs.len()];
    }
    jobs.iter()
        .map(|allowed| {
            let (best, _) = least_filled(&places, allowed)?;
            if let Some(place) = places.get_mut(best) {
                place.live = place.live.saturating_add(1);
            }
            Some(best)
        })
        .collect()
}

/// How many jobs may stay together.
const MOST_TOGETHER: usize = 4;

/// The first of those that are filled least.
fn least_filled(places: &[Place], allowed: &[usize]) -> Option<(usize, Place)> {
    let known = allowed.iter().filter_map(|at| Some((*at, *places.get(*at)?)));
    known.min_by(|(_, one), (_, other)| fuller(one, other))
}

/// Compares two places as they would be with one more job, without fractions.
fn fuller(one: &Place, other: &Place) -> std::cmp::Ordering {
    let with_one = |place: &Place| u64::from(place.live) + 1;
    let slots = |place: &Place| u64::from(place.slots.max(1));
    let (ours, theirs) = (with_one(one) * slots(other), with_one(other) * slots(one));
    ours.cmp(&theirs).then(other.slots.cmp(&one.slots))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counts(places: &[(u32, u32)], jobs: usize) -> Vec<usize> {
        let places: Vec<_> = places
            .iter()
            .map(|(live, slots)| Place {
                live: *live,
                slots: *slots,
            })
            .collect();
        let anywhere = vec![(0..places.len()).collect::<Vec<_>>(); jobs];
        let chosen = spread(&places, &anywhere);
        let count = |at| chosen.iter().filter(|chosen| **chosen == Some(at)).count();
        (0..places.len()).map(count).collect()
    }

    #[test]
    fn slots_are_filled_evenly() {
        assert_eq!(counts(&[(0, 4), (0, 4)], 6), [3, 3]);
        assert_eq!(counts(&[(0, 1), (0, 3)], 8), [2, 6]);
        assert_eq!(counts(&[(4, 4), (0, 4)], 4), [0, 4]);
        assert_eq!(counts(&[(2, 4), (1, 4)], 5), [2, 3]);
        assert_eq!(counts(&[(64, 64), (0, 2)], 2), [0, 2]);
    }

    #[test]
    fn a_few_jobs_stay_together_where_there_is_room() {
        assert_eq!(counts(&[(0, 4), (0, 4)], 3), [3, 0]);
        assert_eq!(counts(&[(3, 4), (0, 4)], 3), [0, 3]);
        assert_eq!(counts(&[(0, 2), (0, 2)], 3), [2, 1], "there is not");
        assert_eq!(counts(&[(0, 64), (0, 64)], 6), [3, 3], "these are not a few");
    }

    #[test]
    fn a_job_goes_only_where_it_may() {
        let places = [Place { live: 9, slots: 1 }, Place { live: 0, slots: 9 }];
        let jobs = [vec![0], vec![], vec![0, 1], vec![7]];
        assert_eq!(spread(&places, &jobs), [Some(0), None, Some(1), None]);
    }

    proptest! {
        #[test]
        fn nobody_is_left_with_a_slot_more_than_its_share(
            places in proptest::collection::vec((0_u32..4, 1_u32..9), 1..5),
            jobs in 5_usize..60,
        ) {
            let counts = counts(&places, jobs);
            prop_assert_eq!(counts.iter().sum::<usize>(), jobs);
            for (at, (live, slots)) in places.iter().enumerate().filter(|(at, _)| counts[*at] > 0) {
                // Moved anywhere else, the last job of this place would fill that place at least as much.
                let here = f64::from(live + u32::try_from(counts[at]).unwrap()) / f64::from(*slots);
                for (other, (live, slots)) in places.iter().enumerate() {
                    let there = f64::from(live + u32::try_from(counts[other]).unwrap() + 1) / f64::from(*slots);
                    prop_assert!(here <= there + 1e-9 || other == at);
                }
            }
        }
    }
}
