//! How Grid Engine names one attempt: a task of an array job, written `JOB.TASK`. Lists of tasks and of numbers too.

use std::fmt::Write as _;

/// One task of one array job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Task {
    pub(crate) job: u32,
    pub(crate) number: u32,
}

impl Task {
    /// Reads a backend id. Nothing else is ever handed to a client of Grid Engine as an id.
    pub(crate) fn read(id: &str) -> Option<Self> {
        let (job, number) = id.split_once('.')?;
        Some(Self {
            job: self::number(job)?,
            number: self::number(number)?,
        })
    }
}

impl std::fmt::Display for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.job, self.number)
    }
}

/// Reads a number that consists of digits alone: no sign, no spaces.
pub(crate) fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Numbers in a list such as `1-3:1`, `7` or `1,4-8:2`, as `qstat` writes the tasks of one line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tasks(Vec<(u32, u32, u32)>);

impl Tasks {
    pub(crate) fn read(text: &str) -> Self {
        let read = |part: &str| {
            let (range, step) = part.split_once(':').unwrap_or((part, "1"));
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            Some((number(first)?, number(last)?, number(step)?.max(1)))
        };
        Self(text.split(',').filter_map(|part| read(part.trim())).collect())
    }

    pub(crate) fn has(&self, wanted: u32) -> bool {
        self.0.iter().any(|(first, last, step)| {
            (*first..=*last).contains(&wanted) && wanted.saturating_sub(*first).checked_rem(*step) == Some(0)
        })
    }
}

/// Writes numbers in their order, runs of neighbours as `FIRST-LAST`, with `+` between: commas end a value in Grid
/// Engine's own lists.
pub(crate) fn ranges(numbers: impl IntoIterator<Item = u32>) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let mut text = String::new();
    for (first, last) in runs {
        let plus = if text.is_empty() { "" } else { "+" };
        // Writing to a string does not fail.
        let _written = if first == last {
            write!(text, "{plus}{first}")
        } else {
            write!(text, "{plus}{first}-{last}")
        };
    }
    text
}

/// Reads what [`ranges`] wrote; none if it is something else, or more than an array can hold.
pub(crate) fn numbers(text: &str) -> Option<Vec<u32>> {
    const MOST: usize = 1_000_000;
    let mut numbers = Vec::new();
    for part in text.split('+') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (number(first)?, number(last)?);
        let length = usize::try_from(last.checked_sub(first)?).ok()?;
        if numbers.len().saturating_add(length) >= MOST {
            return None;
        }
        numbers.extend(first..=last);
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_a_task() {
        assert_eq!(Task::read("17.3"), Some(Task { job: 17, number: 3 }));
        assert_eq!(Task::read("17.3").unwrap().to_string(), "17.3");
        for bad in [
            "17",
            "17.",
            ".3",
            "-f",
            "17.3.4",
            "17.-3",
            "+1.2",
            "99999999999.1",
            "dry-run",
        ] {
            assert_eq!(Task::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn tasks_are_listed_as_qstat_does() {
        let tasks = Tasks::read("1,4-8:2,20-22:1");
        let listed: Vec<u32> = (0..30).filter(|number| tasks.has(*number)).collect();
        assert_eq!(listed, [1, 4, 6, 8, 20, 21, 22]);
        assert!(Tasks::read("7").has(7));
        assert_eq!(Tasks::read("none, a-b, 3-"), Tasks::default());
    }

    #[test]
    fn numbers_are_written_short_and_read_back() {
        assert_eq!(ranges([0, 1, 2, 5, 9, 10, 4]), "0-2+5+9-10+4");
        assert_eq!(numbers("0-2+5+9-10+4").unwrap(), [0, 1, 2, 5, 9, 10, 4]);
        for bad in ["", "a", "3-1", "1+", "0-4000000000"] {
            assert_eq!(numbers(bad), None, "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_numbers_come_back(given in proptest::collection::vec(0..50_u32, 1..40)) {
            proptest::prop_assert_eq!(numbers(&ranges(given.iter().copied())), Some(given));
        }

        #[test]
        fn any_text_is_a_list_or_not(text in ".*", wanted: u32) {
            let _any = (Task::read(&text), Tasks::read(&text).has(wanted));
        }
    }
}
