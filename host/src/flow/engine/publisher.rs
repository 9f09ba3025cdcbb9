//! Passes on what has been recorded: to observers, to those who wait for a job, and to whoever listens to the run.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{mpsc, oneshot, watch};

use super::Mail;
use crate::{
    flow::event::Event,
    model::{
        hook::Fact,
        job::JobIndex,
        outcome::Outcome,
        record::{Change, Entry},
    },
    ports::journal::{Audience, Batch, Listener, NotRecorded},
};

/// Those who want to hear of a run, and how far it is recorded. Shared by everybody who can add to them.
#[derive(Clone, Default)]
pub(crate) struct Subscribers(Arc<Mutex<Lists>>);

#[derive(Default)]
struct Lists {
    listeners: Vec<Box<dyn Listener>>,
    waiting: HashMap<JobIndex, oneshot::Sender<Outcome>>,
    /// Nothing more will be told.
    closed: bool,
}

impl Subscribers {
    pub(crate) fn listen(&self, listener: Box<dyn Listener>) {
        let mut lists = self.lists();
        if !lists.closed {
            lists.listeners.push(listener);
        }
    }

    /// Tells the outcome of a job that has not been fed yet; nothing, when the run ends before that is recorded.
    pub(crate) fn wait_for(&self, job: JobIndex) -> oneshot::Receiver<Outcome> {
        let (sender, receiver) = oneshot::channel();
        let mut lists = self.lists();
        if !lists.closed {
            lists.waiting.insert(job, sender);
        }
        receiver
    }

    /// Nothing more will be told: whoever waits need not wait any longer.
    fn close(&self) {
        let closed = Lists {
            closed: true,
            ..Lists::default()
        };
        // What they do when they hear of it, they may do without the lock.
        let _told = std::mem::replace(&mut *self.lists(), closed);
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The audience of a run's journal.
pub(crate) struct Publisher {
    pub(crate) facts: Option<mpsc::Sender<Fact>>,
    pub(crate) subscribers: Subscribers,
    /// How many jobs have been recorded.
    pub(crate) jobs: watch::Sender<u32>,
    pub(crate) mail: Mail,
}

impl Audience for Publisher {
    fn recorded(&mut self, batch: Batch) {
        let Batch { entries, facts } = batch;
        if !entries.is_empty() {
            self.publish(&entries);
        }
        let Some(observers) = &self.facts else { return };
        for fact in facts {
            // Observers that are behind make the journal wait, and so the flow. The receiver outlives this thread.
            let _ = observers.blocking_send(fact);
        }
    }

    fn held_up(&mut self, why: &NotRecorded) {
        tracing::error!(
            "{why}; no further job starts until it works again, and the run ends if it does not before those that run have \
             ended"
        );
        self.mail.send(Event::Recording(false));
    }

    fn goes_on(&mut self) {
        tracing::warn!("what happened is recorded again");
        self.mail.send(Event::Recording(true));
    }
}

impl Drop for Publisher {
    /// Nothing more is recorded, because the run is over or the journal broke down. Told before those who wait for
    /// `jobs` can notice.
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(
                "the thread that records the run broke down; no further job starts, and the run ends when those that run \
                 have ended"
            );
        }
        self.mail.send(Event::Recording(false));
        self.subscribers.close();
    }
}

impl Publisher {
    fn publish(&self, entries: &[Entry]) {
        let mut lists = self.subscribers.lists();
        let mut fed = None;
        for Entry { job, change, .. } in entries {
            match change {
                Change::Fed { .. } => fed = Some(job.0.saturating_add(1)),
                Change::Ended {
                    outcome,
                    will_retry: false,
                    ..
                } if !lists.waiting.is_empty() => {
                    if let Some(waiting) = lists.waiting.remove(job) {
                        // Somebody who does not wait any more is no loss.
                        let _ = waiting.send(outcome.clone());
                    }
                }
                _ => {}
            }
        }
        if let Some(jobs) = fed {
            self.jobs.send_replace(jobs);
        }
        // One that breaks down must not take the record of the run with it.
        lists.listeners.retain_mut(|listener| {
            let told = catch_unwind(AssertUnwindSafe(|| listener.recorded(entries)));
            if told.is_err() {
                tracing::error!("somebody who listened to the run broke down, and hears nothing more of it");
            }
            told.is_ok()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{job::Attempt, record::Timestamp};

    struct Breaks;

    impl Listener for Breaks {
        fn recorded(&mut self, _: &[Entry]) {
            panic!("this is what the test is about");
        }
    }

    struct Hears(mpsc::UnboundedSender<usize>);

    impl Listener for Hears {
        fn recorded(&mut self, entries: &[Entry]) {
            self.0.send(entries.len()).unwrap();
        }
    }

    fn publisher(subscribers: &Subscribers) -> (Publisher, mpsc::UnboundedReceiver<Event>) {
        let (sender, inbox) = mpsc::unbounded_channel();
        let publisher = Publisher {
            facts: None,
            subscribers: subscribers.clone(),
            jobs: watch::Sender::default(),
            mail: Mail(sender),
        };
        (publisher, inbox)
    }

    fn ended(job: u32) -> Batch {
        let change = Change::Ended {
            attempt: Attempt::FIRST,
            outcome: Outcome::Succeeded,
            will_retry: false,
            usage: None,
        };
        Batch {
            entries: vec![Entry {
                at: Timestamp(0),
                job: JobIndex(job),
                change,
            }],
            facts: Vec::new(),
        }
    }

    #[test]
    fn a_listener_that_breaks_down_takes_nobody_with_it() {
        let subscribers = Subscribers::default();
        let (sender, mut heard) = mpsc::unbounded_channel();
        subscribers.listen(Box::new(Breaks));
        subscribers.listen(Box::new(Hears(sender)));
        let (mut publisher, _inbox) = publisher(&subscribers);
        let mut waiting = subscribers.wait_for(JobIndex(1));
        (0..2).for_each(|job| publisher.recorded(ended(job)));
        assert_eq!((heard.try_recv(), heard.try_recv()), (Ok(1), Ok(1)));
        assert_eq!(waiting.try_recv(), Ok(Outcome::Succeeded));
        assert_eq!(subscribers.lists().listeners.len(), 1);
    }

    #[test]
    fn nobody_waits_longer_than_anything_is_recorded() {
        let subscribers = Subscribers::default();
        let (sender, mut heard) = mpsc::unbounded_channel();
        subscribers.listen(Box::new(Hears(sender.clone())));
        let (publisher, mut inbox) = publisher(&subscribers);
        let early = subscribers.wait_for(JobIndex(0));
        drop(publisher);
        assert_eq!(inbox.try_recv(), Ok(Event::Recording(false)));
        let late = subscribers.wait_for(JobIndex(1));
        subscribers.listen(Box::new(Hears(sender)));
        for mut waiting in [early, late] {
            assert_eq!(waiting.try_recv(), Err(oneshot::error::TryRecvError::Closed));
        }
        assert_eq!(heard.try_recv(), Err(mpsc::error::TryRecvError::Disconnected));
    }
}
