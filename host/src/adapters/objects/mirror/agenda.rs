//! Which job directory is to be copied when. Nothing here waits or touches anything.
//!
//! A job that runs is copied now and then, so that its output can be seen in the store; ever more seldom the longer it runs,
//! and the longer that takes. A job that is over is copied once more, as soon as there is room. Nobody copies a directory that
//! is being copied.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

use super::{copy::Copied, tree::Tree};
use crate::model::job::{Attempt, JobIndex};

/// How long a job has run when it is copied for the first time; the pauses between copies double from there.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Pauses are at least this many times as long as the last copy took.
const REST: u32 = 10;

/// A directory that is to be copied.
#[derive(Debug)]
pub(super) struct Errand {
    pub(super) job: JobIndex,
    /// The attempt after which there is nothing more to copy.
    pub(super) last: Option<Attempt>,
    /// What the store has of it.
    pub(super) copied: Copied,
}

/// What is to be copied, and what is being copied.
#[derive(Debug)]
pub(super) struct Agenda {
    /// The first job of which the store can have nothing.
    first_new: JobIndex,
    /// Whether jobs that run are copied at all.
    while_running: bool,
    /// Jobs that run.
    running: HashMap<JobIndex, Running>,
    due: BTreeSet<(Instant, JobIndex)>,
    /// Jobs that are over, or will not be seen again.
    over: VecDeque<Errand>,
}

#[derive(Debug)]
struct Running {
    pause: Duration,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// It is copied when that is due.
    Waiting(Copied),
    /// It is being copied; meanwhile it may have ended.
    Copying { over: Option<Attempt> },
}

impl Agenda {
    /// Nothing is to be copied yet. Of jobs before `first_new` the store may have something.
    pub(super) fn new(first_new: JobIndex, while_running: bool) -> Self {
        Self {
            first_new,
            while_running,
            running: HashMap::new(),
            due: BTreeSet::new(),
            over: VecDeque::new(),
        }
    }

    /// An attempt of the job may run.
    pub(super) fn runs(&mut self, job: JobIndex, now: Instant) {
        if !self.while_running || self.running.contains_key(&job) {
            return;
        }
        let stage = Stage::Waiting(self.unseen(job));
        let pause = FIRST_PAUSE;
        self.running.insert(job, Running { pause, stage });
        self.due.insert((now + pause, job));
    }

    /// The job is over.
    pub(super) fn over(&mut self, job: JobIndex, attempt: Attempt) {
        if let Some(Running {
            stage: Stage::Copying { over },
            ..
        }) = self.running.get_mut(&job)
        {
            *over = Some(attempt);
            return;
        }
        let copied = match self.running.remove(&job) {
            // The time when it was due comes and finds nothing.
            Some(Running {
                stage: Stage::Waiting(copied),
                ..
            }) => copied,
            _ => self.unseen(job),
        };
        let last = Some(attempt);
        self.over.push_back(Errand { job, last, copied });
    }

    fn unseen(&self, job: JobIndex) -> Copied {
        match job < self.first_new {
            true => Copied::Unknown,
            false => Copied::Files(Tree::new()),
        }
    }

    /// What is to be copied now, if anything is. Those that run come first: they are few.
    pub(super) fn next(&mut self, now: Instant) -> Option<Errand> {
        while let Some((at, job)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, job));
            let Some(running) = self.running.get_mut(&job) else {
                continue;
            };
            let copying = Stage::Copying { over: None };
            if let Stage::Waiting(copied) = std::mem::replace(&mut running.stage, copying) {
                return Some(Errand {
                    job,
                    last: None,
                    copied,
                });
            }
        }
        self.over.pop_front()
    }

    /// When it is worth to ask for the next one.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// A directory was copied, or could not be: this is what the store has of it now.
    pub(super) fn copied(&mut self, errand: Errand, took: Duration, now: Instant) {
        let Errand {
            job,
            last: None,
            copied,
        } = errand
        else {
            return;
        };
        let Some(running) = self.running.get_mut(&job) else {
            return;
        };
        if let Stage::Copying { over: Some(attempt) } = running.stage {
            self.running.remove(&job);
            let last = Some(attempt);
            return self.over.push_back(Errand { job, last, copied });
        }
        running.stage = Stage::Waiting(copied);
        running.pause = (running.pause * 2).min(LONGEST_PAUSE).max(took * REST);
        self.due.insert((now + running.pause, job));
    }

    /// A directory that nothing more happens in could not be copied, and has to be copied once more.
    pub(super) fn again(&mut self, errand: Errand) {
        let ended = match self.running.remove(&errand.job) {
            Some(Running {
                stage: Stage::Copying { over },
                ..
            }) => over,
            _ => None,
        };
        let last = errand.last.or(ended);
        self.over.push_front(Errand { last, ..errand });
    }

    /// Nothing more will be heard: what runs now is copied as it is, unless it is being copied. What ended while it is being
    /// copied still has its last copy before it.
    pub(super) fn close(&mut self) {
        self.due.clear();
        for (job, running) in std::mem::take(&mut self.running) {
            match running.stage {
                Stage::Waiting(copied) => {
                    let last = None;
                    self.over.push_back(Errand { job, last, copied });
                }
                Stage::Copying { over: Some(_) } => {
                    self.running.insert(job, running);
                }
                Stage::Copying { over: None } => {}
            }
        }
    }

    /// How many directories wait to be copied for the last time.
    pub(super) fn backlog(&self) -> usize {
        self.over.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: JobIndex = JobIndex(7);

    fn agenda() -> (Agenda, Instant) {
        (Agenda::new(JobIndex(0), true), Instant::now())
    }

    fn after(now: Instant, seconds: u64) -> Instant {
        now + Duration::from_secs(seconds)
    }

    #[test]
    fn a_short_job_is_copied_once() {
        let (mut agenda, now) = agenda();
        agenda.runs(JOB, now);
        assert!(agenda.next(now).is_none());
        agenda.over(JOB, Attempt::FIRST);
        let errand = agenda.next(now).unwrap();
        assert_eq!((errand.job, errand.last), (JOB, Some(Attempt::FIRST)));
        agenda.copied(errand, Duration::ZERO, now);
        assert!(agenda.next(after(now, 1000)).is_none());
        assert_eq!(agenda.next_due(), None);
    }

    #[test]
    fn a_long_job_is_copied_more_and_more_seldom() {
        let (mut agenda, mut now) = agenda();
        let began = now;
        agenda.runs(JOB, now);
        let mut seconds = Vec::new();
        for took in [0, 0, 0, 0, 0, 0, 60] {
            now = agenda.next_due().unwrap();
            seconds.push((now - began).as_secs());
            let errand = agenda.next(now).unwrap();
            assert_eq!(errand.last, None);
            assert!(agenda.next(now).is_none());
            agenda.copied(errand, Duration::from_secs(took), now);
        }
        assert_eq!(seconds, [1, 3, 7, 15, 31, 61, 91]);
        assert_eq!((agenda.next_due().unwrap() - now).as_secs(), 600);
    }

    #[test]
    fn what_ends_while_it_is_copied_is_copied_again() {
        let (mut agenda, now) = agenda();
        agenda.runs(JOB, now);
        let errand = agenda.next(after(now, 1)).unwrap();
        agenda.over(JOB, Attempt::FIRST);
        assert!(agenda.next(after(now, 100)).is_none());
        agenda.copied(errand, Duration::ZERO, now);
        let errand = agenda.next(now).unwrap();
        assert_eq!(errand.last, Some(Attempt::FIRST));
        agenda.again(errand);
        assert_eq!(agenda.backlog(), 1);
        assert!(agenda.next(now).is_some());
    }

    #[test]
    fn what_ends_while_it_is_copied_is_copied_again_though_the_run_is_over() {
        for fails in [false, true] {
            let (mut agenda, now) = agenda();
            agenda.runs(JOB, now);
            let errand = agenda.next(after(now, 1)).unwrap();
            agenda.over(JOB, Attempt::FIRST);
            agenda.close();
            assert!(agenda.next(now).is_none());
            match fails {
                false => agenda.copied(errand, Duration::ZERO, now),
                true => agenda.again(errand),
            }
            assert_eq!(agenda.next(now).unwrap().last, Some(Attempt::FIRST));
            assert!(agenda.next(now).is_none());
        }
    }

    #[test]
    fn what_an_earlier_process_left_is_looked_at_first() {
        let mut agenda = Agenda::new(JobIndex(8), true);
        agenda.over(JOB, Attempt::FIRST);
        agenda.over(JobIndex(8), Attempt::FIRST);
        let now = Instant::now();
        assert!(matches!(agenda.next(now).unwrap().copied, Copied::Unknown));
        assert!(matches!(agenda.next(now).unwrap().copied, Copied::Files(_)));
    }

    #[test]
    fn what_runs_at_the_end_is_copied_once_more() {
        let (mut agenda, now) = agenda();
        agenda.runs(JOB, now);
        agenda.close();
        assert_eq!(agenda.next(now).unwrap().last, None);
        assert!(agenda.next(now).is_none());
    }
}
