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
    adapters::process::{
        marked::{self, Marked, session_of},
        stray::Stray,
    },
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

    /// Kills jobs at once, for somebody who cannot wait for anything.
    pub(super) fn kill_now(&self, jobs: &[Known]) {
        if !jobs.is_empty() {
            self.signal(jobs, self.marked(), &[Signal::KILL]);
        }
    }

    /// Kills jobs at once.
    pub(super) async fn kill(&self, jobs: &[Known]) {
        if !jobs.is_empty() {
            self.signal(jobs, self.look_around().await, &[Signal::KILL]);
        }
    }

    /// Tells jobs to end, and kills those that have not within the grace period.
    pub(super) async fn end(&self, jobs: Vec<Known>) {
        self.tell(&jobs).await;
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
        self.tell(&jobs).await;
        let jobs = living(jobs, start, grace).await;
        self.kill(&jobs).await;
    }

    /// Who is stopped hears of it when he goes on.
    async fn tell(&self, jobs: &[Known]) {
        if !jobs.is_empty() {
            self.signal(jobs, self.look_around().await, &[Signal::TERM, Signal::CONT]);
        }
    }

    /// Everybody who was started by a job of this run. Looking at all processes takes its time.
    async fn look_around(&self) -> Vec<Marked> {
        let company = self.clone();
        // It is not cancelled, and a panic there would be one here.
        let looked = tokio::task::spawn_blocking(move || company.marked()).await;
        looked.unwrap_or_default()
    }

    fn marked(&self) -> Vec<Marked> {
        marked::find(variable::RUN_TAG, &self.run.tag).unwrap_or_else(|error| {
            tracing::warn!("jobs are ended, but cannot be looked for in groups of their own: {error}");
            Vec::new()
        })
    }

    fn signal(&self, jobs: &[Known], marked: Vec<Marked>, signals: &[Signal]) {
        let strays = strays(jobs, marked);
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
}

/// Those that left the groups of these jobs.
fn strays(jobs: &[Known], marked: Vec<Marked>) -> HashMap<Key, Vec<Stray>> {
    let mut strays: HashMap<Key, Vec<Stray>> = HashMap::new();
    let leaders: HashMap<Key, u32> = jobs.iter().map(|(key, job)| (*key, job.id())).collect();
    for one in marked {
        let Some(key) = claimed(|name| one.variable(name)) else {
            continue;
        };
        let Some(leader) = leaders.get(&key).copied() else {
            continue;
        };
        if one.is_led_by(leader) || session_of(leader) != Some(one.session()) {
            continue;
        }
        match Stray::hold(&one) {
            Ok(stray) => strays.entry(key).or_default().extend(stray),
            Err(error) => tracing::warn!("process {} is left alone: {error}", one.id()),
        }
    }
    strays
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
