//! Which lines repeat the line before them. Pure: time plays no part, so that a line that repeats for hours is shown again
//! at the 10th, 100th, 1000th... repetition instead of every so often.

/// Remembers the last line and how often it came again.
#[derive(Debug)]
pub(super) struct Collapse<L> {
    last: Option<L>,
    /// How often the last line was held back since it was last shown.
    held: u64,
    /// At how many held lines it is shown again.
    patience: u64,
}

/// A line to show.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Show<L> {
    /// A new line.
    Once(L),
    /// The line before came again, so many times.
    Repeated(L, u64),
}

impl<L> Show<L> {
    /// The line, and how often it is repeated.
    pub(super) const fn parts(&self) -> (&L, Option<u64>) {
        match self {
            Self::Once(line) => (line, None),
            Self::Repeated(line, times) => (line, Some(*times)),
        }
    }
}

const PATIENCE: u64 = 10;

impl<L> Default for Collapse<L> {
    fn default() -> Self {
        Self {
            last: None,
            held: 0,
            patience: PATIENCE,
        }
    }
}

impl<L: Clone + PartialEq> Collapse<L> {
    /// Takes the next line and says what to show now.
    pub(super) fn take(&mut self, line: L) -> Vec<Show<L>> {
        if self.last.as_ref() == Some(&line) {
            self.held += 1;
            if self.held < self.patience {
                return Vec::new();
            }
            self.patience = self.patience.saturating_mul(10);
            return self.release().into_iter().collect();
        }
        let mut show = self.finish();
        self.last = Some(line.clone());
        show.push(Show::Once(line));
        show
    }

    /// No line follows: what is still to show.
    pub(super) fn finish(&mut self) -> Vec<Show<L>> {
        self.patience = PATIENCE;
        let held = self.release();
        self.last = None;
        held.into_iter().collect()
    }

    fn release(&mut self) -> Option<Show<L>> {
        match std::mem::take(&mut self.held) {
            0 => None,
            held => self.last.clone().map(|line| Show::Repeated(line, held)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn long_repetitions_are_shown_less_and_less_often() {
        let mut collapse = Collapse::default();
        let mut shown: Vec<_> = (0..1000).flat_map(|_| collapse.take('a')).collect();
        shown.extend(collapse.finish());
        let expected = [
            Show::Once('a'),
            Show::Repeated('a', 10),
            Show::Repeated('a', 100),
            Show::Repeated('a', 889),
        ];
        assert_eq!(shown, expected);
    }

    proptest! {
        #[test]
        fn no_line_is_lost_or_moved(lines in prop::collection::vec(0..3_u8, 0..200)) {
            let mut collapse = Collapse::default();
            let mut shown: Vec<_> = lines.iter().flat_map(|line| collapse.take(*line)).collect();
            shown.extend(collapse.finish());
            let back: Vec<u8> = shown
                .iter()
                .flat_map(|show| {
                    let (line, times) = show.parts();
                    std::iter::repeat_n(*line, times.unwrap_or(1) as usize)
                })
                .collect();
            prop_assert_eq!(back, lines);
        }
    }
}
