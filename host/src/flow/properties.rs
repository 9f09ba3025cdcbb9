//! Properties of the dispatcher over random orders of events: what the design promises about hooks, slots and outcomes.

use std::collections::BTreeMap;

use proptest::{prelude::*, sample::Index};

use super::{
    dispatch::{Counts, Dispatcher, Policy},
    event::{Action, Event, Submission},
};
use crate::model::{
    hook::{Fact, Hook, JobEvent, Verdict},
    job::{Attempt, JobIndex},
    outcome::{FailureCause, Observation, Outcome},
    run::JobRef,
    settings::ErrorStrategy,
};

/// One thing that may happen next; what it happens to is picked from what is possible then.
#[derive(Clone, Debug)]
enum Move {
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
        Just(Outcome::Cancelled(crate::model::outcome::CancelReason::InBackend)),
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

fn a_move() -> impl Strategy<Value = Move> {
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

fn policy() -> impl Strategy<Value = Policy> {
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

/// Everything outside the dispatcher: remembers what it was told to do and what observers heard.
struct World {
    dispatcher: Dispatcher,
    forks: usize,
    fed: u32,
    submitting: Vec<(JobIndex, Attempt)>,
    flying: Vec<JobRef>,
    asked_to_kill: Vec<JobRef>,
    asked_to_stop: Vec<i32>,
    facts: Vec<Fact>,
    ended: BTreeMap<JobIndex, Outcome>,
    closed: bool,
    finished: bool,
}

impl World {
    fn new(policy: Policy) -> Self {
        let forks = policy.forks as usize;
        let mut world = Self {
            dispatcher: Dispatcher::new(policy),
            forks,
            fed: 0,
            submitting: Vec::new(),
            flying: Vec::new(),
            asked_to_kill: Vec::new(),
            asked_to_stop: Vec::new(),
            facts: Vec::new(),
            ended: BTreeMap::new(),
            closed: false,
            finished: false,
        };
        world.carry_out();
        world
    }

    fn carry_out(&mut self) {
        for action in self.dispatcher.decide() {
            assert!(!self.finished, "{action:?} after the end");
            match action {
                Action::Submit(batch) => self.submitting.extend(batch),
                Action::Watch(job) => self.flying.push(job),
                Action::AskKill(job) => self.asked_to_kill.push(job),
                Action::AskShutdown(signal) => self.asked_to_stop.push(signal),
                Action::Tell(fact) => self.facts.push(fact),
                Action::Ended { job, outcome, .. } => {
                    assert!(self.ended.insert(job, outcome).is_none(), "job {job} ended twice");
                    self.flying.retain(|flying| flying.job != job);
                }
                Action::Finish => self.finished = true,
                Action::Kill(..)
                | Action::StartTimeout(_)
                | Action::StopSubmitting
                | Action::ShowState(..)
                | Action::Record(..) => {}
            }
        }
        assert!(
            self.submitting.len() + self.flying.len() <= self.forks,
            "more in flight than forks"
        );
    }

    fn happen(&mut self, event: Event) {
        let over = |job: JobIndex, attempt: Attempt, flying: &mut Vec<JobRef>| {
            flying.retain(|flying| (flying.job, flying.attempt) != (job, attempt));
        };
        let observed = match &event {
            Event::Observed { job, attempt, .. } => Some((*job, *attempt)),
            _ => None,
        };
        self.dispatcher.handle(event);
        // An attempt that the dispatcher no longer watches is over; its slot is free.
        if let Some((job, attempt)) = observed {
            let watched = self
                .dispatcher
                .watched()
                .iter()
                .any(|(known, _)| (known.job, known.attempt) == (job, attempt));
            if !watched {
                over(job, attempt, &mut self.flying);
            }
        }
        self.carry_out();
    }

    fn play(&mut self, step: Move) {
        match step {
            Move::Feed(_) if self.finished || self.closed => {}
            Move::Feed(num_retries) => {
                self.fed += 1;
                self.happen(Event::Fed { num_retries });
            }
            Move::CloseFeed => self.close_feed(),
            Move::Submitted(at, result) => self.submitted(at, result),
            Move::Observed(at, observation, reported) => self.observed(at, observation, reported),
            Move::Deadline(at) => {
                if let Some(JobRef { job, attempt, .. }) = pick(&self.flying, at) {
                    self.happen(Event::Deadline { job, attempt });
                }
            }
            Move::KillDecided(at, verdict) => {
                if let Some(JobRef { job, attempt, .. }) = pick(&self.asked_to_kill, at) {
                    self.asked_to_kill
                        .retain(|asked| (asked.job, asked.attempt) != (job, attempt));
                    self.happen(Event::KillDecided { job, attempt, verdict });
                }
            }
            Move::Cancel(at) if self.fed > 0 => {
                let job = u32::try_from(at.index(self.fed as usize)).unwrap();
                self.happen(Event::CancelRequested(JobIndex(job)));
            }
            Move::Cancel(_) => {}
            Move::Signal => self.happen(Event::Signalled(15)),
            Move::ShutdownDecided(verdict) => {
                if let Some(signal) = self.asked_to_stop.pop() {
                    self.happen(Event::ShutdownDecided { signal, verdict });
                }
            }
            Move::Halt => self.happen(Event::HaltRequested),
        }
    }

    fn close_feed(&mut self) {
        self.closed = true;
        self.happen(Event::FeedClosed);
    }

    fn submitted(&mut self, at: Index, result: Submission) {
        if self.submitting.is_empty() {
            return;
        }
        let (job, attempt) = self.submitting.remove(at.index(self.submitting.len()));
        self.happen(Event::Submitted { job, attempt, result });
    }

    fn observed(&mut self, at: Index, observation: Observation, reported: Option<i32>) {
        if let Some(JobRef { job, attempt, .. }) = pick(&self.flying, at) {
            let reported = reported.filter(|_| matches!(observation, Observation::Ended(_) | Observation::Unknown));
            self.happen(Event::Observed {
                job,
                attempt,
                observation,
                reported,
            });
        }
    }

    /// Lets everything that is under way come to its end.
    fn drain(&mut self) {
        self.close_feed();
        for _ in 0..10_000 {
            if let Some((job, attempt)) = self.submitting.pop() {
                self.happen(Event::Submitted {
                    job,
                    attempt,
                    result: Submission::Taken("id".into()),
                });
            } else if let Some(JobRef { job, attempt, .. }) = self.flying.first().cloned() {
                let observation = Observation::Ended(Outcome::Succeeded);
                self.happen(Event::Observed {
                    job,
                    attempt,
                    observation,
                    reported: Some(0),
                });
            } else {
                return;
            }
        }
        panic!("the run does not end");
    }
}

fn pick<T: Clone>(from: &[T], at: Index) -> Option<T> {
    (!from.is_empty()).then(|| at.get(from).clone())
}

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
    let settings = crate::model::settings::Settings {
        error_strategy: ErrorStrategy::Halt,
        ..Default::default()
    };
    let all = Hook::ALL.into_iter().collect();
    let mut world = World::new(Policy::new(&settings, all, Default::default()));
    for _ in 0..3 {
        world.happen(Event::Fed { num_retries: None });
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
    });
    assert!(world.finished && world.dispatcher.halted());
    assert_eq!(world.dispatcher.counts().cancelled, 2);
}

#[test]
fn a_retry_goes_before_what_waits() {
    let settings = crate::model::settings::Settings {
        error_strategy: ErrorStrategy::Retry,
        ..Default::default()
    };
    let mut world = World::new(Policy::new(&settings, Default::default(), Default::default()));
    world.happen(Event::Fed { num_retries: Some(1) });
    world.happen(Event::Fed { num_retries: None });
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
