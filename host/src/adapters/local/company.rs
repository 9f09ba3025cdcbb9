//! How a job is ended, with everybody who belongs to it: its group, and processes that went into groups of their own. Those
//! that made sessions of their own are left alone.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustix::process::Signal;
use tokio::time::{Instant, timeout};

use super::{
    Key,
    adopt::{Job, claimed},
};
use crate::{
    adapters::process::stray::{self, Stray},
    model::run::{Run, variable},
};

/// After how long a process group is told to end once more. A shell that is just about to start a program can swallow the
/// first signal: it reaches the copy of the shell that becomes the program, and is gone with the shell's handlers.
const ONCE_MORE: Duration = Duration::from_millis(100);

/// Ends jobs of one run.
#[derive(Clone, Debug)]
pub(super) struct Company {
    run: Arc<Run>,
    /// Who was outside the groups of jobs when those were told to end.
    strays: Arc<Mutex<HashMap<Key, Vec<Stray>>>>,
}

/// A job, by what it is known.
pub(super) type Known = (Key, Arc<Job>);

impl Company {
    pub(super) fn new(run: Arc<Run>) -> Self {
        Self {
            run,
            strays: Arc::default(),
        }
    }

    /// Kills jobs at once.
    pub(super) fn kill(&self, jobs: &[Known]) {
        self.signal(jobs, &[Signal::KILL]);
    }

    /// Tells jobs to end, and kills those that have not within the grace period.
    pub(super) fn end(&self, jobs: Vec<Known>) {
        self.tell(&jobs);
        tokio::spawn(self.clone().end_within(jobs));
    }

    /// Kills who is left of a job that has ended, if it was told to.
    pub(super) fn ended(&self, key: Key) {
        let strays = self.strays.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        strays
            .iter()
            .flatten()
            .for_each(|stray: &Stray| stray.signal(Signal::KILL));
    }

    async fn end_within(self, jobs: Vec<Known>) {
        let (start, grace) = (Instant::now(), self.run.settings.kill_grace);
        let jobs = living(jobs, start, ONCE_MORE.min(grace)).await;
        self.tell(&jobs);
        let jobs = living(jobs, start, grace).await;
        self.kill(&jobs);
    }

    /// Who is stopped hears of it when he goes on.
    fn tell(&self, jobs: &[Known]) {
        self.signal(jobs, &[Signal::TERM, Signal::CONT]);
    }

    fn signal(&self, jobs: &[Known], signals: &[Signal]) {
        if jobs.is_empty() {
            return;
        }
        let strays = self.look_for_strays(jobs);
        // They are known before a job can end, so that its end is theirs.
        let mut known = self.strays.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, strays) in strays {
            known.entry(key).or_default().extend(strays);
        }
        for signal in signals {
            for (key, job) in jobs {
                job.signal_group(*signal);
                known
                    .get(key)
                    .into_iter()
                    .flatten()
                    .for_each(|stray| stray.signal(*signal));
            }
        }
    }

    fn look_for_strays(&self, jobs: &[Known]) -> HashMap<Key, Vec<Stray>> {
        let mut strays: HashMap<Key, Vec<Stray>> = HashMap::new();
        let leaders: HashMap<Key, u32> = jobs.iter().map(|(key, job)| (*key, job.id())).collect();
        let marked = stray::find(variable::RUN_TAG, &self.run.tag).unwrap_or_else(|error| {
            tracing::warn!("jobs are ended, but cannot be looked for in groups of their own: {error}");
            Vec::new()
        });
        for stray in marked {
            let Some(key) = claimed(|name| stray.variable(name)) else {
                continue;
            };
            let Some(leader) = leaders.get(&key).copied() else {
                continue;
            };
            if !stray.is_led_by(leader) && stray::session_of(leader) == Some(stray.session()) {
                strays.entry(key).or_default().push(stray);
            }
        }
        strays
    }
}

/// Those that have not ended so long after the start.
async fn living(jobs: Vec<Known>, start: Instant, after: Duration) -> Vec<Known> {
    let mut living = Vec::new();
    for (key, job) in jobs {
        let rest = after.saturating_sub(start.elapsed());
        if timeout(rest, job.ended()).await.is_err() {
            living.push((key, job));
        }
    }
    living
}
