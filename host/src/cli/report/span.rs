//! When one attempt ran, in as few bytes as possible: there may be a million.

use xqute::model::{job::JobIndex, outcome::Outcome, record::Timestamp};

/// How an attempt ended, as far as colours go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Succeeded,
    Cancelled,
    Unfinished,
    /// It failed and was followed by another attempt.
    Retried,
    Failed,
}

impl Kind {
    /// All of them; what comes later is drawn over what comes earlier.
    pub(super) const ALL: [Self; 5] = [
        Self::Succeeded,
        Self::Cancelled,
        Self::Unfinished,
        Self::Retried,
        Self::Failed,
    ];

    /// The kind of a job's last attempt.
    pub(super) const fn of(outcome: Option<&Outcome>) -> Self {
        match outcome {
            Some(Outcome::Succeeded) => Self::Succeeded,
            Some(Outcome::Failed(_)) => Self::Failed,
            Some(Outcome::Cancelled(_)) => Self::Cancelled,
            None => Self::Unfinished,
        }
    }

    /// For people.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Cancelled => "cancelled",
            Self::Unfinished => "not finished",
            Self::Retried => "failed, tried again",
            Self::Failed => "failed",
        }
    }

    /// The class in the page.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Succeeded => "good",
            Self::Cancelled => "off",
            Self::Unfinished => "open",
            Self::Retried => "again",
            Self::Failed => "bad",
        }
    }
}

/// From when to when an attempt ran, in microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub(super) start: i64,
    /// Never before the start, whatever the clock did.
    pub(super) end: i64,
    pub(super) job: u32,
    pub(super) attempt: u16,
    pub(super) kind: Kind,
}

impl Span {
    pub(super) fn new(job: JobIndex, attempt: u32, kind: Kind, start: Timestamp, end: Timestamp) -> Self {
        let (start, end) = (sane(start), sane(end));
        Self {
            start,
            end: end.max(start),
            job: job.0,
            attempt: u16::try_from(attempt).unwrap_or(u16::MAX),
            kind,
        }
    }

    /// How long it took, in microseconds.
    pub(super) const fn micros(&self) -> i64 {
        self.end - self.start
    }
}

/// A moment between 1970 and the year 9999, in microseconds: far enough from the ends of the numbers to reckon with.
pub(super) fn sane(at: Timestamp) -> i64 {
    at.0.clamp(0, 253_402_300_799_999_999)
}
