//! The attempts of a run that were started, for a host that has come back: the files that mark them are on the shared file
//! system, so one server knows of all.

use crate::{fleet::Fleet, program::Program};
use xqute_plugin::{Error, JobRef, run};

/// The attempts that were started, on whatever server, and have left no exit code.
pub(crate) fn find() -> Result<Vec<JobRef>, Error> {
    let fleet = Fleet::read(&run::options())?;
    let mut servers: Vec<_> = fleet.servers().iter().collect();
    servers.sort_by_key(|server| fleet.health(server).is_down());
    let mut said = Vec::new();
    for server in servers {
        let asked = fleet.ask(server, Program::find)?;
        match asked.trouble {
            None => return Ok(asked.answer.found),
            Some(trouble) => said.push(format!("{}: {}", server.name(), trouble.said())),
        }
    }
    Err(Error::Unavailable(format!("no server answers. {}", said.join(". "))))
}
