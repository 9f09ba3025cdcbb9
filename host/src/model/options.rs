//! Options in the order in which they were given; a name that comes twice is a list.

use serde::{Deserialize, Serialize};

/// An ordered list of names and values. Names are kept with `-` where users may write `_`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Options(Vec<(String, String)>);

impl Options {
    /// No options.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a value, also where the name has one already.
    pub fn push(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((normalize(name), value.into()));
    }

    /// The last value given for `name`.
    pub fn last(&self, name: &str) -> Option<&str> {
        let name = normalize(name);
        self.iter()
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value)
            .last()
    }

    /// Takes every value of `name` out and returns the last.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let name = normalize(name);
        let mut taken = None;
        self.0.retain_mut(|(key, value)| {
            let hit = *key == name;
            if hit {
                taken = Some(std::mem::take(value));
            }
            !hit
        });
        taken
    }

    /// All names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These options, with every name that `over` mentions taken from there instead.
    #[must_use]
    pub fn overridden_by(&self, over: &Self) -> Self {
        let kept = self.0.iter().filter(|(name, _)| over.last(name).is_none());
        Self(kept.chain(&over.0).cloned().collect())
    }
}

impl<N: AsRef<str>, V: Into<String>> FromIterator<(N, V)> for Options {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut options = Self::new();
        for (name, value) in pairs {
            options.push(name.as_ref(), value);
        }
        options
    }
}

fn normalize(name: &str) -> String {
    name.replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_overrides_whole_lists() {
        let run: Options = [("license", "a"), ("license", "b"), ("time", "5")]
            .into_iter()
            .collect();
        let job: Options = [("license", "c")].into_iter().collect();
        let both = run.overridden_by(&job);
        assert_eq!(both.iter().collect::<Vec<_>>(), [("time", "5"), ("license", "c")]);
    }

    #[test]
    fn underscores_are_hyphens() {
        let mut options: Options = [("job_name", "x"), ("job-name", "y")].into_iter().collect();
        assert_eq!(options.last("job_name"), Some("y"));
        assert_eq!(options.take("job-name").as_deref(), Some("y"));
        assert!(options.is_empty());
    }
}
