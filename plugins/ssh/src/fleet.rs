//! The servers of a run: asks them, and keeps in mind which of them answer. Everything that starts `ssh` is here.

use std::{cell::OnceCell, collections::BTreeMap};

use crate::{
    answer::{self, Answer},
    connection,
    health::Health,
    options::{self, Settings},
    program::{Program, Wants},
    server::Server,
    spread::Place,
    trouble::{self, Trouble},
};
use xqute_plugin::{Error, Exit, Output, RunInfo, log, process, run};

/// The servers of the run.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) settings: Settings,
    run: RunInfo,
    /// A folder that servers must see.
    sees: String,
}

/// What came of asking a server.
#[derive(Debug)]
pub(crate) struct Asked {
    /// What it said; only a part of it, if there was trouble.
    pub(crate) answer: Answer,
    pub(crate) trouble: Option<Trouble>,
}

impl Fleet {
    /// Those that these options name.
    pub(crate) fn read(options: &[(String, String)]) -> Result<Self, Error> {
        let (settings, run) = (options::read(options)?, run::info());
        let sees = run.workdir.mounted.clone();
        Ok(Self { settings, run, sees })
    }

    /// The same, before there is a workdir: it will be in the folder in which xqute was started, or elsewhere.
    pub(crate) fn before_the_run(options: &[(String, String)]) -> Result<Self, Error> {
        let mut fleet = Self::read(options)?;
        let here = here().unwrap_or_default();
        fleet.sees = likely(&fleet.sees, &here).to_owned();
        Ok(fleet)
    }

    pub(crate) fn servers(&self) -> &[Server] {
        &self.settings.servers
    }

    /// The server with this name.
    pub(crate) fn called(&self, name: &str) -> Option<&Server> {
        self.servers().iter().find(|server| server.name() == name)
    }

    pub(crate) fn health(&self, server: &Server) -> Health {
        Health::load(&self.run.tag, server)
    }

    pub(crate) fn remember(&self, server: &Server, health: Health) {
        health.store(&self.run.tag, server);
    }

    /// How full a server is.
    pub(crate) fn place(&self, server: &Server) -> Place {
        let health = self.health(server);
        Place {
            live: health.live,
            slots: server.slots.unwrap_or(health.slots).max(1),
        }
    }

    /// Asks servers of which nothing is known, and one that did not answer and may have come back. When nobody answers, all that
    /// may have. Returns what was wrong, by the place of the server.
    pub(crate) fn look_around(&self) -> Result<BTreeMap<usize, Trouble>, Error> {
        let healths: Vec<_> = self
            .servers()
            .iter()
            .map(|server| (server, self.health(server)))
            .collect();
        let nobody_answers = healths.iter().all(|(_, health)| health.is_down());
        let (mut troubles, mut may_wait) = (BTreeMap::new(), true);
        for (at, (server, health)) in healths.iter().enumerate() {
            let probes = health.is_due() && (may_wait || nobody_answers);
            if probes || !health.is_known() {
                may_wait &= !probes;
                let asked = self.ask(server, |_| {})?;
                troubles.extend(asked.trouble.map(|trouble| (at, trouble)));
            }
        }
        Ok(troubles)
    }

    /// Has a server do something, in one call of `ssh`; everything that it can be told to do may be done twice.
    ///
    /// # Errors
    /// When `ssh` cannot be started. A server that does not answer is no error.
    pub(crate) fn ask(&self, server: &Server, tell: impl FnOnce(&mut Program)) -> Result<Asked, Error> {
        let health = self.health(server);
        let wants = Wants {
            slots: server.slots.is_none() && health.slots == 0,
            count: !health.is_fresh(),
        };
        let mut program = Program::new(server, &self.run, &self.sees, wants);
        tell(&mut program);
        let argv = connection::argv(server, &self.settings, health.is_direct())?;
        let text = program.text();
        let mut asked = Asked::of(server, &call(&argv, &text)?, !health.is_known());
        if matches!(asked.trouble, Some(Trouble::Broken(_))) {
            // The connection may have been an old one. What was started is only told once more.
            let again = Asked::of(server, &call(&argv, &text)?, false);
            if again.trouble.is_none() || again.answer.hello.is_some() {
                asked = again;
            }
        }
        self.note(server, &asked);
        Ok(asked)
    }

    /// Has a server named in a dry run: there is no answer.
    pub(crate) fn pretend(&self, server: &Server, tell: impl FnOnce(&mut Program)) -> Result<(), Error> {
        let mut program = Program::new(server, &self.run, &self.sees, Wants::default());
        tell(&mut program);
        call(&connection::argv(server, &self.settings, false)?, &program.text()).map(drop)
    }

    /// Keeps in mind what came of asking a server, and tells the user when that is news.
    fn note(&self, server: &Server, asked: &Asked) {
        // Others may have written meanwhile.
        let mut health = self.health(server);
        let (name, was_down) = (server.name(), health.is_down());
        match &asked.trouble {
            None => {
                health.answered(&asked.answer);
                if was_down {
                    log::warn!("server {name} answers again, and takes jobs");
                }
            }
            Some(trouble) => {
                health.failed();
                if !was_down {
                    log::warn!(
                        "server {name} cannot be used: {}; it gets no jobs until it answers, and is tried again",
                        trouble.said()
                    );
                }
            }
        }
        self.remember(server, health);
    }
}

impl Asked {
    fn of(server: &Server, output: &Output, is_first: bool) -> Self {
        let answer = answer::read(server.name(), &output.stdout_text());
        let key = if is_first { trouble::missing_key(output) } else { None };
        let trouble = match (&answer.unfit, key) {
            (Some(why), _) => Some(Trouble::Unfit(why.clone())),
            (None, Some(key)) => Some(key),
            (None, None) if answer.complete => None,
            (None, None) => Some(trouble::of(output)),
        };
        Self { answer, trouble }
    }
}

fn call(argv: &[String], text: &str) -> Result<Output, Error> {
    let output = process::run_with_input("ssh", argv.iter().cloned(), text.as_bytes())?;
    if output.exit != Exit::Code(0) {
        log::debug!("ssh: {:?}: {}", output.exit, output.stderr_text().trim_end());
    }
    Ok(output)
}

thread_local! {
    static HERE: OnceCell<String> = const { OnceCell::new() };
}

/// Where xqute was started, by the name under which the user knows it. Asked once in each instance.
pub(crate) fn here() -> Result<String, Error> {
    if run::is_dry() {
        return Ok(".".to_owned());
    }
    if let Some(here) = HERE.with(|here| here.get().cloned()) {
        return Ok(here);
    }
    let output = process::run("pwd", ["-L"])?;
    let stdout = output.stdout_text();
    let here = stdout.strip_suffix('\n').unwrap_or(&stdout).to_owned();
    if !here.starts_with('/') {
        let said = output.stderr_text();
        return Err(Error::Unavailable(format!(
            "`pwd` does not say where xqute was started: {:?}, {here:?}, {said:?}",
            output.exit
        )));
    }
    Ok(HERE.with(|cell| cell.get_or_init(|| here).clone()))
}

/// A folder that there is on the side of the host, and on that of a server if it shares the workdir.
fn likely<'a>(workdir: &'a str, here: &'a str) -> &'a str {
    let below = !here.is_empty() && workdir.strip_prefix(here).is_some_and(|rest| rest.starts_with('/'));
    let second = workdir.match_indices('/').nth(1).map(|(at, _)| at);
    match below {
        true => here,
        false => second.and_then(|at| workdir.get(..at)).unwrap_or("/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_looked_for_that_is_there_before_the_workdir() {
        assert_eq!(likely("/data/me/new/.xqute", "/data/me"), "/data/me");
        assert_eq!(likely("/data/me/.xqute", "/data/m"), "/data");
        assert_eq!(likely("/scratch/run", "/home/me"), "/scratch");
        assert_eq!(likely("/run", "/home/me"), "/");
        assert_eq!(likely("/data/me/.xqute", ""), "/data", "nobody knows where that was");
    }
}
