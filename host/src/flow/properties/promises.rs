//! What must hold when a run is over, whatever happened in it: what observers heard, what was recorded, what was counted.

use std::collections::BTreeMap;

use super::{
    moves::{Left, Past},
    world::World,
};
use crate::{
    flow::dispatch::Haste,
    model::{
        hook::{Fact, JobEvent},
        job::{Attempt, JobIndex},
        outcome::Outcome,
        record::Change,
    },
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
        // One that waits for other jobs was never queued, nor was one that waits for another attempt.
        (Some(Init | Queued | Submitted | Started | FailedForNow), JobEvent::Killed) => Over,
        _ => return None,
    })
}

/// Observers hear of each job in the order of its life, and to its end.
pub(super) fn facts(world: &World) {
    let facts = &world.facts;
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
        let expected = match before {
            None => first_attempt(world.jobs[job.0 as usize].past.as_ref()),
            Some((Heard::FailedForNow, last)) => last.next(),
            Some((_, last)) => last,
        };
        assert_eq!(*attempt, expected, "job {job}: {event:?}");
        heard.insert(*job, (next, *attempt));
    }
    let told: Vec<_> = heard.keys().map(|job| job.0 as usize).collect();
    let is_new = |job: &usize| {
        !matches!(
            &world.jobs[*job].past,
            Some(Past {
                left: Left::Done(_),
                ..
            })
        )
    };
    assert_eq!(told, (0..world.jobs.len()).filter(is_new).collect::<Vec<_>>());
    for (job, (heard, _)) in heard {
        let is_over = heard == Heard::Over;
        let waits = matches!(heard, Heard::Init | Heard::Queued | Heard::FailedForNow);
        assert!(
            if is_left(world, job) {
                waits || leaves_jobs(world)
            } else {
                is_over
            },
            "job {job}: {heard:?}"
        );
    }
}

/// Whether the job is left to the next run: it waits because nothing could be recorded, or it was left behind.
fn is_left(world: &World, job: JobIndex) -> bool {
    !world.ended.contains_key(&job)
}

/// Whether the user did not want to wait for jobs that cannot be killed.
fn leaves_jobs(world: &World) -> bool {
    world.dispatcher.stops_with(Haste::Leaving)
}

fn first_attempt(past: Option<&Past>) -> Attempt {
    past.map_or(Attempt::FIRST, |past| Attempt::new(past.attempt))
}

/// What is recorded of a job so far.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Recorded {
    Nothing,
    Waits(Attempt),
    Submitted(Attempt),
    Started(Attempt),
    Over,
}

fn next_recorded(before: Recorded, change: &Change) -> Option<Recorded> {
    use Recorded::{Nothing, Over, Started, Submitted, Waits};
    Some(match (before, change) {
        (Nothing, Change::Fed { .. }) => Waits(Attempt::FIRST),
        (Waits(waiting), Change::Submitted { attempt, .. }) if waiting == *attempt => Submitted(waiting),
        (Submitted(last), Change::Started { attempt }) if last == *attempt => Started(last),
        (
            Waits(last) | Submitted(last) | Started(last),
            Change::Ended {
                attempt, will_retry, ..
            },
        ) if last == *attempt => match will_retry {
            true => Waits(last.next()),
            false => Over,
        },
        _ => return None,
    })
}

/// What is recorded of each job begins with its request and ends with its outcome, once; that of one which is left, before
/// another attempt.
pub(super) fn journal(world: &World) {
    let past = |past: &Past| {
        let attempt = Attempt::new(past.attempt);
        match past.left {
            Left::Waiting => Recorded::Waits(attempt),
            Left::InFlight { started: false } => Recorded::Submitted(attempt),
            Left::InFlight { started: true } => Recorded::Started(attempt),
            Left::Done(_) => Recorded::Over,
        }
    };
    let jobs = world.jobs.iter();
    let mut recorded: Vec<_> = jobs
        .map(|job| job.past.as_ref().map_or(Recorded::Nothing, past))
        .collect();
    for (job, change) in &world.journal {
        let recorded = &mut recorded[job.0 as usize];
        let next = next_recorded(*recorded, change);
        *recorded = next.unwrap_or_else(|| panic!("job {job}: {change:?} after {recorded:?}"));
    }
    for (job, recorded) in (0..).map(JobIndex).zip(recorded) {
        let (is_over, waits) = (recorded == Recorded::Over, matches!(recorded, Recorded::Waits(_)));
        assert!(
            if is_left(world, job) {
                waits || leaves_jobs(world)
            } else {
                is_over
            },
            "job {job}: {recorded:?}"
        );
    }
}

/// Every job is counted once, as what it became.
pub(super) fn counts(world: &World) {
    let counts = world.dispatcher.counts();
    let (jobs, over) = (world.jobs.len() as u64, world.ended.len() as u64);
    let ended = || world.ended.values();
    let number = |wanted: fn(&Outcome) -> bool| ended().filter(|(_, outcome)| wanted(outcome)).count() as u64;
    assert_eq!((counts.fed, counts.done()), (jobs, over));
    assert_eq!(
        counts.succeeded,
        number(|outcome| matches!(outcome, Outcome::Succeeded))
    );
    assert_eq!(counts.failed, number(|outcome| matches!(outcome, Outcome::Failed(_))));
    assert_eq!(
        counts.cancelled,
        number(|outcome| matches!(outcome, Outcome::Cancelled(_)))
    );
    assert_eq!(counts.queued + counts.in_flight, jobs - over);
    assert!(counts.in_flight == 0 || leaves_jobs(world));
    let retries: u64 = ended().map(|(attempt, _)| u64::from(attempt.retries())).sum();
    assert!(counts.retries == retries || counts.retries > retries && jobs > over);
}
