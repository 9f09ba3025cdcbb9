//! Single stories about kills, each told by its name.

use super::{
    examples::{failed, world},
    moves::NewJob,
    world::World,
};
use crate::{
    flow::{
        dispatch::Policy,
        event::{Action, Event, Submission},
    },
    model::{
        hook::{Hook, Verdict},
        job::{Attempt, JobIndex},
        outcome::{CancelReason, Observation, Outcome, StopCause},
        settings::Settings,
        state::State,
    },
    ports::scheduler::{Cancel, Preferences},
};

fn gated(hook: Hook) -> World {
    let hooks = Hook::ALL.into_iter().collect();
    World::new(Policy::new(
        &Settings::default(),
        &Preferences::default(),
        hooks,
        [hook].into_iter().collect(),
    ))
}

/// The kills that the dispatcher wants, and whether nothing gets time.
fn kills(actions: &[Action]) -> Vec<Cancel> {
    let how = |action: &Action| match action {
        Action::Kill(_, how) => Some(*how),
        _ => None,
    };
    actions.iter().filter_map(how).collect()
}

fn in_flight(world: &mut World) -> (JobIndex, Attempt) {
    world.feed_after(&NewJob::default(), &[]);
    let (job, attempt) = world.submitting.pop().unwrap();
    let result = Submission::Running("1".into());
    world.happen(Event::Submitted { job, attempt, result });
    (job, attempt)
}

/// Past the world, so that the actions can be seen.
fn decided(world: &mut World, event: Event) -> Vec<Action> {
    world.dispatcher.handle(event);
    world.dispatcher.decide()
}

#[test]
fn a_second_signal_kills_though_the_first_was_vetoed() {
    let mut world = gated(Hook::Shutdown);
    in_flight(&mut world);
    world.happen(Event::Signalled(15));
    let veto = Verdict::Veto {
        plugin: "p".into(),
        reason: "r".into(),
    };
    let vetoed = decided(
        &mut world,
        Event::ShutdownDecided {
            signal: 15,
            verdict: veto,
        },
    );
    assert_eq!((vetoed.len(), world.dispatcher.stopped()), (0, None));
    let actions = decided(&mut world, Event::Signalled(2));
    assert_eq!(kills(&actions), [Cancel::AtOnce]);
    assert_eq!(world.dispatcher.stopped(), Some(StopCause::Signal(2)));
}

#[test]
fn a_job_that_could_not_be_killed_can_be_killed_again_or_end_by_itself() {
    let mut world = world(&Settings::default());
    let (job, attempt) = in_flight(&mut world);
    let how = Cancel::Gracefully;
    for _ in 0..2 {
        assert_eq!(kills(&decided(&mut world, Event::CancelRequested(job))), [how]);
        assert_eq!(kills(&decided(&mut world, Event::CancelRequested(job))), []);
        let back = decided(&mut world, Event::KillFailed { job, attempt, how });
        assert_eq!(back, [Action::ShowState(job, State::Running)]);
    }
    world.happen(Event::Observed {
        job,
        attempt,
        observation: Observation::Ended(failed()),
        reported: None,
        usage: None,
    });
    assert_eq!(world.ended[&job].1, failed());
}

#[test]
fn a_killed_script_may_have_left_its_exit_code_but_not_its_state() {
    let mut world = world(&Settings::default());
    let (job, attempt) = in_flight(&mut world);
    decided(&mut world, Event::CancelRequested(job));
    let cancelled = Outcome::Cancelled(CancelReason::Requested);
    let ended = Event::Observed {
        job,
        attempt,
        observation: Observation::Ended(failed()),
        reported: Some(cancelled.rc()),
        usage: None,
    };
    assert!(decided(&mut world, ended).contains(&Action::Record(job, cancelled)));
}

#[test]
fn a_run_that_stops_and_a_time_limit_do_not_give_up_killing() {
    for why in [
        Event::Signalled(15),
        Event::Deadline {
            job: JobIndex(0),
            attempt: Attempt::FIRST,
        },
    ] {
        let mut world = world(&Settings::default());
        let (job, attempt) = in_flight(&mut world);
        let how = Cancel::Gracefully;
        assert_eq!(kills(&decided(&mut world, why)), [how]);
        for _ in 0..2 {
            let later = decided(&mut world, Event::KillFailed { job, attempt, how });
            assert!(matches!(later[..], [Action::KillLater { .. }]), "{later:?}");
            assert_eq!(kills(&decided(&mut world, Event::KillDue { job, attempt })), [how]);
        }
        decided(&mut world, Event::KillFailed { job, attempt, how });
        decided(&mut world, Event::Signalled(15));
        assert_eq!(kills(&decided(&mut world, Event::Signalled(15))), [Cancel::AtOnce]);
        assert_eq!(kills(&decided(&mut world, Event::KillDue { job, attempt })), []);
    }
}

#[test]
fn a_third_signal_leaves_what_cannot_be_killed() {
    let mut world = world(&Settings::default());
    let (job, attempt) = in_flight(&mut world);
    decided(&mut world, Event::Signalled(15));
    decided(&mut world, Event::Signalled(15));
    let how = Cancel::AtOnce;
    let actions = decided(&mut world, Event::KillFailed { job, attempt, how });
    assert!(!actions.contains(&Action::Finish));
    let actions = decided(&mut world, Event::Signalled(2));
    assert!(actions.contains(&Action::Finish));
    assert_eq!(world.dispatcher.stopped(), Some(StopCause::Signal(2)));
    assert_eq!(world.dispatcher.counts().in_flight, 1, "it has no outcome");
}
