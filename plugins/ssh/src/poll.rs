//! Attempts in flight → what the servers say about them, all of one server's in one call.
//!
//! A server that does not answer leaves its jobs in doubt. They may well run, but their files tell when they have ended, and
//! these every other server sees as well.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    answer::Answer,
    fleet::Fleet,
    id::Id,
    server::{self, Server},
};
use xqute_plugin::{Error, JobRef, Observation, log, run};

/// A job in the list that was asked about: its place there, its index and its id.
type Place = (usize, u32, Id);

/// Asks about attempts.
pub(crate) fn poll(jobs: &[JobRef]) -> Result<Vec<Observation>, Error> {
    let fleet = Fleet::read(&run::options())?;
    let mut seen = vec![Observation::Unknown; jobs.len()];
    let mut by_server = by_server(jobs);
    let (mut may_probe, mut in_doubt) = (true, Vec::new());
    for known in fleet.servers() {
        let mine = by_server.remove(known.name()).unwrap_or_default();
        if mine.is_empty() {
            look_after(&fleet, known, &mut may_probe)?;
            continue;
        }
        let answer = ask(&fleet, known, &mine)?;
        let down_for = fleet.health(known).down_for();
        for (at, index, _) in mine {
            match answer.observed.get(&index) {
                Some(observation) => set(&mut seen, at, observation),
                None if answer.complete => {}
                None => in_doubt.push((at, index, down_for)),
            }
        }
    }
    for (name, jobs) in by_server {
        if let Some(down_for) = elsewhere(&fleet, &name) {
            in_doubt.extend(jobs.into_iter().map(|(at, index, _)| (at, index, down_for)));
        }
    }
    judge(&fleet, &in_doubt, &mut seen)?;
    Ok(seen)
}

/// Asks a server about its jobs, unless it is known not to answer.
fn ask(fleet: &Fleet, server: &Server, jobs: &[Place]) -> Result<Answer, Error> {
    let health = fleet.health(server);
    if health.is_down() && !health.is_due() {
        return Ok(Answer::default());
    }
    let asked = fleet.ask(server, |program| {
        jobs.iter().for_each(|(_, index, id)| program.check(*index, id));
    })?;
    Ok(asked.answer)
}

/// What there is to do about a server that has no job of this run.
fn look_after(fleet: &Fleet, server: &Server, may_probe: &mut bool) -> Result<(), Error> {
    let health = fleet.health(server);
    if *may_probe && health.is_due() {
        // This is how it is taken in again. One at a time: it may keep everybody waiting.
        *may_probe = false;
        fleet.ask(server, |_| {})?;
    } else if health.live > 0 && !health.is_fresh() {
        // What ended there since it was last asked is not known otherwise.
        fleet.remember(server, health.without_jobs());
    }
    Ok(())
}

/// Judges jobs on servers that do not answer, each with the time since theirs last did: with the help of one that answers.
fn judge(fleet: &Fleet, jobs: &[(usize, u32, Duration)], seen: &mut [Observation]) -> Result<(), Error> {
    let is_given_up = |down_for: &Duration| fleet.settings.dead_after.is_some_and(|limit| *down_for > limit);
    let helper = fleet.servers().iter().find(|server| !fleet.health(server).is_down());
    let answer = match helper {
        _ if jobs.is_empty() => return Ok(()),
        Some(helper) => {
            let asked = fleet.ask(helper, |program| {
                jobs.iter().for_each(|(_, index, _)| program.ended(*index));
            });
            asked?.answer
        }
        None if jobs.iter().all(|(_, _, down_for)| is_given_up(down_for)) => Answer::default(),
        None => {
            return Err(Error::Unavailable(
                "no server answers, so nobody knows how jobs are; they are tried again".to_owned(),
            ));
        }
    };
    for (at, index, down_for) in jobs {
        match answer.observed.get(index) {
            Some(ended) => set(seen, *at, ended),
            // Unknown, and after some more of these, lost.
            None if is_given_up(down_for) => {}
            None => set(seen, *at, &Observation::Running),
        }
    }
    Ok(())
}

/// How long a server has been missed that is not among those of the run, any more: it counts as one that does not answer.
/// None, if there can be no such server.
fn elsewhere(fleet: &Fleet, name: &str) -> Option<Duration> {
    let server = server::server(name, &Server::default()).and_then(Server::named).ok()?;
    let mut health = fleet.health(&server);
    if !health.is_down() {
        health.failed();
        fleet.remember(&server, health);
        log::warn!(
            "jobs of this run are on {name}, which is not among the servers: they cannot be watched; give it again with \
             --opt server={name}"
        );
    }
    Some(health.down_for())
}

fn set(seen: &mut [Observation], at: usize, observation: &Observation) {
    if let Some(slot) = seen.get_mut(at) {
        *slot = observation.clone();
    }
}

/// The jobs of each server. What has no id of ours is on none.
fn by_server(jobs: &[JobRef]) -> BTreeMap<String, Vec<Place>> {
    let mut by_server: BTreeMap<String, Vec<Place>> = BTreeMap::new();
    for (at, job) in jobs.iter().enumerate() {
        if let Some(id) = Id::read(&job.backend_id) {
            by_server
                .entry(id.server.clone())
                .or_default()
                .push((at, job.index, id));
        }
    }
    by_server
}
