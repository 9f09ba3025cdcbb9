//! Properties of the dispatcher over random orders of events: what the design promises about hooks, slots and outcomes.
//!
//! [`moves`] makes up what happens, [`world`] carries out what the dispatcher decides, and this file says what must hold.

mod moves;
mod world;

use std::collections::BTreeMap;

use proptest::prelude::*;

use self::{
    moves::{a_move, policy},
    world::{World, fed},
};
use super::{
    dispatch::{Counts, Policy},
    event::{Event, Submission},
};
use crate::model::{
    hook::{Fact, Hook, HookSet, JobEvent},
    job::{Attempt, JobIndex},
    outcome::{FailureCause, Observation, Outcome},
    settings::{ErrorStrategy, Settings},
};

/// What observers may hear next about a job.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Heard {
    Init,
    Queued,
    Submitted,
    Started,
    FailedForNow,
    Over,
}

fn next_heard(before: Option<Heard>, event: &JobEvent) -> Option<Heard> {
    use Heard::{FailedForNow, Init, Over, Queued, Started, Submitted};
    Some(match (before, event) {
        (None, JobEvent::Init) => Init,
        (Some(Init | FailedForNow), JobEvent::Queued) => Queued,
        (Some(Queued), JobEvent::Submitted) => Submitted,
        // A submission that failed was never submitted, but `started` still comes before `failed`.
        (Some(Queued | Submitted), JobEvent::Started) => Started,
        (Some(Started), JobEvent::Polling) => Started,
        (Some(Started), JobEvent::Failed { will_retry: true, .. }) => FailedForNow,
        (Some(Started), JobEvent::Failed { .. } | JobEvent::Succeeded) => Over,
        (Some(Init | Queued | Submitted | Started), JobEvent::Killed) => Over,
        _ => return None,
    })
}

fn check_facts(facts: &[Fact], fed: u32) {
    assert_eq!(facts.first(), Some(&Fact::Init));
    assert!(matches!(facts.last(), Some(Fact::Shutdown(_))));
    let mut heard: BTreeMap<JobIndex, (Heard, Attempt)> = BTreeMap::new();
    for fact in facts {
        let Fact::Job { job, attempt, event } = fact else {
            continue;
        };
        let before = heard.get(job).copied();
        let next = next_heard(before.map(|(heard, _)| heard), event);
        let next = next.unwrap_or_else(|| panic!("job {job}: {event:?} after {before:?}"));
        let expected = match (before, event) {
            (None, _) => Attempt::FIRST,
            (Some((Heard::FailedForNow, last)), _) => last.next(),
            (Some((_, last)), _) => last,
        };
        assert_eq!(*attempt, expected, "job {job}: {event:?}");
        heard.insert(*job, (next, *attempt));
    }
    assert_eq!(heard.len(), fed as usize);
    assert!(
        heard.values().all(|(heard, _)| *heard == Heard::Over),
        "not every job is over: {heard:?}"
    );
}

fn check_counts(counts: Counts, ended: &BTreeMap<JobIndex, Outcome>, fed: u32) {
    let number = |wanted: fn(&Outcome) -> bool| ended.values().filter(|outcome| wanted(outcome)).count() as u64;
    assert_eq!(counts.fed, u64::from(fed));
    assert_eq!(counts.done(), u64::from(fed));
    assert_eq!(
        counts.succeeded,
        number(|outcome| matches!(outcome, Outcome::Succeeded))
    );
    assert_eq!(counts.failed, number(|outcome| matches!(outcome, Outcome::Failed(_))));
    assert_eq!(
        counts.cancelled,
        number(|outcome| matches!(outcome, Outcome::Cancelled(_)))
    );
    assert_eq!((counts.queued, counts.in_flight), (0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn every_order_of_events_keeps_the_promises(policy in policy(), moves in prop::collection::vec(a_move(), 0..120)) {
        let mut world = World::new(policy);
        for step in moves {
            world.play(step);
        }
        world.drain();
        prop_assert!(world.finished);
        check_facts(&world.facts, world.fed);
        check_counts(world.dispatcher.counts(), &world.ended, world.fed);
    }
}

#[test]
fn halting_stops_the_rest_while_feeding_is_open() {
    let settings = Settings {
        error_strategy: ErrorStrategy::Halt,
        ..Default::default()
    };
    let all = Hook::ALL.into_iter().collect();
    let mut world = World::new(Policy::new(&settings, all, HookSet::default()));
    for _ in 0..3 {
        world.happen(fed(None));
    }
    let (job, attempt) = world.submitting.pop().unwrap();
    world.happen(Event::Submitted {
        job,
        attempt,
        result: Submission::Running("1".into()),
    });
    let observation = Observation::Ended(Outcome::Failed(FailureCause::ExitCode(1)));
    world.happen(Event::Observed {
        job,
        attempt,
        observation,
        reported: Some(1),
        usage: None,
    });
    assert!(world.finished && world.dispatcher.halted());
    assert_eq!(world.dispatcher.counts().cancelled, 2);
}

#[test]
fn a_retry_goes_before_what_waits() {
    let settings = Settings {
        error_strategy: ErrorStrategy::Retry,
        ..Default::default()
    };
    let mut world = World::new(Policy::new(&settings, HookSet::default(), HookSet::default()));
    world.happen(fed(Some(1)));
    world.happen(fed(None));
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
