//! How Slurm calls a job: `123`, or `123_4` for a task of an array. And lists of numbers as Slurm writes them, `0-3,7`.

use std::{fmt, ops::RangeInclusive};

/// A job, or one task of a job array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Id {
    pub(crate) job: u64,
    pub(crate) task: Option<u32>,
}

impl Id {
    /// Reads an id. Nothing else is ever handed to a Slurm client as an id.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (job, task) = match text.split_once('_') {
            Some((job, task)) => (job, Some(digits(task)?.parse().ok()?)),
            None => (text, None),
        };
        let job = digits(job)?.parse().ok()?;
        Some(Self { job, task })
    }

    /// The job array's own id, under which Slurm also keeps what is left of one.
    pub(crate) const fn whole(self) -> Self {
        Self { task: None, ..self }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.task {
            None => write!(f, "{}", self.job),
            Some(task) => write!(f, "{}_{task}", self.job),
        }
    }
}

fn digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

/// Ascending numbers as Slurm writes them: `0-3,7`.
pub(crate) fn list(numbers: impl IntoIterator<Item = u32>) -> String {
    let mut ranges: Vec<RangeInclusive<u32>> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some(range) if range.end().checked_add(1) == Some(number) => *range = *range.start()..=number,
            _ => ranges.push(number..=number),
        }
    }
    let words = ranges.iter().map(|range| match (range.start(), range.end()) {
        (one, last) if one == last => one.to_string(),
        (first, last) => format!("{first}-{last}"),
    });
    words.collect::<Vec<_>>().join(",")
}

/// The numbers of such a list.
pub(crate) fn numbers(list: &str) -> impl Iterator<Item = u32> {
    list.split(',').filter_map(range).flatten()
}

/// Whether a number is in such a list.
pub(crate) fn is_in(list: &str, number: u32) -> bool {
    list.split(',').filter_map(range).any(|range| range.contains(&number))
}

fn range(word: &str) -> Option<RangeInclusive<u32>> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    Some(first.parse().ok()?..=last.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_they_are_written() {
        for text in ["1", "123", "123_0", "67108863_999"] {
            assert_eq!(Id::read(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "_",
            "1_",
            "_1",
            "1_[0-3]",
            "1_2_3",
            "-f",
            "1.batch",
            "1+0",
            "99999999999999999999999",
        ] {
            assert_eq!(Id::read(text), None, "{text}");
        }
        assert_eq!(Id::read("12_3").unwrap().whole(), Id::read("12").unwrap());
    }

    #[test]
    fn lists_are_short() {
        assert_eq!(list([]), "");
        assert_eq!(list([4]), "4");
        assert_eq!(list([0, 1, 2, 5, 7, 8]), "0-2,5,7-8");
        assert_eq!(list([u32::MAX - 1, u32::MAX]), "4294967294-4294967295");
    }

    proptest::proptest! {
        #[test]
        fn what_is_listed_is_in_the_list(mut numbers in proptest::collection::vec(0u32..40, 0..20), other in 0u32..40) {
            numbers.sort_unstable();
            numbers.dedup();
            let written = list(numbers.iter().copied());
            proptest::prop_assert_eq!(is_in(&written, other), numbers.contains(&other));
            proptest::prop_assert_eq!(super::numbers(&written).collect::<Vec<_>>(), numbers);
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            is_in(&text, 3);
            if let Some(id) = Id::read(&text) {
                proptest::prop_assert_eq!(Id::read(&id.to_string()), Some(id));
            }
        }
    }
}
