//! Looks once at every job and keeps little of each: counts, sums, the jobs that are shown, and when each attempt ran.

use std::collections::{BTreeMap, HashMap};

use xqute::{
    StopCause,
    adapters::state::row::{AttemptRow, JobRow},
    model::{
        outcome::{CancelReason, FailureCause, Outcome},
        record::{Timestamp, Usage},
    },
};

use super::{
    bars::MOST_BARS,
    span::{Kind, Span},
    text::{clean, micros},
    top::Top,
};

/// The most failed jobs that are shown,
const FAILED: usize = 100;
/// and the most slow ones,
const SLOW: usize = 20;
/// and the most that used much.
const GREEDY: usize = 100;
/// Different causes that are told apart.
const CAUSES: usize = 60;
/// Characters of a command in tables, and beside a bar.
const LONG: usize = 2_000;
const SHORT: usize = 100;

/// What is known of the run as a whole.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Head {
    pub(in crate::cli) tag: String,
    pub(in crate::cli) scheduler: String,
    pub(in crate::cli) workdir: String,
    /// What names of jobs start with that have none of their own.
    pub(in crate::cli) prefix: String,
    /// When the run started, the first time if it was resumed.
    pub(in crate::cli) started: Timestamp,
    pub(in crate::cli) over: Timestamp,
    /// Why it was stopped, if it was.
    pub(in crate::cli) stopped: Option<StopCause>,
}

/// How many jobs ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OutcomeTally {
    pub(super) jobs: u64,
    pub(super) succeeded: u64,
    pub(super) failed: u64,
    pub(super) cancelled: u64,
    pub(super) unfinished: u64,
    /// Attempts beyond the first ones.
    pub(super) retries: u64,
}

/// What attempts used, as far as that was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    /// Jobs of which it is known.
    pub(super) jobs: u64,
    /// In microseconds.
    pub(super) user: i64,
    pub(super) system: i64,
    /// The most that one attempt had, in bytes.
    pub(super) memory: u64,
}

/// A job that is shown.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) job: u32,
    pub(super) name: String,
    pub(super) command: String,
    pub(super) attempts: u32,
    pub(super) kind: Kind,
    /// How it ended, in words.
    pub(super) ending: String,
    /// How long its attempts took, in microseconds.
    pub(super) wall: i64,
    pub(super) used: Option<Used>,
}

/// Everything that the page is made of.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) head: Head,
    pub(super) tally: OutcomeTally,
    /// How many jobs ended in which way, in words, the most frequent first.
    pub(super) causes: Vec<(Kind, String, u64)>,
    pub(super) spans: Vec<Span>,
    /// Names and commands of the jobs whose attempts took longest.
    pub(super) labels: HashMap<u32, (String, String)>,
    pub(super) failed: Vec<Shown>,
    pub(super) slowest: Vec<Shown>,
    /// Jobs that used much memory or processor time.
    pub(super) greedy: Vec<Shown>,
    pub(super) used: Used,
}

/// Looks at the jobs of a run, in any order.
#[derive(Debug)]
pub(in crate::cli) struct Gather {
    head: Head,
    tally: OutcomeTally,
    causes: BTreeMap<(Kind, String), u64>,
    spans: Vec<Span>,
    labels: Top<(u32, (String, String))>,
    failed: Top<Shown>,
    slowest: Top<Shown>,
    by_memory: Top<Shown>,
    by_cpu: Top<Shown>,
    used: Used,
}

impl Gather {
    /// Nothing was looked at yet.
    pub(in crate::cli) fn new(head: Head) -> Self {
        Self {
            head,
            tally: OutcomeTally::default(),
            causes: BTreeMap::new(),
            spans: Vec::new(),
            labels: Top::new(MOST_BARS),
            failed: Top::new(FAILED),
            slowest: Top::new(SLOW),
            by_memory: Top::new(GREEDY),
            by_cpu: Top::new(GREEDY),
            used: Used::default(),
        }
    }

    /// Here is another job, and its attempts that were followed by others.
    pub(in crate::cli) fn add(&mut self, job: &JobRow, earlier: &[AttemptRow]) {
        let kind = Kind::of(job.outcome.as_ref());
        self.tally.add(kind, job.attempt.retries());
        self.count_cause(kind, job);
        let from = self.spans.len();
        self.add_spans(kind, job, earlier);
        let new = self.spans.get(from..).unwrap_or_default();
        let wall = new.iter().map(Span::micros).fold(0, i64::saturating_add);
        let usages = earlier.iter().map(|attempt| attempt.usage).chain([job.usage]).flatten();
        let used = usages.fold(None, |sum: Option<Used>, usage| {
            Some(sum.unwrap_or_default().and(&usage))
        });
        let longest = new.iter().map(Span::micros).max();
        let prefix = &self.head.prefix;
        if let Some(longest) = longest {
            let label = || (job.index.0, (name(job, prefix), command(job, SHORT)));
            self.labels.offer(longest, job.index.0, label);
        }
        let shown = || shown(job, kind, wall, used, prefix);
        if kind == Kind::Failed {
            self.failed.offer(-i64::from(job.index.0), job.index.0, shown);
        }
        if longest.is_some() {
            self.slowest.offer(wall, job.index.0, shown);
        }
        if let Some(used) = used {
            self.used.add(&used);
            let memory = i64::try_from(used.memory).unwrap_or(i64::MAX);
            self.by_memory.offer(memory, job.index.0, shown);
            self.by_cpu.offer(used.cpu(), job.index.0, shown);
        }
    }

    /// That was all.
    pub(super) fn finish(self) -> Facts {
        let mut causes: Vec<_> = self
            .causes
            .into_iter()
            .map(|((kind, words), count)| (kind, words, count))
            .collect();
        causes.sort_by_key(|(kind, _, count)| (*kind != Kind::Succeeded, std::cmp::Reverse(*count)));
        let mut greedy = self.by_memory.into_sorted();
        greedy.extend(self.by_cpu.into_sorted());
        greedy.sort_by_key(|shown| shown.job);
        greedy.dedup_by_key(|shown| shown.job);
        greedy.sort_by_key(|shown| std::cmp::Reverse(shown.used.map(|used| used.memory)));
        Facts {
            head: self.head,
            tally: self.tally,
            causes,
            spans: self.spans,
            labels: self.labels.into_sorted().into_iter().collect(),
            failed: self.failed.into_sorted(),
            slowest: self.slowest.into_sorted(),
            greedy,
            used: self.used,
        }
    }

    fn count_cause(&mut self, kind: Kind, job: &JobRow) {
        let words = match &job.outcome {
            Some(outcome) => cause(outcome),
            None => format!("left as {}", job.state),
        };
        let known = self.causes.len();
        let key = (kind, words);
        if known < CAUSES || self.causes.contains_key(&key) {
            *self.causes.entry(key).or_default() += 1;
        } else {
            *self.causes.entry((kind, "something else".to_owned())).or_default() += 1;
        }
    }

    fn add_spans(&mut self, kind: Kind, job: &JobRow, earlier: &[AttemptRow]) {
        let ran = earlier
            .iter()
            .filter_map(|row| Some((row.attempt.get(), Kind::Retried, row.started?, row.ended)));
        let last = job.started.map(|started| {
            let ended = job.ended.unwrap_or(self.head.over);
            (job.attempt.get(), kind, started, ended)
        });
        for (attempt, kind, started, ended) in ran.chain(last) {
            self.spans.push(Span::new(job.index, attempt, kind, started, ended));
        }
    }
}

impl OutcomeTally {
    fn add(&mut self, kind: Kind, retries: u32) {
        self.jobs += 1;
        self.retries += u64::from(retries);
        *match kind {
            Kind::Succeeded => &mut self.succeeded,
            Kind::Failed | Kind::Retried => &mut self.failed,
            Kind::Cancelled => &mut self.cancelled,
            Kind::Unfinished => &mut self.unfinished,
        } += 1;
    }
}

impl Used {
    /// Processor time in user mode and in the kernel, in microseconds.
    pub(super) const fn cpu(&self) -> i64 {
        self.user.saturating_add(self.system)
    }

    /// Another attempt of the same job.
    fn and(mut self, usage: &Usage) -> Self {
        self.add(&Self {
            jobs: 0,
            user: micros(usage.user),
            system: micros(usage.system),
            memory: usage.peak_memory,
        });
        self.jobs = 1;
        self
    }

    fn add(&mut self, other: &Self) {
        self.jobs += other.jobs;
        self.user = self.user.saturating_add(other.user);
        self.system = self.system.saturating_add(other.system);
        self.memory = self.memory.max(other.memory);
    }
}

fn shown(job: &JobRow, kind: Kind, wall: i64, used: Option<Used>, prefix: &str) -> Shown {
    Shown {
        job: job.index.0,
        name: name(job, prefix),
        command: command(job, LONG),
        attempts: job.attempt.get(),
        kind,
        ending: match &job.outcome {
            Some(outcome) => clean(&outcome.to_string(), LONG),
            None => format!("left as {}", job.state),
        },
        wall,
        used,
    }
}

fn name(job: &JobRow, prefix: &str) -> String {
    match &job.spec.extras().name {
        Some(name) => clean(name, SHORT),
        None => clean(&format!("{prefix}-{}", job.index), SHORT),
    }
}

fn command(job: &JobRow, limit: usize) -> String {
    clean(&job.spec.command.to_string(), limit)
}

/// How a job ended, in words that many jobs share.
fn cause(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Succeeded => "succeeded".to_owned(),
        Outcome::Failed(FailureCause::NeverStarted(_)) => "never started".to_owned(),
        Outcome::Failed(FailureCause::SubmissionFailed(_)) => "submission failed".to_owned(),
        Outcome::Failed(FailureCause::Other(_)) => "failed for another reason".to_owned(),
        Outcome::Failed(FailureCause::Lost) => "lost".to_owned(),
        Outcome::Failed(cause) => cause.to_string(),
        Outcome::Cancelled(CancelReason::Vetoed { plugin, .. }) => clean(&format!("plugin {plugin} objected"), SHORT),
        Outcome::Cancelled(CancelReason::Dependency(_)) => "a job that it comes after did not succeed".to_owned(),
        Outcome::Cancelled(reason) => reason.to_string(),
    }
}
