//! Single stories about the dispatcher, each told by its name.

use std::{num::NonZeroU32, time::Duration};

use super::{
    moves::{Left, NewJob, NewJobs, Past},
    world::World,
};
use crate::{
    flow::{
        dispatch::Policy,
        event::{Action, Event, Submission},
    },
    model::{
        hook::{Hook, HookSet},
        job::JobIndex,
        outcome::{CancelReason, FailureCause, Observation, Outcome, StopCause},
        run::JobRef,
        settings::{ErrorStrategy, RetryPolicy, Settings},
    },
    ports::scheduler::Preferences,
};

fn policy(settings: &Settings) -> Policy {
    Policy::new(
        settings,
        &Preferences::default(),
        Hook::ALL.into_iter().collect(),
        HookSet::default(),
    )
}

fn new_jobs(jobs: Vec<NewJob>) -> NewJobs {
    NewJobs {
        jobs,
        ..NewJobs::default()
    }
}

pub(super) fn world(settings: &Settings) -> World {
    World::new(policy(settings))
}

fn retrying() -> Settings {
    Settings {
        error_strategy: ErrorStrategy::Retry,
        num_retries: 1,
        ..Settings::default()
    }
}

pub(super) fn failed() -> Outcome {
    Outcome::Failed(FailureCause::ExitCode(1))
}

fn cancelled_because_of(job: u32) -> Outcome {
    Outcome::Cancelled(CancelReason::Dependency(JobIndex(job)))
}

#[test]
fn halting_stops_the_rest_while_feeding_is_open() {
    let mut world = world(&Settings {
        error_strategy: ErrorStrategy::Halt,
        ..Settings::default()
    });
    for _ in 0..3 {
        world.feed_after(&NewJob::default(), &[]);
    }
    world.run_one(failed());
    assert!(world.finished);
    assert_eq!(world.dispatcher.stopped(), Some(StopCause::Halted));
    assert_eq!(world.dispatcher.counts().cancelled, 2);
}

#[test]
fn jobs_gather_while_a_submission_is_under_way() {
    let settings = Settings {
        forks: NonZeroU32::new(3).unwrap(),
        ..Settings::default()
    };
    let on_its_way = |gathers| {
        let mut world = World::new(Policy {
            gathers,
            ..policy(&settings)
        });
        let mut waves = Vec::new();
        for _ in 0..4 {
            world.feed_after(&NewJob::default(), &[]);
            waves.push(world.submitting.len());
        }
        world.run_one(Outcome::Succeeded);
        waves.push(world.submitting.len());
        waves
    };
    assert_eq!(on_its_way(false), [1, 2, 3, 3, 3]);
    assert_eq!(on_its_way(true), [1, 2, 2, 2, 2]);
}

#[test]
fn a_retry_goes_before_what_waits() {
    let mut world = world(&retrying());
    world.feed_after(&NewJob::default(), &[]);
    world.feed_after(&NewJob::default(), &[]);
    for attempt in 1..=2 {
        let (job, now) = world.submitting.pop().unwrap();
        assert_eq!((job, now.get()), (JobIndex(0), attempt));
        world.happen(Event::Submitted {
            job,
            attempt: now,
            result: Submission::Failed("no".into()),
        });
    }
    assert_eq!(world.submitting.first().map(|(job, _)| *job), Some(JobIndex(1)));
    assert_eq!(world.dispatcher.counts().failed, 1);
}

#[test]
fn a_job_that_pauses_lets_the_others_go_on() {
    let mut world = world(&Settings {
        retry: RetryPolicy {
            delay: Duration::from_secs(1),
            ..RetryPolicy::default()
        },
        ..retrying()
    });
    world.feed_after(&NewJob::default(), &[]);
    world.feed_after(&NewJob::default(), &[]);
    world.run_one(failed());
    assert_eq!(world.submitting.first().map(|(job, _)| *job), Some(JobIndex(1)));
    assert_eq!(world.dispatcher.counts().queued, 1);
    let (job, attempt) = world.pausing.pop().unwrap();
    assert_eq!((job, attempt.get()), (JobIndex(0), 2));
    world.run_one(Outcome::Succeeded);
    world.happen(Event::CancelRequested(job));
    assert_eq!(world.ended.len(), 2, "a pause need not be waited for");
    world.happen(Event::RetryDue { job, attempt });
    assert!(world.submitting.is_empty());
}

#[test]
fn a_higher_priority_goes_first() {
    let mut world = world(&Settings::default());
    for priority in [0, 0, -1, 5, 5] {
        let job = NewJob {
            priority,
            ..NewJob::default()
        };
        world.feed_after(&job, &[]);
    }
    let mut order = Vec::new();
    while let Some((job, _)) = world.submitting.first() {
        order.push(job.0);
        world.run_one(Outcome::Succeeded);
    }
    assert_eq!(
        order,
        [0, 3, 4, 1, 2],
        "the first one had started before the others came"
    );
}

#[test]
fn a_long_chain_ends_with_its_first_job() {
    const LENGTH: u32 = 100_000;
    let mut world = world(&Settings::default());
    world.feed_after(&NewJob::default(), &[]);
    for job in 1..LENGTH {
        world.feed_after(&NewJob::default(), &[job - 1]);
    }
    assert_eq!(world.dispatcher.counts().queued, u64::from(LENGTH) - 1);
    world.run_one(failed());
    assert_eq!(world.dispatcher.counts().cancelled, u64::from(LENGTH) - 1);
    assert_eq!(world.ended[&JobIndex(LENGTH - 1)].1, cancelled_because_of(LENGTH - 2));
}

#[test]
fn a_job_after_one_that_has_ended_is_judged_at_once() {
    let mut world = world(&Settings::default());
    world.feed_after(&NewJob::default(), &[]);
    world.run_one(failed());
    world.feed_after(&NewJob::default(), &[]);
    world.run_one(Outcome::Succeeded);
    world.feed_after(&NewJob::default(), &[1, 0]);
    assert_eq!(world.ended[&JobIndex(2)].1, cancelled_because_of(0));
    world.feed_after(&NewJob::default(), &[1]);
    assert_eq!(world.submitting.first().map(|(job, _)| *job), Some(JobIndex(3)));
}

#[test]
fn a_job_after_one_that_never_comes_is_cancelled() {
    let mut world = world(&Settings::default());
    world.feed_after(&NewJob::default(), &[7]);
    world.feed_after(&NewJob::default(), &[0]);
    world.happen(Event::FeedClosed);
    assert!(world.finished);
    assert_eq!(world.ended[&JobIndex(0)].1, cancelled_because_of(7));
    assert_eq!(world.ended[&JobIndex(1)].1, cancelled_because_of(0));
}

#[test]
fn a_stop_cancels_what_is_held_for_its_own_reason() {
    let mut world = world(&Settings::default());
    world.feed_after(&NewJob::default(), &[]);
    world.feed_after(&NewJob::default(), &[0]);
    world.happen(Event::Signalled(15));
    assert_eq!(
        world.ended[&JobIndex(1)].1,
        Outcome::Cancelled(CancelReason::Signalled(15))
    );
}

#[test]
fn a_run_stops_after_as_many_failures_as_it_may_bear() {
    let mut world = world(&Settings {
        max_failures: NonZeroU32::new(2),
        ..Settings::default()
    });
    let jobs = vec![NewJob::default(); 5];
    world.feed(new_jobs(jobs));
    world.run_one(failed());
    world.run_one(Outcome::Succeeded);
    assert_eq!(world.dispatcher.stopped(), None);
    world.run_one(failed());
    assert_eq!(world.dispatcher.stopped(), Some(StopCause::TooManyFailures));
    assert_eq!(
        world.ended[&JobIndex(4)].1,
        Outcome::Cancelled(CancelReason::TooManyFailures)
    );
    assert!(world.finished);
}

#[test]
fn what_waits_while_nothing_can_be_recorded_is_left() {
    let mut world = world(&Settings::default());
    world.feed(new_jobs(vec![NewJob::default(); 3]));
    world.happen(Event::Recording(false));
    world.run_one(Outcome::Succeeded);
    assert!(world.finished);
    let counts = world.dispatcher.counts();
    assert_eq!((counts.succeeded, counts.queued), (1, 2));
}

#[test]
fn what_is_behind_holds_jobs_back_and_ends_no_run() {
    let mut world = world(&Settings::default());
    world.feed(new_jobs(vec![NewJob::default(); 2]));
    world.dispatcher.hold_back(true);
    world.run_one(Outcome::Succeeded);
    assert!(world.submitting.is_empty() && !world.finished);
    world.dispatcher.hold_back(false);
    world.happen(Event::FeedClosed);
    world.run_one(Outcome::Succeeded);
    assert!(world.finished);
}

#[test]
fn a_job_that_was_not_started_after_all_is_the_next_one() {
    let mut world = world(&Settings::default());
    world.feed(new_jobs(vec![NewJob::default(); 2]));
    let (job, attempt) = world.submitting.pop().unwrap();
    let unrecorded = || Event::Submitted {
        job,
        attempt,
        result: Submission::Unrecorded,
    };
    world.happen(unrecorded());
    assert_eq!(world.submitting, [(job, attempt)]);
    // Unless somebody did not want it any more.
    world.happen(Event::CancelRequested(job));
    world.submitting.clear();
    world.happen(unrecorded());
    assert_eq!(world.ended[&job].1, Outcome::Cancelled(CancelReason::Requested));
}

/// A world in which an earlier process left these jobs, which say nothing themselves.
fn resumed(settings: &Settings, left: Vec<Left>) -> World {
    let jobs = vec![NewJob::default(); left.len()];
    let past = left.into_iter().map(|left| Past { attempt: 1, left });
    World::resumed(policy(settings), new_jobs(jobs), past.collect())
}

#[test]
fn an_adopted_attempt_that_is_lost_is_made_again_once() {
    let mut world = resumed(&Settings::default(), vec![Left::InFlight { started: true }]);
    let lost = || Outcome::Failed(FailureCause::Lost);
    let JobRef { job, attempt, .. } = world.flying[0].clone();
    world.observe(job, attempt, Observation::Ended(lost()), None);
    assert_eq!(world.submitting.first().map(|(_, attempt)| attempt.get()), Some(2));
    world.run_one(lost());
    assert_eq!(world.ended[&JobIndex(0)].1, lost());
}

#[test]
fn an_attempt_that_never_began_does_not_count() {
    let mut world = world(&Settings::default());
    world.feed(new_jobs(vec![NewJob::default()]));
    for number in 1..3 {
        let (job, attempt) = world.submitting.pop().unwrap();
        assert_eq!(attempt.get(), number);
        let result = Submission::Running("1".into());
        world.happen(Event::Submitted { job, attempt, result });
        world.observe(job, attempt, Observation::NeverBegan, None);
    }
    world.run_one(failed());
    assert_eq!(world.ended[&JobIndex(0)].1, failed());
}

#[test]
fn a_job_directory_is_put_right_though_the_attempt_left_an_exit_code() {
    let mut world = resumed(&Settings::default(), vec![Left::InFlight { started: true }]);
    let JobRef { job, attempt, .. } = world.flying[0].clone();
    world.dispatcher.handle(Event::Observed {
        job,
        attempt,
        observation: Observation::Ended(Outcome::Failed(FailureCause::Lost)),
        reported: Some(0),
        usage: None,
    });
    let actions = world.dispatcher.decide();
    assert!(
        actions.contains(&Action::Record(job, Outcome::Succeeded)),
        "its state may be missing: {actions:?}"
    );
}

#[test]
fn failures_of_an_earlier_process_are_borne_already() {
    let settings = Settings {
        max_failures: NonZeroU32::new(2),
        ..Settings::default()
    };
    let done = || Left::Done(failed());
    let mut world = resumed(
        &settings,
        vec![done(), done(), Left::Waiting, Left::Waiting, Left::Waiting],
    );
    world.run_one(failed());
    assert_eq!(world.dispatcher.stopped(), None);
    world.run_one(failed());
    assert_eq!(world.dispatcher.stopped(), Some(StopCause::TooManyFailures));
    assert_eq!(world.dispatcher.counts().failed, 4);
}
