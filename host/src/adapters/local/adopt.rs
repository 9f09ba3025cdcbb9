//! Jobs that an earlier xqute started for the same run, and left when it was killed: they are found again by what their
//! processes were started with.
//!
//! An adopted job's end is an event. Its exit code is what its script wrote. A direct job has no script: of one that still
//! runs the kernel tells the exit code, since Linux 6.15; of one that ended while no xqute lived nobody does, and it is
//! lost. A job whose process replaced its whole environment, or became another user's, cannot be found.

use std::{collections::HashMap, io, str, sync::Arc};

use rustix::process::Signal;

use super::{Key, LocalScheduler, Starting, start::Leader};
use crate::{
    adapters::process::{
        child::Child,
        orphan::{self, Found, Orphan},
    },
    model::{
        job::{Attempt, Command, JobIndex},
        run::{JobAttempt, JobRef, variable},
    },
};

/// The process of a job.
#[derive(Debug)]
pub(super) enum Job {
    /// Ours, and what it is for the job.
    Started(Child, Leader),
    /// Left by an earlier xqute, and what it is for the job.
    Adopted(Orphan, Leader),
}

impl Job {
    pub(super) fn id(&self) -> u32 {
        match self {
            Self::Started(child, _) => child.id(),
            Self::Adopted(orphan, _) => orphan.id(),
        }
    }

    pub(super) fn signal_group(&self, signal: Signal) {
        match self {
            Self::Started(child, _) => child.signal_group(signal),
            Self::Adopted(orphan, _) => orphan.signal_group(signal),
        }
    }

    pub(super) async fn ended(&self) -> io::Result<()> {
        match self {
            Self::Started(child, _) => child.ended().await,
            Self::Adopted(orphan, _) => orphan.ended().await,
        }
    }
}

impl LocalScheduler {
    /// The jobs of this run whose processes live. An eye is kept on those that are not ours from now on, for one that ends
    /// unwatched leaves no exit code; but they are left alone until somebody asks for them: they may be what a job that is
    /// over left in the background.
    pub(super) async fn look_around(&self) -> io::Result<Vec<JobRef>> {
        let run = self.run.clone();
        // Looking at all processes takes its time.
        let marked = tokio::task::spawn_blocking(move || orphan::find(variable::RUN_TAG, &run.tag));
        let mut claims: HashMap<Key, Vec<Found>> = HashMap::new();
        for process in marked.await?? {
            if let Some(key) = claimed(|name| process.variable(name)) {
                claims.entry(key).or_default().push(process);
            }
        }
        let running = self.running();
        claims.retain(|key, _| !running.contains_key(key));
        let ours = running.iter().map(|(key, job)| job_ref(*key, job.id()));
        let mut jobs: Vec<JobRef> = ours.collect();
        drop(running);
        let mut found = self.found.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        found.clear();
        for (key, processes) in claims {
            let Some(leader) = self.leader(key.0, processes) else {
                continue;
            };
            if let Some(orphan) = leader.adopt()? {
                jobs.push(job_ref(key, orphan.id()));
                found.insert(key, orphan);
            }
        }
        Ok(jobs)
    }

    /// What the processes of earlier jobs are for them: they were started as this run starts its own.
    fn adopted_leader(&self, job: JobIndex) -> Leader {
        let request = self.requests.as_ref().and_then(|requests| requests.0.job(job));
        match (self.starting, request.as_ref().map(JobAttempt::command)) {
            (Starting::ByScript, _) => Leader::Script,
            (Starting::Direct, Some(Command::Shell(_))) => Leader::Shell,
            (Starting::Direct, Some(Command::Argv(_)) | None) => Leader::Program,
        }
    }

    /// Which of the processes that a job started is the job: the one that was recorded, or the first one where the earlier
    /// xqute did not come to record any.
    fn leader(&self, job: JobIndex, processes: Vec<Found>) -> Option<Found> {
        match self.outputs.recorded_id(job) {
            Some(id) => processes.into_iter().find(|process| process.id() == id),
            None => processes.into_iter().min_by_key(Found::started),
        }
    }

    /// A job that runs. One that was found is adopted by that.
    pub(super) fn job(&self, job: &JobRef) -> Option<Arc<Job>> {
        let key = (job.job, job.attempt);
        let mut running = self.running();
        if let Some(job) = running.get(&key) {
            return Some(job.clone());
        }
        let mut found = self.found.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let adopted = Arc::new(Job::Adopted(found.remove(&key)?, self.adopted_leader(job.job)));
        running.insert(key, adopted.clone());
        Some(adopted)
    }
}

fn job_ref((job, attempt): Key, id: u32) -> JobRef {
    JobRef {
        job,
        attempt,
        id: id.to_string().into(),
    }
}

/// The attempt that a process was started for, by the variables of its environment.
pub(super) fn claimed<'a>(variable: impl Fn(&str) -> Option<&'a [u8]>) -> Option<Key> {
    let number = |name| str::from_utf8(variable(name)?).ok()?.parse::<u32>().ok();
    let job = JobIndex(number(variable::JOB_INDEX)?);
    Some((job, Attempt::new(number(variable::JOB_ATTEMPT)?)))
}
