//! Random policies, and random things that may happen.

use proptest::{prelude::*, sample::Index};

use crate::{
    flow::{dispatch::Policy, event::Submission},
    model::{
        hook::{Hook, Verdict},
        outcome::{CancelReason, FailureCause, Observation, Outcome},
        settings::ErrorStrategy,
    },
};

/// One thing that may happen next; what it happens to is picked from what is possible then.
#[derive(Clone, Debug)]
pub(super) enum Move {
    Feed(Option<u32>),
    CloseFeed,
    Submitted(Index, Submission),
    Observed(Index, Observation, Option<i32>),
    Deadline(Index),
    KillDecided(Index, Verdict),
    Cancel(Index),
    Signal,
    ShutdownDecided(Verdict),
    Halt,
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
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Succeeded),
        (1..255_i32).prop_map(|code| Outcome::Failed(FailureCause::ExitCode(code))),
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
    ]
}

pub(super) fn a_move() -> impl Strategy<Value = Move> {
    let at = any::<Index>;
    let reported = || proptest::option::of(0..3_i32);
    prop_oneof![
        20 => proptest::option::of(0..3_u32).prop_map(Move::Feed),
        1 => Just(Move::CloseFeed),
        30 => (at(), submission()).prop_map(|(at, result)| Move::Submitted(at, result)),
        30 => (at(), observation(), reported()).prop_map(|(at, seen, rc)| Move::Observed(at, seen, rc)),
        3 => at().prop_map(Move::Deadline),
        5 => (at(), verdict()).prop_map(|(at, verdict)| Move::KillDecided(at, verdict)),
        3 => at().prop_map(Move::Cancel),
        1 => Just(Move::Signal),
        1 => verdict().prop_map(Move::ShutdownDecided),
        1 => Just(Move::Halt),
    ]
}

pub(super) fn policy() -> impl Strategy<Value = Policy> {
    let strategy = prop_oneof![
        Just(ErrorStrategy::Ignore),
        Just(ErrorStrategy::Retry),
        Just(ErrorStrategy::Halt)
    ];
    let gated = proptest::sample::subsequence(vec![Hook::JobKilling, Hook::Shutdown], 0..=2);
    (1..5_u32, 1..4_u32, strategy, 0..3_u32, gated).prop_map(|(forks, batch, error_strategy, num_retries, gated)| {
        Policy {
            forks,
            submission_batch: batch,
            error_strategy,
            num_retries,
            observed: Hook::ALL.into_iter().collect(),
            gated: gated.into_iter().collect(),
        }
    })
}
