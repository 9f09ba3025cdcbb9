//! What is remembered of a server between calls: how many jobs run there as far as it last said, and whether it answers.
//!
//! It is kept in the plugin's values, one for each run and server. Instances that write at the same time may undo what another
//! one wrote; the server's next answer sets that right. What an earlier process of the run wrote is not believed.

use std::time::Duration;

use crate::{answer::Answer, server::Server};
use xqute_plugin::{clock, kv};

/// The pauses before a server that does not answer is tried again double from the first to the last of these.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// For so long the number of jobs that run somewhere is not asked for again.
const FRESH: Duration = Duration::from_secs(1);

/// What other runs left is removed after this time.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(2 * 24 * 3600);

/// How a server is, as far as is known. Times are milliseconds since the Unix epoch; 0 is never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Health {
    /// When this was written.
    written: u64,
    /// How many processors it has; 0 if that is not known.
    pub(crate) slots: u32,
    /// How many jobs run there.
    pub(crate) live: u32,
    /// When it last answered.
    answered: u64,
    /// When it last counted them.
    counted: u64,
    /// Whether its login shell is one that understands programs itself: 0 or 1.
    direct: u32,
    /// Since when it does not.
    pub(crate) down_since: u64,
    /// When it is to be tried again.
    retry_at: u64,
    /// How often it was tried in vain since it is down.
    tries: u32,
}

impl Health {
    /// What this process knows of a server; nothing, if it has not asked yet.
    pub(crate) fn load(run: &str, server: &Server) -> Self {
        let known = kv::text(&key(run, server)).and_then(|text| Self::read(&text));
        known
            .filter(|known| known.written >= process_began())
            .unwrap_or_default()
    }

    /// Remembers it. What cannot be stored is asked for again.
    pub(crate) fn store(mut self, run: &str, server: &Server) {
        self.written = now();
        let _asked_again = kv::set(&key(run, server), self.text());
    }

    /// Whether anything is known.
    pub(crate) const fn is_known(&self) -> bool {
        self.answered > 0 || self.down_since > 0
    }

    pub(crate) const fn is_down(&self) -> bool {
        self.down_since > 0
    }

    /// Whether a server that is down is to be tried again.
    pub(crate) fn is_due(&self) -> bool {
        self.is_down() && self.retry_at <= now()
    }

    /// For how long it has been down.
    pub(crate) fn down_for(&self) -> Duration {
        match self.down_since {
            0 => Duration::ZERO,
            since => Duration::from_millis(now().saturating_sub(since)),
        }
    }

    /// Whether it is known well how many jobs run there.
    pub(crate) fn is_fresh(&self) -> bool {
        now().saturating_sub(self.counted) <= millis(FRESH)
    }

    /// Whether its login shell understands programs itself.
    pub(crate) const fn is_direct(&self) -> bool {
        self.direct > 0
    }

    /// The same, with no job running there.
    pub(crate) const fn without_jobs(self) -> Self {
        Self { live: 0, ..self }
    }

    /// It answered.
    pub(crate) fn answered(&mut self, answer: &Answer) {
        let (slots, direct) = answer
            .hello
            .as_ref()
            .map_or((0, false), |hello| (hello.slots, hello.direct));
        let (live, counted) = answer.live().map_or((self.live, self.counted), |live| (live, now()));
        *self = Self {
            slots: if slots > 0 { slots } else { self.slots },
            live,
            answered: now(),
            counted,
            direct: direct.into(),
            ..Self::default()
        };
    }

    /// It did not.
    pub(crate) fn failed(&mut self) {
        let now = now();
        if self.down_since == 0 {
            (self.down_since, self.tries) = (now.max(1), 0);
        }
        let factor = 2_u32.checked_pow(self.tries).unwrap_or(u32::MAX);
        let pause = FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE);
        self.retry_at = now.saturating_add(millis(pause));
        self.direct = 0;
        self.tries = self.tries.saturating_add(1);
    }

    fn text(&self) -> String {
        let Self {
            written,
            slots,
            live,
            answered,
            counted,
            direct,
            down_since,
            retry_at,
            tries,
        } = self;
        format!("{written} {slots} {live} {answered} {counted} {direct} {down_since} {retry_at} {tries}")
    }

    fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let mut long = || words.next()?.parse::<u64>().ok();
        let (written, slots, live) = (long()?, long()?, long()?);
        let (answered, counted, direct) = (long()?, long()?, long()?);
        let (down_since, retry_at, tries) = (long()?, long()?, long()?);
        let short = |number: u64| u32::try_from(number).ok();
        Some(Self {
            written,
            slots: short(slots)?,
            live: short(live)?,
            answered,
            counted,
            direct: short(direct)?,
            down_since,
            retry_at,
            tries: short(tries)?,
        })
    }
}

/// Removes what runs that are long over have left.
pub(crate) fn forget_old_runs() {
    for key in kv::keys(PREFIX) {
        let written = kv::text(&key)
            .and_then(|text| Health::read(&text))
            .map_or(0, |health| health.written);
        if now().saturating_sub(written) > millis(FORGOTTEN_AFTER) {
            kv::remove(&key);
        }
    }
}

const PREFIX: &str = "server/";

fn key(run: &str, server: &Server) -> String {
    format!("{PREFIX}{run}/{}", server.digest())
}

fn now() -> u64 {
    millis(clock::now())
}

/// When this process began with the run, with some room for clocks that are set.
fn process_began() -> u64 {
    now().saturating_sub(millis(clock::elapsed()))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer;
    use xqute_plugin::testing::Host;

    fn server() -> Server {
        crate::server::server("n1", &Server::default())
            .unwrap()
            .named()
            .unwrap()
    }

    #[test]
    fn what_is_stored_is_loaded() {
        let _host = Host::new();
        let mut health = Health::default();
        health.answered(&answer::read(
            "n1",
            "xqute: hello 0a1b2c3d 3 8 1\nxqute: started 0 17 3\n",
        ));
        assert_eq!((health.live, health.slots, health.is_down()), (4, 8, false));
        health.answered(&answer::read("n1", "xqute: hello 0a1b2c3d - 0 1\n"));
        assert_eq!(
            (health.live, health.slots, health.is_direct()),
            (4, 8, true),
            "nothing new"
        );
        health.store("run", &server());
        let loaded = Health::load("run", &server());
        assert_eq!((loaded.live, loaded.slots, loaded.answered), (4, 8, health.answered));
        assert!(!Health::load("other", &server()).is_known());
    }

    #[test]
    fn what_an_earlier_process_wrote_is_not_believed() {
        let host = Host::new();
        host.advance(Duration::from_secs(5));
        let mut health = Health::default();
        health.failed();
        health.written = now() - 6_000;
        kv::set(&key("run", &server()), health.text()).unwrap();
        assert!(!Health::load("run", &server()).is_known());
        health.store("run", &server());
        assert!(Health::load("run", &server()).is_down());
    }

    #[test]
    fn pauses_double() {
        let host = Host::new();
        let mut health = Health::default();
        let mut pauses = Vec::new();
        for _ in 0..9 {
            health.failed();
            assert!(!health.is_due());
            pauses.push((health.retry_at - now()) / 1000);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        host.advance(Duration::from_secs(60));
        assert!(health.is_due());
        assert_eq!(health.down_for(), Duration::from_secs(60));
        health.answered(&answer::read("n1", "xqute: hello 0a1b2c3d - 0 0\n"));
        assert!(!health.is_down() && !health.is_due());
    }

    #[test]
    fn old_runs_are_forgotten() {
        let host = Host::new();
        Health::default().store("old", &server());
        host.advance(FORGOTTEN_AFTER);
        Health::default().store("new", &server());
        host.advance(Duration::from_secs(1));
        forget_old_runs();
        assert_eq!(kv::keys(""), [key("new", &server())]);
    }
}
