//! The only place that is asked for the time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::model::record::Timestamp;

/// The run's clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
    /// The time of day at the start.
    from: Timestamp,
}

impl Clock {
    /// A clock whose run starts now.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn start() -> Self {
        let day = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            started: Instant::now(),
            from: Timestamp(micros(day)),
        }
    }

    /// How long the run has lasted; never goes back.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// When something happens now. In one process this never goes back, even when somebody sets the clock.
    pub fn timestamp(&self) -> Timestamp {
        Timestamp(self.from.0.saturating_add(micros(self.elapsed())))
    }

    /// The time of day.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
