//! Tells observers what happened, in order and in batches, off the path that jobs take.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{
        Notify,
        mpsc::{Receiver, Sender, UnboundedSender, channel},
    },
    task::JoinHandle,
    time::sleep,
};

use crate::{flow::event::Event, model::hook::Fact, ports::hooks::Hooks};

/// How many facts may wait. When observers are further behind, the dispatcher waits for them: nothing is lost.
const QUEUE: usize = 16_384;

/// How many facts are told in one call.
const BATCH: usize = 256;

/// How long facts are collected after a call. A call costs much more than a fact.
const PAUSE: Duration = Duration::from_millis(5);

/// The way to the observers of a run.
#[derive(Debug)]
pub(crate) struct Teller {
    facts: Sender<Fact>,
    /// There will be no more of them.
    over: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Teller {
    pub(crate) fn start(hooks: Arc<dyn Hooks>, inbox: UnboundedSender<Event>) -> Self {
        let (facts, waiting) = channel(QUEUE);
        let over = Arc::new(Notify::new());
        Self {
            facts,
            over: over.clone(),
            task: tokio::spawn(tell(hooks, waiting, over, inbox)),
        }
    }

    /// Where facts are handed in.
    pub(crate) fn facts(&self) -> Sender<Fact> {
        self.facts.clone()
    }

    /// Waits until observers have heard everything. Nobody else may have a way to hand in facts any more.
    pub(crate) async fn finish(self) {
        drop(self.facts);
        self.over.notify_one();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "telling observers failed");
        }
    }
}

async fn tell(hooks: Arc<dyn Hooks>, mut waiting: Receiver<Fact>, over: Arc<Notify>, inbox: UnboundedSender<Event>) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        if let Err(failure) = hooks.observe(&batch).await {
            tracing::error!("{failure}");
            let _ = inbox.send(Event::PluginFailed);
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
