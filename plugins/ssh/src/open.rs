//! Before the first job: whether there is a server that jobs can run on.

use std::time::Duration;

use crate::{connection, fleet::Fleet, health, options::invalid, trouble::Trouble};
use xqute_plugin::{Error, clock, run};

/// For so long servers are tried. Those that are left are tried when their turn comes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Looks at the options, and once in each process at the servers.
pub(crate) fn open(options: &[(String, String)]) -> Result<(), Error> {
    let fleet = Fleet::before_the_run(options)?;
    for server in fleet.servers() {
        connection::argv(server, &fleet.settings, false)?;
    }
    if run::is_dry() || fleet.servers().iter().any(|server| fleet.health(server).is_known()) {
        return Ok(());
    }
    health::forget_old_runs();
    let began = clock::elapsed();
    let (mut answered, mut troubles) = (0, Vec::new());
    for server in fleet.servers() {
        if answered > 0 && clock::elapsed().saturating_sub(began) > PATIENCE {
            break;
        }
        match fleet.ask(server, |_| {})?.trouble {
            None => answered += 1,
            Some(trouble) => troubles.push((server.name().to_owned(), trouble)),
        }
    }
    match answered {
        0 => Err(nobody(&troubles)),
        _ => Ok(()),
    }
}

fn nobody(troubles: &[(String, Trouble)]) -> Error {
    let said: Vec<String> = troubles
        .iter()
        .map(|(name, trouble)| format!("{name}: {}", trouble.said()))
        .collect();
    let text = format!("no server can be used. {}", said.join(". "));
    // Whoever waits for what only people can change waits for ever.
    match troubles
        .iter()
        .any(|(_, trouble)| matches!(trouble, Trouble::Unusable(_) | Trouble::Unfit(_)))
    {
        true => invalid(text),
        false => Error::Unavailable(text),
    }
}
