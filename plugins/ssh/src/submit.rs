//! Attempts → the servers that start them, all that go to one server in one call. When a server does not answer, another one
//! gets what it was to start: an attempt that it started nevertheless is marked, and only told again.

use std::collections::BTreeMap;

use crate::{
    answer::Started,
    fleet::{Asked, Fleet, here},
    options,
    spread::spread,
    trouble::Trouble,
};
use xqute_plugin::{Error, Job, run};

/// Submits attempts.
pub(crate) fn submit(jobs: &[Job]) -> Vec<Result<String, Error>> {
    match Batch::new(jobs) {
        Ok(mut batch) => batch.submit(),
        Err(error) => jobs.iter().map(|_| Err(error.clone())).collect(),
    }
}

struct Batch<'a> {
    jobs: &'a [Job],
    fleet: Fleet,
    /// Where jobs start that do not say it: where xqute was started.
    here: String,
    /// For each job, the places in the list of servers of those that it may run on.
    allowed: Vec<Vec<usize>>,
    /// For each job, what became of it.
    results: Vec<Option<Result<String, Error>>>,
    /// What was wrong with servers that were asked.
    troubles: BTreeMap<usize, Trouble>,
}

impl<'a> Batch<'a> {
    fn new(jobs: &'a [Job]) -> Result<Self, Error> {
        let given = run::options();
        let fleet = Fleet::read(&given)?;
        let (mut allowed, mut results) = (Vec::new(), Vec::new());
        for job in jobs {
            let chosen = options::allowed(&job.options, &given, fleet.servers());
            let chosen = chosen.map(|chosen| {
                let at = |server| fleet.servers().iter().position(|other| other == server);
                chosen.into_iter().filter_map(at).collect()
            });
            results.push(chosen.as_ref().err().cloned().map(Err));
            allowed.push(chosen.unwrap_or_default());
        }
        Ok(Self {
            jobs,
            fleet,
            here: here()?,
            allowed,
            results,
            troubles: BTreeMap::new(),
        })
    }

    fn submit(&mut self) -> Vec<Result<String, Error>> {
        let done = match run::is_dry() {
            true => self.pretend(),
            false => self.submit_all(),
        };
        let error = done
            .err()
            .unwrap_or_else(|| Error::Unavailable("no server answers".to_owned()));
        let results = std::mem::take(&mut self.results);
        results
            .into_iter()
            .map(|result| result.unwrap_or_else(|| Err(error.clone())))
            .collect()
    }

    /// Goes on until each job has an answer, or no server is left that gives one.
    fn submit_all(&mut self) -> Result<(), Error> {
        self.troubles = self.fleet.look_around()?;
        for _ in 0..=self.fleet.servers().len() {
            let shares = self.shares();
            if shares.is_empty() {
                break;
            }
            for (at, share) in shares {
                self.submit_share(at, &share)?;
            }
        }
        for (result, allowed) in self.results.iter_mut().zip(&self.allowed) {
            result.get_or_insert_with(|| Err(nobody(&self.fleet, allowed, &self.troubles)));
        }
        Ok(())
    }

    /// For each server that answers, which of the waiting jobs it gets.
    fn shares(&self) -> BTreeMap<usize, Vec<usize>> {
        let servers = self.fleet.servers();
        let places: Vec<_> = servers.iter().map(|server| self.fleet.place(server)).collect();
        let is_up: Vec<_> = servers
            .iter()
            .map(|server| !self.fleet.health(server).is_down())
            .collect();
        let is_up = |at: &usize| is_up.get(*at).copied().unwrap_or_default();
        let waiting = self.results.iter().enumerate().filter(|(_, result)| result.is_none());
        let waiting: Vec<usize> = waiting.map(|(at, _)| at).collect();
        let may_go = |at: &usize| {
            let allowed = self.allowed.get(*at).into_iter().flatten();
            allowed.copied().filter(is_up).collect()
        };
        let may_go: Vec<Vec<usize>> = waiting.iter().map(may_go).collect();
        let mut shares: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (job, server) in waiting.into_iter().zip(spread(&places, &may_go)) {
            if let Some(server) = server {
                shares.entry(server).or_default().push(job);
            }
        }
        shares
    }

    fn submit_share(&mut self, at: usize, share: &[usize]) -> Result<(), Error> {
        let Some(server) = self.fleet.servers().get(at) else {
            return Ok(());
        };
        // Others that choose meanwhile know of these.
        let mut health = self.fleet.health(server);
        health.live = health
            .live
            .saturating_add(u32::try_from(share.len()).unwrap_or(u32::MAX));
        self.fleet.remember(server, health);
        let jobs: Vec<&Job> = share.iter().filter_map(|at| self.jobs.get(*at)).collect();
        let asked = self.fleet.ask(server, |program| {
            jobs.iter().for_each(|job| program.start(job, &self.here));
        })?;
        let results = jobs.iter().map(|job| result(server.name(), job, &asked));
        for (at, result) in share.iter().zip(results.collect::<Vec<_>>()) {
            if let Some(slot) = self.results.get_mut(*at) {
                *slot = result;
            }
        }
        self.troubles.extend(asked.trouble.map(|trouble| (at, trouble)));
        Ok(())
    }

    fn pretend(&mut self) -> Result<(), Error> {
        for (at, share) in self.shares() {
            let Some(server) = self.fleet.servers().get(at) else {
                continue;
            };
            let jobs: Vec<&Job> = share.iter().filter_map(|at| self.jobs.get(*at)).collect();
            self.fleet.pretend(server, |program| {
                jobs.iter().for_each(|job| program.start(job, &self.here));
            })?;
            for at in share {
                if let Some(slot) = self.results.get_mut(at) {
                    *slot = Some(Ok("dry-run".to_owned()));
                }
            }
        }
        Ok(())
    }
}

/// What a server said about a job; none if another one is to be asked.
fn result(server: &str, job: &Job, asked: &Asked) -> Option<Result<String, Error>> {
    match asked.answer.started.get(&job.index) {
        Some(Started::Now(id) | Started::Before(id)) => Some(Ok(id.to_string())),
        Some(Started::Refused(why)) => Some(Err(Error::Rejected(format!("server {server} did not start it: {why}")))),
        None if asked.trouble.is_some() => None,
        None => Some(Err(Error::Unavailable(format!(
            "server {server} did not say whether it started the job"
        )))),
    }
}

/// Why none of the servers that a job may run on takes it. That they cannot run it at all fails the job; anything else is
/// waited out.
fn nobody(fleet: &Fleet, allowed: &[usize], troubles: &BTreeMap<usize, Trouble>) -> Error {
    let said = allowed.iter().filter_map(|at| {
        let name = fleet.servers().get(*at)?.name();
        let why = troubles.get(at).map_or("it did not answer before", Trouble::said);
        Some(format!("{name}: {why}"))
    });
    let text = format!("no server can be used. {}", said.collect::<Vec<_>>().join(". "));
    match allowed
        .iter()
        .all(|at| matches!(troubles.get(at), Some(Trouble::Unfit(_))))
    {
        true => Error::Rejected(text),
        false => Error::Unavailable(text),
    }
}
