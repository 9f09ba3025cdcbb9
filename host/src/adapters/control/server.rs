//! The run's side of the socket: lets clients in, hears each out, asks the run, answers. Whatever clients do, the run goes
//! on: how many are served, how much they may send and how long they may be silent is bounded.

use std::{io, sync::Arc, time::Duration};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::process::geteuid;
use tokio::{
    io::AsyncWriteExt as _,
    net::{UnixListener, UnixStream, unix::ReadHalf},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    address::Address,
    lines::{Lines, NoLine},
    protocol::{Answer, Request, Which},
};
use crate::{
    adapters::jobfile::{Reader, Rules},
    model::job::JobSpec,
    ports::control::{Control, Refusal},
};

/// What clients may do.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many are served at a time; the others wait.
    pub clients: usize,
    /// The longest silence, and the longest time for a request.
    pub patience: Duration,
    /// The longest request, in bytes.
    pub request: usize,
    /// The longest line of a job, in bytes.
    pub line: usize,
    /// What all jobs that are just being fed may hold together, in bytes.
    pub feeds: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            clients: 64,
            patience: Duration::from_secs(10),
            request: 1 << 20,
            line: 16 << 20,
            feeds: 256 << 20,
        }
    }
}

/// How long clients that were heard out are waited for when the run is over.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How long to wait when no more clients can be let in, for want of file handles: no event tells that there are some again.
const NO_HANDLES: Duration = Duration::from_millis(100);

/// A socket to which nobody listens yet.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    file: File,
    rules: Rules,
}

/// The socket's file, gone when dropped.
#[derive(Debug)]
struct File(Address);

impl Drop for File {
    fn drop(&mut self) {
        if let Err(error) = self.0.remove() {
            tracing::debug!("the run's socket could not be removed: {error}");
        }
    }
}

/// The run cannot be spoken to.
#[derive(Debug, thiserror::Error)]
#[error("no socket can be made in the workdir `{workdir}`: {source}")]
pub struct NoSocket {
    workdir: Utf8PathBuf,
    source: io::Error,
}

impl Socket {
    /// Makes the socket of the run in `workdir`, whose lock the caller holds. Relative folders in jobs that strangers feed
    /// are relative to `here`.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn bind(workdir: &Utf8Path, here: Utf8PathBuf) -> Result<Self, NoSocket> {
        let bound = Address::of(workdir).and_then(|address| Ok((address.bind()?, File(address))));
        let (listener, file) = bound.map_err(|source| NoSocket {
            workdir: workdir.to_owned(),
            source,
        })?;
        let rules = Rules {
            here,
            // The run looks at that itself: it knows where its jobs start.
            cwd_exists: false,
        };
        Ok(Self { listener, file, rules })
    }

    /// Begins to serve.
    pub fn serve(self, run: Arc<dyn Control>, limits: Limits) -> Server {
        let Self { listener, file, rules } = self;
        let (closing, closes) = watch::channel(());
        let room = Arc::new(Semaphore::new(limits.feeds));
        let host = Arc::new(Host {
            run,
            limits,
            rules,
            room,
        });
        let mut task = JoinSet::new();
        task.spawn(host.let_in(listener, closes));
        Server { closing, task, file }
    }
}

/// Serves until it is closed or dropped.
#[derive(Debug)]
pub struct Server {
    closing: watch::Sender<()>,
    task: JoinSet<()>,
    file: File,
}

impl Server {
    /// Ends it: whoever was heard out is answered, all others are told that the run is over.
    pub async fn close(mut self) {
        drop(self.file);
        self.closing.send_replace(());
        let _in_time = timeout(LAST_WORDS, self.task.join_next()).await;
    }
}

/// Those who are connected to a socket without having been let in. The socket is closed.
fn waiting(listener: UnixListener) -> Vec<UnixStream> {
    let Ok(listener) = listener.into_std() else {
        return Vec::new();
    };
    let to_async = |stream: std::os::unix::net::UnixStream| {
        stream.set_nonblocking(true)?;
        UnixStream::from_std(stream)
    };
    // It does not block, so the last of them is followed by an error.
    listener
        .incoming()
        .map_while(|stream| stream.and_then(to_async).ok())
        .collect()
}

/// What all conversations share.
struct Host {
    run: Arc<dyn Control>,
    limits: Limits,
    rules: Rules,
    /// A permit for each byte that may be held.
    room: Arc<Semaphore>,
}

/// A request that was heard out.
enum Order {
    Feed(Vec<JobSpec>, OwnedSemaphorePermit),
    StopFeeding,
    Kill(Which),
}

impl Host {
    async fn let_in(self: Arc<Self>, listener: UnixListener, mut closes: watch::Receiver<()>) {
        let mut clients = JoinSet::new();
        loop {
            tokio::select! {
                _ = closes.changed() => break,
                Some(_) = clients.join_next() => {}
                client = listener.accept(), if clients.len() < self.limits.clients => match client {
                    Ok((stream, _)) => _ = clients.spawn(self.clone().serve(stream, closes.clone())),
                    Err(error) => {
                        tracing::debug!("a client could not be let in: {error}");
                        sleep(NO_HANDLES).await;
                    }
                },
            }
        }
        // Whoever is connected but was not let in yet hears that as well. Nobody else can come any more.
        closes.mark_changed();
        for stream in waiting(listener) {
            clients.spawn(self.clone().serve(stream, closes.clone()));
        }
        while clients.join_next().await.is_some() {}
    }

    async fn serve(self: Arc<Self>, mut stream: UnixStream, closes: watch::Receiver<()>) {
        let stranger = stream.peer_cred().map(|peer| peer.uid() != geteuid().as_raw());
        let (from, mut to) = stream.split();
        let answer = match stranger {
            Ok(false) => self.attend(Lines::new(from, self.limits.patience), closes).await,
            _ => Answer::refused("this run belongs to another user"),
        };
        // Who does not listen is not waited for.
        let _not_heard = timeout(self.limits.patience, to.write_all(answer.line().as_bytes())).await;
    }

    async fn attend(&self, lines: Lines<ReadHalf<'_>>, mut closes: watch::Receiver<()>) -> Answer {
        let order = tokio::select! {
            biased;
            order = self.hear_out(lines) => order,
            _ = closes.changed() => Err(refused(&Refusal::Over)),
        };
        match order {
            Ok(order) => self.carry_out(order).await.unwrap_or_else(|refusal| refused(&refusal)),
            Err(answer) => answer,
        }
    }

    async fn hear_out(&self, mut lines: Lines<ReadHalf<'_>>) -> Result<Order, Answer> {
        let patience = self.limits.patience;
        let first = timeout(patience, lines.next(self.limits.request))
            .await
            .unwrap_or(Err(NoLine::Silence(patience)));
        let request = match first.map_err(no_line)? {
            Some(line) => Request::parse(line).map_err(|bad| Answer::refused(bad.to_string()))?,
            None => return Err(Answer::refused("nothing was asked")),
        };
        match request {
            Request::Feed { count } => {
                self.run.takes_jobs().map_err(|refusal| refused(&refusal))?;
                self.hear_jobs(lines, count).await
            }
            Request::StopFeeding => Ok(Order::StopFeeding),
            Request::Kill(which) => Ok(Order::Kill(which)),
        }
    }

    /// Hears jobs out. Who vanishes on the way has fed nothing: fewer came than were announced.
    async fn hear_jobs(&self, mut lines: Lines<ReadHalf<'_>>, count: u32) -> Result<Order, Answer> {
        let mut reader = Reader::new(&self.rules);
        let mut room = self.take_room(0)?;
        let mut jobs = Vec::new();
        let mut number = 0;
        while let Some(line) = lines.next(self.limits.line).await.map_err(no_line)? {
            number += 1;
            if number > count {
                return Err(Answer::refused(format!(
                    "more came than the {count} jobs that were announced"
                )));
            }
            room.merge(self.take_room(line.len())?);
            let wrong = |why| Answer::Refused {
                why,
                line: Some(number),
            };
            let job = reader.read(line).map_err(|bad| wrong(bad.to_string()))?;
            self.run.check(&job).map_err(|refusal| wrong(refusal.to_string()))?;
            jobs.push(job);
        }
        match number == count && count > 0 {
            true => Ok(Order::Feed(jobs, room)),
            false => Err(Answer::refused(format!(
                "{number} of {count} jobs came, so none was taken"
            ))),
        }
    }

    fn take_room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Answer> {
        let full = || {
            let most = self.limits.feeds >> 20;
            Answer::refused(format!(
                "more than {most} MiB of jobs are being fed at once; feed them in parts"
            ))
        };
        let bytes = u32::try_from(bytes).map_err(|_| full())?;
        self.room.clone().try_acquire_many_owned(bytes).map_err(|_| full())
    }

    async fn carry_out(&self, order: Order) -> Result<Answer, Refusal> {
        match order {
            Order::Feed(jobs, _room) => {
                let count = u32::try_from(jobs.len()).unwrap_or(u32::MAX);
                let first = self.run.feed(jobs).await?;
                Ok(Answer::Accepted { count, first })
            }
            Order::StopFeeding => {
                self.run.stop_feeding()?;
                Ok(Answer::Stopped { stopped: true })
            }
            Order::Kill(which) => {
                match &which {
                    Which::All => self.run.kill_all(),
                    Which::Jobs(jobs) => self.run.kill(jobs)?,
                }
                Ok(Answer::killing(which))
            }
        }
    }
}

fn refused(refusal: &Refusal) -> Answer {
    let line = match refusal {
        Refusal::Job { place, .. } => place.and_then(|place| u32::try_from(place).ok()?.checked_add(1)),
        _ => None,
    };
    Answer::Refused {
        why: refusal.to_string(),
        line,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it maps errors")]
fn no_line(why: NoLine) -> Answer {
    Answer::refused(why.to_string())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};

    use async_trait::async_trait;

    use super::*;
    use crate::model::job::JobIndex;

    /// Does nothing.
    struct Idle;

    #[async_trait]
    impl Control for Idle {
        fn takes_jobs(&self) -> Result<(), Refusal> {
            Ok(())
        }
        fn check(&self, _job: &JobSpec) -> Result<(), Refusal> {
            Ok(())
        }
        async fn feed(&self, _jobs: Vec<JobSpec>) -> Result<JobIndex, Refusal> {
            Err(Refusal::Over)
        }
        fn stop_feeding(&self) -> Result<(), Refusal> {
            Ok(())
        }
        fn kill(&self, _jobs: &[JobIndex]) -> Result<(), Refusal> {
            Ok(())
        }
        fn kill_all(&self) {}
    }

    #[tokio::test]
    async fn who_was_not_let_in_hears_that_the_run_is_over() {
        let temp = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(temp.path()).unwrap();
        let nobody = Limits {
            clients: 0,
            ..Limits::default()
        };
        let server = Socket::bind(dir, dir.to_owned()).unwrap().serve(Arc::new(Idle), nobody);
        let client = Address::of(dir).unwrap().connect().unwrap();
        server.close().await;
        client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut answer = String::new();
        BufReader::new(client).read_line(&mut answer).unwrap();
        assert_eq!(answer, Answer::refused("the run is over").line());
    }
}
