//! The states that a job passes through, with the numbers that `job.status` holds.

use std::fmt;

/// What we decided about a job. The numbers are a contract with scripts that read `job.status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum State {
    /// Accepted.
    Init = 0,
    /// Waiting for its turn.
    Queued = 2,
    /// The scheduler took it.
    Submitted = 3,
    /// It runs.
    Running = 4,
    /// It is being killed.
    Killing = 5,
    /// It ended with exit code 0.
    Finished = 6,
    /// It ended in any other way.
    Failed = 7,
}

impl State {
    /// The number in `job.status`.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The state that a number in `job.status` stands for.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Init,
            2 => Self::Queued,
            3 => Self::Submitted,
            4 => Self::Running,
            5 => Self::Killing,
            6 => Self::Finished,
            7 => Self::Failed,
            _ => return None,
        })
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Init => "init",
            Self::Queued => "queued",
            Self::Submitted => "submitted",
            Self::Running => "running",
            Self::Killing => "killing",
            Self::Finished => "finished",
            Self::Failed => "failed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_round_trip() {
        let known: Vec<_> = (0..=u8::MAX).filter_map(State::from_code).collect();
        assert_eq!(known.len(), 7);
        assert!(known.iter().all(|state| State::from_code(state.code()) == Some(*state)));
    }
}
