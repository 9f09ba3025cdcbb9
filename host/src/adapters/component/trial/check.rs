//! What a test of a plugin found out.

/// One test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What should hold, `interface: sentence`.
    pub what: String,
    /// Whether it does.
    pub verdict: CheckVerdict,
}

/// Whether what should hold does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckVerdict {
    /// It does.
    Passed,
    /// It does not, and this is what was seen.
    Failed(String),
    /// It was not looked at, and this is why.
    Skipped(String),
}

impl Check {
    pub(super) fn passed(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            verdict: CheckVerdict::Passed,
        }
    }

    pub(super) fn failed(what: impl Into<String>, why: String) -> Self {
        Self {
            what: what.into(),
            verdict: CheckVerdict::Failed(why),
        }
    }

    /// Passed, unless there is something to complain about.
    pub(super) fn unless(what: impl Into<String>, complaint: Result<(), String>) -> Self {
        match complaint {
            Ok(()) => Self::passed(what),
            Err(why) => Self::failed(what, why),
        }
    }

    /// Whether the plugin has to be mended.
    pub fn has_failed(&self) -> bool {
        matches!(self.verdict, CheckVerdict::Failed(_))
    }
}
