//! Why jobs wait in their backend: told to the user whenever the reasons change, and not each time that somebody asks.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::model::outcome::Observation;

/// How many reasons are told.
const TOLD: usize = 5;

/// The reasons that were told last.
#[derive(Debug, Default)]
pub(crate) struct Reasons(Mutex<Vec<String>>);

impl Reasons {
    /// Tells why jobs wait, if that is news.
    pub(super) fn tell(&self, scheduler: &str, answers: &[Observation]) {
        if let Some(news) = self.news(answers) {
            tracing::info!("jobs wait in {scheduler}: {news}");
        }
    }

    /// The reasons, most frequent first, when they are others than before.
    fn news(&self, answers: &[Observation]) -> Option<String> {
        let mut counts = BTreeMap::<&str, usize>::new();
        for answer in answers {
            if let Observation::Queued(Some(reason)) = answer {
                *counts.entry(reason).or_default() += 1;
            }
        }
        let names: Vec<String> = counts.keys().map(|reason| (*reason).to_owned()).collect();
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *told == names {
            return None;
        }
        *told = names;
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let shown = counts.iter().take(TOLD);
        let shown: Vec<_> = shown
            .map(|(reason, count)| format!("{} ({count})", reason.escape_debug()))
            .collect();
        (!shown.is_empty()).then(|| shown.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_told_when_they_change() {
        let reasons = Reasons::default();
        let waits = |reason: &str| Observation::Queued(Some(reason.to_owned()));
        let first = [
            waits("Priority"),
            waits("Resources"),
            waits("Resources"),
            Observation::Running,
        ];
        assert_eq!(reasons.news(&first).unwrap(), "Resources (2), Priority (1)");
        assert_eq!(reasons.news(&first), None);
        assert_eq!(reasons.news(&first[1..2]).unwrap(), "Resources (1)");
        assert_eq!(reasons.news(&[Observation::Running]), None);
        assert_eq!(reasons.news(&[Observation::Queued(None)]), None);
    }
}
