//! Random policies, random things that may happen, and random pasts.

use std::{num::NonZeroU32, time::Duration};

use proptest::{prelude::*, sample::Index};

use crate::{
    flow::{dispatch::Policy, event::Submission},
    model::{
        hook::{Hook, Verdict},
        outcome::{CancelReason, FailureCause, Observation, Outcome},
        settings::{ErrorStrategy, RetryCause, RetryPolicy},
    },
    ports::scheduler::Cancel,
};

/// One thing that may happen next; what it happens to is picked from what is possible then.
#[derive(Clone, Debug)]
pub(super) enum Move {
    Feed(NewJobs),
    CloseFeed,
    Submitted(Index, Submission),
    Observed(Index, Observation, Option<i32>),
    Deadline(Index),
    RetryDue(Index),
    KillDecided(Index, Verdict),
    Cancel(Index),
    CancelAll,
    Signal,
    ShutdownDecided(Verdict),
    Recording(bool),
    KillFailed(Index, Cancel),
    KillDue(Index),
    PluginFails,
}

/// Jobs that come together. They come after earlier ones and after each other: all after ones before them, or all after
/// ones behind them, so that there are no circles.
#[derive(Clone, Debug, Default)]
pub(super) struct NewJobs {
    pub(super) jobs: Vec<NewJob>,
    pub(super) forwards: bool,
    /// Whether nothing is decided before the last of them has come.
    pub(super) at_once: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct NewJob {
    pub(super) num_retries: Option<u32>,
    pub(super) priority: i32,
    pub(super) after: Vec<Index>,
}

/// What an earlier process left of a job.
#[derive(Clone, Debug)]
pub(super) struct Past {
    pub(super) attempt: u32,
    pub(super) left: Left,
}

#[derive(Clone, Debug)]
pub(super) enum Left {
    Waiting,
    InFlight { started: bool },
    Done(Outcome),
}

fn new_job() -> impl Strategy<Value = NewJob> {
    let retries = proptest::option::of(0..3_u32);
    let after = prop_oneof![3 => Just(Vec::new()), 2 => prop::collection::vec(any::<Index>(), 1..3)];
    (retries, -1..2_i32, after).prop_map(|(num_retries, priority, after)| NewJob {
        num_retries,
        priority,
        after,
    })
}

fn new_jobs(size: std::ops::Range<usize>) -> impl Strategy<Value = NewJobs> {
    let new = (prop::collection::vec(new_job(), size), any::<bool>(), any::<bool>());
    new.prop_map(|(jobs, forwards, at_once)| NewJobs {
        jobs,
        forwards,
        at_once,
    })
}

/// The jobs of an earlier process.
pub(super) fn past() -> impl Strategy<Value = (NewJobs, Vec<Past>)> {
    let left = prop_oneof![
        3 => Just(Left::Waiting),
        2 => any::<bool>().prop_map(|started| Left::InFlight { started }),
        2 => outcome().prop_map(Left::Done),
    ];
    let one = (1..4_u32, left).prop_map(|(attempt, left)| Past { attempt, left });
    (new_jobs(0..6), prop::collection::vec(one, 6))
}

fn verdict() -> impl Strategy<Value = Verdict> {
    let veto = Verdict::Veto {
        plugin: "p".into(),
        reason: "r".into(),
    };
    prop_oneof![3 => Just(Verdict::Proceed), 1 => Just(veto)]
}

fn submission() -> impl Strategy<Value = Submission> {
    prop_oneof![
        4 => Just(Submission::Taken("id".into())),
        4 => Just(Submission::Running("id".into())),
        1 => Just(Submission::Vetoed { plugin: "p".into(), reason: "r".into() }),
        1 => Just(Submission::Failed("no".into())),
        1 => any::<bool>().prop_map(|prepared| Submission::GivenUp { prepared }),
        1 => Just(Submission::Unrecorded),
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Succeeded),
        (1..4_i32).prop_map(|code| Outcome::Failed(FailureCause::ExitCode(code))),
        Just(Outcome::Failed(FailureCause::Lost)),
        Just(Outcome::Failed(FailureCause::OutOfMemory)),
        Just(Outcome::Cancelled(CancelReason::InBackend)),
    ]
}

fn observation() -> impl Strategy<Value = Observation> {
    prop_oneof![
        1 => Just(Observation::Queued(None)),
        3 => Just(Observation::Running),
        3 => outcome().prop_map(Observation::Ended),
        2 => Just(Observation::Unknown),
        1 => Just(Observation::NeverBegan),
    ]
}

pub(super) fn a_move() -> impl Strategy<Value = Move> {
    let at = any::<Index>;
    let reported = || proptest::option::of(0..3_i32);
    prop_oneof![
        20 => new_jobs(1..4).prop_map(Move::Feed),
        1 => Just(Move::CloseFeed),
        30 => (at(), submission()).prop_map(|(at, result)| Move::Submitted(at, result)),
        30 => (at(), observation(), reported()).prop_map(|(at, seen, rc)| Move::Observed(at, seen, rc)),
        3 => at().prop_map(Move::Deadline),
        5 => at().prop_map(Move::RetryDue),
        5 => (at(), verdict()).prop_map(|(at, verdict)| Move::KillDecided(at, verdict)),
        3 => at().prop_map(Move::Cancel),
        1 => Just(Move::CancelAll),
        1 => Just(Move::Signal),
        1 => verdict().prop_map(Move::ShutdownDecided),
        3 => any::<bool>().prop_map(Move::Recording),
        3 => (at(), any::<bool>()).prop_map(|(at, hard)| Move::KillFailed(at, if hard { Cancel::AtOnce } else { Cancel::Gracefully })),
        3 => at().prop_map(Move::KillDue),
        1 => Just(Move::PluginFails),
    ]
}

fn retry_policy() -> impl Strategy<Value = RetryPolicy> {
    let only_on = prop_oneof![Just(Vec::new()), Just(vec![RetryCause::ExitCode(1), RetryCause::Lost])];
    (0..2_u64, only_on).prop_map(|(delay, only_on)| RetryPolicy {
        delay: Duration::from_secs(delay),
        only_on,
        ..RetryPolicy::default()
    })
}

pub(super) fn policy() -> impl Strategy<Value = Policy> {
    let strategy = prop_oneof![
        Just(ErrorStrategy::Ignore),
        Just(ErrorStrategy::Retry),
        Just(ErrorStrategy::Halt)
    ];
    let gated = proptest::sample::subsequence(vec![Hook::JobKilling, Hook::Shutdown], 0..=2);
    let retry = (0..3_u32, retry_policy());
    let max_failures = prop_oneof![2 => Just(None), 1 => (1..4_u32).prop_map(NonZeroU32::new)];
    (
        1..5_u32,
        (1..4_u32, any::<bool>()),
        strategy,
        retry,
        max_failures,
        gated,
    )
        .prop_map(
            |(forks, (submission_batch, gathers), error_strategy, (num_retries, retry), max_failures, gated)| Policy {
                forks,
                submission_batch,
                gathers,
                error_strategy,
                num_retries,
                retry,
                max_failures,
                observed: Hook::ALL.into_iter().collect(),
                gated: gated.into_iter().collect(),
            },
        )
}
