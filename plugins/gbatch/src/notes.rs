//! What outlasts an instance, and a host that is killed: notes of submissions whose answer is not known.
//!
//! A host that is killed leaves its `gcloud` running for a moment, and what that submits shows up in Batch only later. So a
//! note has the time in it, and its attempts are not submitted in another job until that moment is over.

use std::time::Duration;

use xqute_plugin::{Error, Job, JobRef, clock, kv};

use crate::identity::{self, Member};
use crate::submit::Request;

/// For so long a `gcloud` may still submit what its host has forgotten. When Batch does not answer it tries longer, but then
/// its host has no reason to be killed.
const STRAY: Duration = Duration::from_secs(30);
/// After so long nobody will come back to a run.
const OLD: Duration = Duration::from_secs(30 * 24 * 3600);
/// Where the tag of the last run is kept that Batch has answered to.
const ANSWERED: &str = "answered";

/// The note of one submission.
pub(crate) struct Note {
    key: String,
    members: String,
}

impl Note {
    /// Writes the note of a submission that is about to begin.
    pub(crate) fn write(run: &str, request: &Request) -> Result<Self, Error> {
        let note = Self {
            key: format!("submitting/{run}/{}", request.name),
            members: identity::write(&request.members),
        };
        kv::set(&note.key, format!("{} {}", clock::now().as_millis(), note.members))?;
        Ok(note)
    }

    /// The answer has come.
    pub(crate) fn remove(&self) {
        kv::remove(&self.key);
    }

    /// `gcloud` is over, and nobody knows what it did.
    pub(crate) fn doubt(&self) -> Result<(), Error> {
        kv::set(&self.key, format!("0 {}", self.members))
    }
}

/// An attempt, and what is known of it.
pub(crate) type Settled = (Member, Result<String, Error>);

/// Attempts that have notes, and what is known of them: where Batch has them, or that they have to wait.
pub(crate) fn settle(
    run: &str,
    jobs: &[Job],
    find: impl Fn(&str) -> Result<Vec<JobRef>, Error>,
) -> Result<Vec<Settled>, Error> {
    let wanted: Vec<Member> = jobs.iter().map(Member::of).collect();
    let read = |key: String| {
        let (since, members) = read(&kv::text(&key)?)?;
        let ours = members.iter().any(|member| wanted.contains(member));
        ours.then_some((key, since, members))
    };
    let notes: Vec<_> = kv::keys(&format!("submitting/{run}/"))
        .into_iter()
        .filter_map(read)
        .collect();
    if notes.is_empty() {
        return Ok(Vec::new());
    }
    let found = find(run)?;
    let known = |member: &Member| {
        found
            .iter()
            .find(|found| found.index == member.index && found.attempt == member.attempt)
    };
    let mut settled = Vec::new();
    for (key, since, members) in notes {
        let wait = (since + STRAY).saturating_sub(clock::now());
        let here = members.iter().any(|member| known(member).is_some());
        if here || wait.is_zero() {
            kv::remove(&key);
        }
        for member in members.into_iter().filter(|member| wanted.contains(member)) {
            if let Some(found) = known(&member) {
                settled.push((member, Ok(found.backend_id.clone())));
            } else if !here && !wait.is_zero() {
                let pause = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
                settled.push((member, Err(Error::RateLimited(Some(pause)))));
            }
        }
    }
    Ok(settled)
}

/// Whether a submission of this run may still arrive. Notes of those that have, or cannot any more, are removed.
pub(crate) fn are_out(run: &str, found: &[JobRef]) -> bool {
    let mut out = false;
    for key in kv::keys(&format!("submitting/{run}/")) {
        let Some((since, members)) = kv::text(&key).and_then(|note| read(&note)) else {
            continue;
        };
        let arrived = members.first().is_some_and(|first| {
            found
                .iter()
                .any(|found| found.index == first.index && found.attempt == first.attempt)
        });
        if arrived || since + STRAY <= clock::now() {
            kv::remove(&key);
        } else {
            out = true;
        }
    }
    out
}

fn read(note: &str) -> Option<(Duration, Vec<Member>)> {
    let (since, members) = note.split_once(' ')?;
    Some((Duration::from_millis(since.parse().ok()?), identity::read(members)?))
}

/// Forgets the notes of runs that nobody will come back to.
pub(crate) fn forget_old() {
    for key in kv::keys("submitting/") {
        let since = kv::text(&key).and_then(|note| read(&note)).map(|(since, _)| since);
        // A note of doubt has no time, and is rare.
        if since.is_none_or(|since| !since.is_zero() && since + OLD < clock::now()) {
            kv::remove(&key);
        }
    }
}

/// Whether Batch has answered to this run before.
pub(crate) fn has_answered(run: &str) -> bool {
    kv::text(ANSWERED).as_deref() == Some(run)
}

/// Batch has answered to this run.
pub(crate) fn answered(run: &str) -> Result<(), Error> {
    kv::set(ANSWERED, run)
}
