//! Copies job directories to a workdir in a store: all that is in them for jobs that see them on this machine, and what the host
//! itself wrote there for others.
//!
//! - `agenda`: which directory is to be copied when;
//! - `copy`: one directory, copied;
//! - `tree`: what is in it;
//! - `in_store`: what others have brought there or fetched from there;
//! - `ledger`: which jobs the store has in full.
//!
//! It listens to the run, as anybody may, and hears of jobs once that is recorded: nothing of the run waits for the store, and
//! whatever is lost with this process is copied by the one that goes on with the run. While the store does not answer, it is
//! tried again for as long as the run lasts.

mod agenda;
mod copy;
mod in_store;
mod ledger;
mod tree;

use std::{io, time::Duration};

use camino::Utf8Path;
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep, sleep_until},
};

use self::{
    agenda::{Agenda, Errand},
    ledger::Ledger,
};
pub(crate) use self::{copy::Share, in_store::InStore};
pub(super) use self::{
    copy::{Copied, Route},
    tree::{Tree, look},
};
use super::{Folder, StoreError};
use crate::{
    flow::restore::Standing,
    model::{
        job::{Attempt, JobIndex},
        record::{Change, Entry},
    },
    ports::journal::Listener,
};

/// How many directories are copied at once.
const AT_ONCE: usize = 32;

/// After this long somebody who waits for the end of a run is told what for.
const SILENCE: Duration = Duration::from_secs(5);

/// The pauses before a store that did not answer is tried again; they double.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Copies, until it has heard that the run is over and all is copied.
#[derive(Debug)]
pub(crate) struct Mirror {
    task: JoinHandle<Result<(), NotCopied>>,
    give_up: watch::Sender<bool>,
}

/// Not all is in the store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what {} left is not all in the workdir: {why}", number(*.jobs))]
pub struct NotCopied {
    /// How many directories are missing or not complete.
    pub jobs: usize,
    /// What came in between.
    pub why: String,
}

fn number(jobs: usize) -> String {
    match jobs {
        1 => "1 job".to_owned(),
        jobs => format!("{jobs} jobs"),
    }
}

/// Hears what happens to jobs.
struct Ear(mpsc::UnboundedSender<Notice>);

enum Notice {
    Runs(JobIndex),
    Over(JobIndex, Attempt),
}

impl Listener for Ear {
    fn recorded(&mut self, entries: &[Entry]) {
        for Entry { job, change, .. } in entries {
            let notice = match change {
                Change::Submitted { .. } => Notice::Runs(*job),
                Change::Ended {
                    attempt,
                    will_retry: false,
                    ..
                } => Notice::Over(*job, *attempt),
                Change::Fed { .. } | Change::Started { .. } | Change::Ended { .. } => continue,
            };
            // Whoever has given up wants to hear nothing more.
            let _ = self.0.send(notice);
        }
    }
}

/// A job of an earlier process.
pub(crate) type Earlier<'a> = (JobIndex, Attempt, &'a Standing);

impl Mirror {
    /// Starts to copy from the folder `home` what is to be shared of it. Of the jobs of an earlier process, if this one goes on
    /// with its run, those are copied that are not in the store in full.
    ///
    /// # Errors
    /// When nothing can be written in `home`.
    pub(crate) fn start<'a>(
        home: &Utf8Path,
        folder: Folder,
        share: Share,
        earlier: Option<impl ExactSizeIterator<Item = Earlier<'a>>>,
    ) -> io::Result<(Self, Box<dyn Listener>)> {
        let (ledger, agenda) = match earlier {
            None => (Ledger::create(home)?, Agenda::new(JobIndex(0), share.while_running())),
            Some(earlier) => go_on(home, &share, earlier)?,
        };
        let (sender, notices) = mpsc::unbounded_channel();
        let (give_up, given_up) = watch::channel(false);
        let copier = Copier {
            route: Route {
                home: home.to_owned(),
                folder,
                share,
            },
            ledger,
            agenda,
            notices: Some(notices),
            given_up,
            under_way: JoinSet::new(),
            away: None,
            stuck: Vec::new(),
        };
        let task = tokio::spawn(copier.run());
        Ok((Self { task, give_up }, Box::new(Ear(sender))))
    }

    /// Waits until all is copied. The run, which is over, may get signals meanwhile: with the second one, or the first since
    /// it is over, what is left stays to be copied by a process that goes on with the run.
    ///
    /// # Errors
    /// What is not copied.
    pub(crate) async fn finish(mut self, mut signals: watch::Receiver<u32>) -> Result<(), NotCopied> {
        if *signals.borrow_and_update() < 2 {
            let said = async {
                sleep(SILENCE).await;
                tracing::warn!(
                    "the jobs are done, but not all that they left is in the workdir yet; an interrupt leaves the rest to `--resume`"
                );
                std::future::pending::<()>().await;
            };
            tokio::select! {
                copied = &mut self.task => return copied.unwrap_or_else(|broken| Err(broken_down(&broken))),
                _ = signals.changed() => {}
                () = said => {}
            }
        }
        self.give_up.send_replace(true);
        self.task.await.unwrap_or_else(|broken| Err(broken_down(&broken)))
    }
}

fn broken_down(broken: &tokio::task::JoinError) -> NotCopied {
    NotCopied {
        jobs: 0,
        why: format!("the task that copies broke down, which is a bug in xqute: {broken}"),
    }
}

fn go_on<'a>(
    home: &Utf8Path,
    share: &Share,
    earlier: impl ExactSizeIterator<Item = Earlier<'a>>,
) -> io::Result<(Ledger, Agenda)> {
    let (ledger, complete) = Ledger::open(home)?;
    let first_new = JobIndex(u32::try_from(earlier.len()).unwrap_or(u32::MAX));
    let (mut agenda, now) = (Agenda::new(first_new, share.while_running()), Instant::now());
    for (job, attempt, standing) in earlier {
        match standing {
            Standing::Done(_) if complete.get(&job) == Some(&attempt) => {}
            Standing::Done(_) => agenda.over(job, attempt),
            Standing::InFlight { .. } => agenda.runs(job, now),
            Standing::Waiting => {}
        }
    }
    Ok((ledger, agenda))
}

/// The task that copies.
struct Copier {
    route: Route,
    ledger: Ledger,
    agenda: Agenda,
    /// Until the run is over.
    notices: Option<mpsc::UnboundedReceiver<Notice>>,
    given_up: watch::Receiver<bool>,
    under_way: JoinSet<Trip>,
    /// Since when the store does not answer, if it does not.
    away: Option<Away>,
    /// What failed for other reasons; it is tried once more when the run is over.
    stuck: Vec<(Errand, StoreError)>,
}

/// A directory that was copied, or could not be.
struct Trip {
    errand: Errand,
    result: Result<Tree, StoreError>,
    took: Duration,
}

#[derive(Clone, Copy)]
struct Away {
    until: Instant,
    pause: Duration,
}

impl Copier {
    async fn run(mut self) -> Result<(), NotCopied> {
        loop {
            self.set_out();
            if self.notices.is_none() && self.under_way.is_empty() && self.agenda.backlog() == 0 {
                return self.what_is_stuck();
            }
            let wake = self.wake();
            tokio::select! {
                notice = next(&mut self.notices) => self.hear(notice.as_ref()),
                Some(trip) = self.under_way.join_next() => match trip {
                    Ok(trip) => self.come_back(trip),
                    Err(broken) => return Err(broken_down(&broken)),
                },
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {}
                _ = self.given_up.changed() => return Err(self.what_is_left()),
            }
        }
    }

    /// Sends off as many as may be under way.
    fn set_out(&mut self) {
        let now = Instant::now();
        let room = match self.away {
            None => AT_ONCE,
            Some(away) => usize::from(away.until <= now),
        };
        while self.under_way.len() < room
            && let Some(errand) = self.agenda.next(now)
        {
            let route = self.route.clone();
            self.under_way.spawn(async move {
                let began = Instant::now();
                let result = route.copy(errand.job, errand.copied.clone()).await;
                let took = began.elapsed();
                Trip { errand, result, took }
            });
        }
    }

    /// When there is something to do though nothing happens.
    fn wake(&self) -> Option<Instant> {
        match self.away {
            Some(away) => Some(away.until).filter(|_| self.under_way.is_empty()),
            None => self.agenda.next_due().filter(|_| self.under_way.len() < AT_ONCE),
        }
    }

    fn hear(&mut self, notice: Option<&Notice>) {
        match notice {
            Some(Notice::Runs(job)) => self.agenda.runs(*job, Instant::now()),
            Some(Notice::Over(job, attempt)) => self.agenda.over(*job, *attempt),
            None => {
                self.notices = None;
                self.agenda.close();
                let stuck = std::mem::take(&mut self.stuck);
                stuck.into_iter().for_each(|(errand, _)| self.agenda.again(errand));
            }
        }
    }

    fn come_back(&mut self, trip: Trip) {
        let Trip { errand, result, took } = trip;
        match result {
            Ok(tree) => {
                self.answers();
                if let Some(attempt) = errand.last
                    && let Err(error) = self.ledger.add(errand.job, attempt)
                {
                    // It is copied again, should the run be gone on with.
                    tracing::debug!("cannot write down that job {} is copied: {error}", errand.job);
                }
                let copied = Copied::Files(tree);
                self.agenda.copied(Errand { copied, ..errand }, took, Instant::now());
            }
            Err(error) => {
                if error.may_pass() {
                    self.does_not_answer(&error);
                    return self.try_again(errand, took);
                }
                match self.stuck.is_empty() {
                    true => tracing::warn!("{error}"),
                    false => tracing::debug!("{error}"),
                }
                match (errand.last, &self.notices) {
                    (None, Some(_)) => self.try_again(errand, took),
                    _ => self.stuck.push((errand, error)),
                }
            }
        }
    }

    fn try_again(&mut self, errand: Errand, took: Duration) {
        match (errand.last, &self.notices) {
            (None, Some(_)) => self.agenda.copied(errand, took, Instant::now()),
            _ => self.agenda.again(errand),
        }
    }

    fn answers(&mut self) {
        if self.away.take().is_some() {
            tracing::warn!("{} answers again", self.route.folder.place().service().title());
        }
    }

    fn does_not_answer(&mut self, error: &StoreError) {
        let now = Instant::now();
        let pause = match self.away {
            None => {
                tracing::warn!("the workdir has to be waited for, and is tried again until it answers: {error}");
                FIRST_PAUSE
            }
            // Found out at the same time.
            Some(away) if now < away.until => return,
            Some(away) => (away.pause * 2).min(LONGEST_PAUSE),
        };
        let until = now + pause;
        self.away = Some(Away { until, pause });
    }

    fn what_is_stuck(self) -> Result<(), NotCopied> {
        match self.stuck.last() {
            None => Ok(()),
            Some((_, error)) => Err(NotCopied {
                jobs: self.stuck.len(),
                why: error.to_string(),
            }),
        }
    }

    fn what_is_left(&self) -> NotCopied {
        NotCopied {
            jobs: self.agenda.backlog() + self.under_way.len() + self.stuck.len(),
            why: "nobody waited for it".to_owned(),
        }
    }
}

/// What is heard next; nothing more, when the run is over, and then never again.
async fn next(notices: &mut Option<mpsc::UnboundedReceiver<Notice>>) -> Option<Notice> {
    match notices {
        Some(notices) => notices.recv().await,
        None => std::future::pending().await,
    }
}
