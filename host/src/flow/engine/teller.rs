//! Tells observers what happened, in order and in batches, off the path that jobs take.

use std::{future::pending, pin::pin, sync::Arc, time::Duration};

use tokio::{
    sync::{
        Notify,
        mpsc::{Receiver, Sender, UnboundedSender, channel},
        watch,
    },
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use crate::{flow::event::Event, model::hook::Fact, ports::hooks::Hooks};

/// How many facts may wait. When observers are further behind, the dispatcher waits for them: nothing is lost.
const QUEUE: usize = 16_384;

/// How many facts are told in one call.
const BATCH: usize = 256;

/// How long facts are collected after a call. A call costs much more than a fact.
const PAUSE: Duration = Duration::from_millis(5);

/// How long observers may still take, in all, when the user wants the run to end at once.
const PATIENCE: Duration = Duration::from_millis(500);

/// The number of signals that says that the user wants the run to end at once.
const AT_ONCE: u32 = 2;

/// The way to the observers of a run.
#[derive(Debug)]
pub(crate) struct Teller {
    facts: Sender<Fact>,
    /// There will be no more of them.
    over: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Teller {
    /// Starts to tell. `signals` is how many the run got.
    pub(crate) fn start(hooks: Arc<dyn Hooks>, inbox: UnboundedSender<Event>, signals: watch::Receiver<u32>) -> Self {
        let (facts, waiting) = channel(QUEUE);
        let over = Arc::new(Notify::new());
        let patience = Patience {
            signals,
            left: PATIENCE,
        };
        Self {
            facts,
            over: over.clone(),
            task: tokio::spawn(tell(hooks, waiting, over, inbox, patience)),
        }
    }

    /// Where facts are handed in.
    pub(crate) fn facts(&self) -> Sender<Fact> {
        self.facts.clone()
    }

    /// Waits until observers have heard everything, or the user does not want to wait for them any more. Nobody else may have
    /// a way to hand in facts any more.
    pub(crate) async fn finish(self) {
        drop(self.facts);
        self.over.notify_one();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "telling observers failed");
        }
    }
}

async fn tell(
    hooks: Arc<dyn Hooks>,
    mut waiting: Receiver<Fact>,
    over: Arc<Notify>,
    inbox: UnboundedSender<Event>,
    mut patience: Patience,
) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        match patience.bound(hooks.observe(&batch)).await {
            Some(Ok(())) => {}
            Some(Err(failure)) => {
                tracing::error!("{failure}");
                let _ = inbox.send(Event::PluginFailed);
            }
            None => return give_up(batch.len(), waiting).await,
        }
        batch.clear();
        if waiting.is_empty() {
            tokio::select! {
                () = sleep(PAUSE) => {}
                () = over.notified() => {}
            }
        }
    }
}

/// Takes what comes, so that nobody waits for room.
async fn give_up(mut untold: usize, mut waiting: Receiver<Fact>) {
    let mut batch = Vec::new();
    loop {
        match waiting.recv_many(&mut batch, BATCH).await {
            0 => break,
            more => untold += more,
        }
        batch.clear();
    }
    tracing::warn!("observers were too slow for the end of the run: {untold} facts were not told to all of them");
}

/// How long observers are waited for.
struct Patience {
    /// How many signals the run got.
    signals: watch::Receiver<u32>,
    /// What is left of it, once it matters.
    left: Duration,
}

impl Patience {
    /// Waits for the end of a call; `None`, when that takes too long for somebody who wants the end of the run.
    async fn bound<T>(&mut self, call: impl Future<Output = T>) -> Option<T> {
        let mut call = pin!(call);
        tokio::select! {
            biased;
            answer = &mut call => return Some(answer),
            () = at_once(&mut self.signals) => {}
        }
        let began = Instant::now();
        let answer = timeout(self.left, call).await.ok();
        self.left = self.left.saturating_sub(began.elapsed());
        answer
    }
}

/// Waits until the user wants the run to end at once.
async fn at_once(signals: &mut watch::Receiver<u32>) {
    // Where nobody can send signals any more, there will be none.
    if signals.wait_for(|signals| *signals >= AT_ONCE).await.is_err() {
        pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use tokio::sync::{Semaphore, mpsc};

    use super::*;
    use crate::{
        model::{
            hook::{HookSet, JobEvent, Snippets, Verdict},
            job::{Attempt, JobIndex},
            run::JobAttempt,
        },
        ports::hooks::{HookFailure, Question},
    };

    /// Hears a fact for each permit, and waits for ever when there is none.
    struct Slow {
        permits: Semaphore,
        heard: Mutex<Vec<Fact>>,
    }

    #[async_trait]
    impl Hooks for Slow {
        fn observed(&self) -> HookSet {
            HookSet::default()
        }

        fn gated(&self) -> HookSet {
            HookSet::default()
        }

        fn scripted(&self) -> HookSet {
            HookSet::default()
        }

        async fn observe(&self, facts: &[Fact]) -> Result<(), HookFailure> {
            for fact in facts {
                self.permits.acquire().await.unwrap().forget();
                self.heard.lock().unwrap().push(fact.clone());
            }
            Ok(())
        }

        async fn decide(&self, _: &[Question<'_>]) -> Vec<Result<Verdict, HookFailure>> {
            Vec::new()
        }

        async fn snippets(&self, _: &[JobAttempt]) -> Vec<Result<Snippets, HookFailure>> {
            Vec::new()
        }
    }

    fn slow() -> Arc<Slow> {
        Arc::new(Slow {
            permits: Semaphore::new(0),
            heard: Mutex::default(),
        })
    }

    fn fact(job: usize) -> Fact {
        Fact::Job {
            job: JobIndex(u32::try_from(job).unwrap()),
            attempt: Attempt::FIRST,
            event: JobEvent::Queued,
        }
    }

    #[tokio::test]
    async fn a_slow_observer_stops_nobody_until_its_queue_is_full_and_then_nothing_is_lost() {
        let (hooks, (_signals, signals)) = (slow(), watch::channel(0));
        let teller = Teller::start(hooks.clone(), mpsc::unbounded_channel().0, signals);
        let facts = teller.facts();
        let mut sent = 0;
        // As long as a queue and the batch that is being told have room, nobody waits.
        while facts.try_send(fact(sent)).is_ok() {
            sent += 1;
            tokio::task::yield_now().await;
        }
        assert!(sent >= QUEUE, "{sent}");
        let last = tokio::spawn(async move { facts.send(fact(sent)).await });
        tokio::task::yield_now().await;
        assert!(!last.is_finished(), "there is no room");
        hooks.permits.add_permits(sent + 1);
        last.await.unwrap().unwrap();
        teller.finish().await;
        let all: Vec<_> = (0..=sent).map(fact).collect();
        assert!(*hooks.heard.lock().unwrap() == all, "all of them, once each, in order");
    }

    #[tokio::test]
    async fn a_user_in_a_hurry_does_not_wait_for_slow_observers() {
        let (hooks, (user, signals)) = (slow(), watch::channel(0));
        hooks.permits.add_permits(1);
        let teller = Teller::start(hooks.clone(), mpsc::unbounded_channel().0, signals);
        let facts = teller.facts();
        for job in 0..1000 {
            facts.send(fact(job)).await.unwrap();
        }
        drop(facts);
        user.send_replace(AT_ONCE);
        teller.finish().await;
        assert_eq!(*hooks.heard.lock().unwrap(), [fact(0)]);
    }

    #[tokio::test]
    async fn a_quick_observer_hears_everything_whatever_the_hurry() {
        let (hooks, (_user, signals)) = (slow(), watch::channel(AT_ONCE));
        hooks.permits.add_permits(1000);
        let teller = Teller::start(hooks.clone(), mpsc::unbounded_channel().0, signals);
        let facts = teller.facts();
        for job in 0..1000 {
            facts.send(fact(job)).await.unwrap();
        }
        drop(facts);
        teller.finish().await;
        assert_eq!(hooks.heard.lock().unwrap().len(), 1000);
    }
}
