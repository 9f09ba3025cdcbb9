//! Attempts to cancel → the servers that they run on: their processes are told to end, and killed there after a grace period.

use crate::{fleet::Fleet, id::Id};
use xqute_plugin::{Error, JobRef, run};

/// Cancels attempts.
pub(crate) fn cancel(jobs: &[JobRef]) -> Vec<Result<(), Error>> {
    let fleet = match Fleet::read(&run::options()) {
        Ok(fleet) => fleet,
        Err(error) => return jobs.iter().map(|_| Err(error.clone())).collect(),
    };
    // What has no id of ours never was.
    let ids: Vec<Option<Id>> = jobs.iter().map(|job| Id::read(&job.backend_id)).collect();
    let mut names: Vec<&str> = ids.iter().flatten().map(|id| id.server.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let answers: Vec<(&str, Result<(), Error>)> = names
        .into_iter()
        .map(|name| (name, cancel_on(&fleet, name, ids.iter().flatten())))
        .collect();
    let of = |id: &Id| answers.iter().find(|(name, _)| *name == id.server);
    ids.iter()
        .map(|id| id.as_ref().and_then(of).map_or(Ok(()), |(_, answer)| answer.clone()))
        .collect()
}

fn cancel_on<'a>(fleet: &Fleet, name: &str, ids: impl Iterator<Item = &'a Id>) -> Result<(), Error> {
    let Some(server) = fleet.called(name) else {
        return Err(Error::Rejected(format!(
            "it runs on {name}, which is not among the servers; give it again with --opt server={name}"
        )));
    };
    let asked = fleet.ask(server, |program| program.cancel(ids.filter(|id| id.server == name)))?;
    match asked.trouble {
        None => Ok(()),
        Some(trouble) => Err(Error::Unavailable(format!("server {name}: {}", trouble.said()))),
    }
}
