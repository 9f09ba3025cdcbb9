//! Options that users give, read and checked: which servers there are, and how each is reached. Pure functions; what `ssh` is
//! told is in `connection`.

use std::time::Duration;

use crate::server::{Server, server};
use xqute_plugin::{About, Error};

/// Documents the options.
pub(crate) fn describe(about: About) -> About {
    about
        .list_option(
            "server",
            "a server, as [USER@]HOST[:PORT], and its own settings: n1,slots=8,user=U,port=P,keyfile=FILE",
        )
        .list_option("servers", "the same; several may be joined by commas: n1,n2,n3")
        .option("user", "who logs in on servers that say nothing else")
        .option("port", "the port of servers that say nothing else")
        .option("keyfile", "the private key for servers that say nothing else")
        .option_or(
            "slots",
            "the number of its processors",
            "how many jobs a server takes before others are preferred",
        )
        .option("config", "the configuration file of ssh, instead of the user's own")
        .option_or(
            "ctrl-dir",
            "~/.ssh",
            "a folder for the sockets of shared connections; only you may write to it",
        )
        .option_or(
            "ctrl-persist",
            "600",
            "for how many seconds an unused connection stays open",
        )
        .option_or(
            "connect-timeout",
            "10",
            "for how many seconds a server may keep a new connection waiting",
        )
        .option_or(
            "dead-after",
            "1800",
            "for how many seconds jobs on a server that does not answer count as running; never: for ever",
        )
        .option(
            "ssh",
            "not accepted: put the folder with the ssh that you want first on PATH",
        )
}

/// Everything that the user said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// At least one; each has another name.
    pub(crate) servers: Vec<Server>,
    pub(crate) config: Option<String>,
    pub(crate) connect_timeout: u32,
    /// None: never.
    pub(crate) dead_after: Option<Duration>,
}

/// Reads the options of a run.
pub(crate) fn read(options: &[(String, String)]) -> Result<Settings, Error> {
    let mut common = Server::default();
    let mut settings = Settings {
        servers: Vec::new(),
        config: None,
        connect_timeout: 10,
        dead_after: Some(Duration::from_secs(1800)),
    };
    for (name, value) in options {
        check_text(name, value)?;
        match name.replace('_', "-").as_str() {
            "server" | "servers" => {}
            "config" => settings.config = Some(value.clone()),
            "connect-timeout" => settings.connect_timeout = number(name, value, 1, 3600)?,
            "dead-after" if value == "never" => settings.dead_after = None,
            "dead-after" => {
                settings.dead_after = Some(Duration::from_secs(number(name, value, 0, u32::MAX)?.into()));
            }
            "ssh" => {
                return Err(invalid(
                    "`ssh` cannot be given: put the folder with the ssh that you want first on PATH",
                ));
            }
            other => set(&mut common, other, value)?,
        }
    }
    for value in values(options) {
        for server in servers_in(value, &common)? {
            let server = server.named()?;
            if settings.servers.iter().any(|other| other.name() == server.name()) {
                let name = server.name();
                return Err(invalid(format!(
                    "the server {name} is given twice; give it once, with slots=N if it is to take more jobs"
                )));
            }
            settings.servers.push(server);
        }
    }
    if settings.servers.is_empty() {
        return Err(invalid(
            "no server is given; name each one that jobs may run on: --opt server=[USER@]HOST[:PORT]",
        ));
    }
    Ok(settings)
}

/// The servers that a job may run on: those that its own options name, or all.
pub(crate) fn allowed<'a>(
    job: &[(String, String)],
    run: &[(String, String)],
    servers: &'a [Server],
) -> Result<Vec<&'a Server>, Error> {
    if job == run {
        return Ok(servers.iter().collect());
    }
    let own: Vec<_> = job.iter().filter(|option| !run.contains(option)).cloned().collect();
    if let Some((name, _)) = own.iter().find(|(name, _)| !is_server(name)) {
        return Err(invalid(format!(
            "`{name}` holds for the whole run, a job cannot have its own; it can have `server`"
        )));
    }
    if let Some(word) = values(&own)
        .flat_map(|value| value.split(','))
        .find(|word| word.contains('='))
    {
        return Err(invalid(format!(
            "a job can only name servers of its run, and say nothing else about them, such as `{word}`"
        )));
    }
    let chosen = if own.is_empty() { job } else { &own };
    let words = values(chosen).flat_map(|value| value.split(',')).map(str::trim);
    let mut allowed = Vec::new();
    for name in words.filter(|word| !word.is_empty() && !word.contains('=')) {
        let server = servers.iter().find(|server| server.is_called(name)).ok_or_else(|| {
            let names: Vec<&str> = servers.iter().map(Server::name).collect();
            invalid(format!(
                "the job is to run on {name}, which is not among the servers of the run: {}",
                names.join(", ")
            ))
        })?;
        allowed.push(server);
    }
    Ok(allowed)
}

/// What is given under both names of the one option.
fn values(options: &[(String, String)]) -> impl Iterator<Item = &str> {
    options
        .iter()
        .filter(|(name, _)| is_server(name))
        .map(|(_, value)| value.as_str())
}

fn is_server(name: &str) -> bool {
    matches!(name, "server" | "servers")
}

/// Reads `n1,slots=8,n2`: a word without `=` is a server, one with it says something about the server before it.
fn servers_in(value: &str, common: &Server) -> Result<Vec<Server>, Error> {
    let mut servers: Vec<Server> = Vec::new();
    for word in value.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        match (word.split_once('='), servers.last_mut()) {
            (None, _) => servers.push(server(word, common)?),
            (Some((name, value)), Some(server)) => set(server, &name.replace('_', "-"), value)?,
            (Some(_), None) => {
                return Err(invalid(format!(
                    "`server={value}` must begin with the server: server=HOST,{word}"
                )));
            }
        }
    }
    if servers.is_empty() {
        return Err(invalid("`server` needs a value: server=[USER@]HOST[:PORT]"));
    }
    Ok(servers)
}

/// Sets what one server may have for itself.
fn set(server: &mut Server, name: &str, value: &str) -> Result<(), Error> {
    match name {
        "user" => server.user = Some(value.to_owned()),
        "port" => server.port = Some(number(name, value, 1, 65535)?),
        "keyfile" | "key" => server.keyfile = Some(value.to_owned()),
        "slots" => server.slots = Some(number(name, value, 1, 1_000_000)?),
        "ctrl-persist" => server.persist = number(name, value, 1, 31_536_000)?,
        "ctrl-dir" => value.trim_end_matches('/').clone_into(&mut server.control_dir),
        _ => {
            return Err(invalid(format!(
                "a server has no `{name}`; it can have slots, user, port, keyfile, ctrl-persist and ctrl-dir"
            )));
        }
    }
    Ok(())
}

fn number(name: &str, value: &str, least: u32, most: u32) -> Result<u32, Error> {
    let number = value.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| {
        invalid(format!(
            "`{name}` must be a number from {least} to {most}, not `{value}`"
        ))
    })
}

fn check_text(name: &str, value: &str) -> Result<(), Error> {
    if value.trim().is_empty() {
        return Err(invalid(format!("`{name}` needs a value; write {name}=VALUE")));
    }
    match value.chars().find(|c| c.is_control()) {
        None => Ok(()),
        Some(c) => Err(invalid(format!(
            "the value of `{name}` has the control character {c:?}; it must be one line"
        ))),
    }
}

pub(crate) fn invalid(text: impl Into<String>) -> Error {
    Error::InvalidOptions(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn given(options: &[(&str, &str)]) -> Vec<(String, String)> {
        options
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn names(options: &[(&str, &str)]) -> Vec<String> {
        let settings = read(&given(options)).unwrap();
        settings.servers.iter().map(|server| server.name().to_owned()).collect()
    }

    fn refusal(options: &[(&str, &str)]) -> String {
        match read(&given(options)) {
            Err(Error::InvalidOptions(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_server_may_be_given_in_many_ways() {
        assert_eq!(
            names(&[("server", "n1"), ("server", "alice@n2:2222")]),
            ["n1", "alice@n2:2222"]
        );
        assert_eq!(names(&[("servers", "n1,n2, n3")]), ["n1", "n2", "n3"]);
        assert_eq!(
            names(&[("user", "bob"), ("servers", "n1,port=22,carol@n2"), ("port", "2200")]),
            ["bob@n1:22", "carol@n2:2200"]
        );
        assert_eq!(
            names(&[("server", "[::1]:2222"), ("server", "fe80::1")]),
            ["[::1]:2222", "[fe80::1]"]
        );
    }

    #[test]
    fn what_a_server_says_for_itself_counts_more() {
        let options = given(&[
            ("slots", "2"),
            ("keyfile", "/keys/all"),
            ("server", "n1,slots=8,key=/keys/n1"),
            ("server", "n2"),
            ("ctrl_persist", "60"),
            ("dead_after", "never"),
            ("config", "/etc/other"),
        ]);
        let settings = read(&options).unwrap();
        let [n1, n2] = settings.servers.as_slice() else {
            panic!("{settings:?}")
        };
        assert_eq!(
            (n1.slots, n1.keyfile.as_deref(), n1.persist),
            (Some(8), Some("/keys/n1"), 60)
        );
        assert_eq!((n2.slots, n2.keyfile.as_deref()), (Some(2), Some("/keys/all")));
        assert_eq!(
            (settings.dead_after, settings.config.as_deref()),
            (None, Some("/etc/other"))
        );
    }

    #[test]
    fn refusals_say_what_to_do() {
        let cases: [(&[(&str, &str)], &str); 9] = [
            (
                &[],
                "no server is given; name each one that jobs may run on: --opt server=[USER@]HOST[:PORT]",
            ),
            (
                &[("server", "slots=3")],
                "`server=slots=3` must begin with the server: server=HOST,slots=3",
            ),
            (
                &[("server", "n1"), ("servers", "n1,slots=3")],
                "the server n1 is given twice; give it once, with slots=N if it is to take more jobs",
            ),
            (&[("server", "")], "`server` needs a value; write server=VALUE"),
            (
                &[("server", "n1,color=red")],
                "a server has no `color`; it can have slots, user, port, keyfile, ctrl-persist and ctrl-dir",
            ),
            (
                &[("server", "n1:ssh")],
                "`n1:ssh` is no server: `port` must be a number from 1 to 65535, not `ssh`",
            ),
            (
                &[("server", "n1,slots=0")],
                "`slots` must be a number from 1 to 1000000, not `0`",
            ),
            (
                &[("server", "-oProxyCommand=x")],
                "`server=-oProxyCommand=x` must begin with the server: server=HOST,-oProxyCommand=x",
            ),
            (
                &[("ssh", "/opt/ssh")],
                "`ssh` cannot be given: put the folder with the ssh that you want first on PATH",
            ),
        ];
        for (options, expected) in cases {
            assert_eq!(refusal(options), expected);
        }
    }

    #[test]
    fn a_job_may_choose_among_the_servers_of_its_run() {
        let run = given(&[("server", "a@n1,slots=2"), ("server", "n2:22"), ("port", "22")]);
        let servers = read(&run).unwrap().servers;
        let chosen = |own: &[(&str, &str)]| {
            let job = [vec![run[2].clone()], given(own)].concat();
            allowed(&job, &run, &servers).map(|servers| servers.iter().map(|server| server.name().to_owned()).collect())
        };
        let all: Vec<_> = allowed(&run, &run, &servers).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(chosen(&[("server", "n2")]), Ok(vec!["n2:22".to_owned()]));
        assert_eq!(chosen(&[("server", "a@n1:22")]), Ok(vec!["a@n1:22".to_owned()]));
        assert_eq!(
            chosen(&[("server", "n3")]).unwrap_err().message(),
            "the job is to run on n3, which is not among the servers of the run: a@n1:22, n2:22"
        );
        assert_eq!(
            chosen(&[("server", "n2"), ("config", "x")]).unwrap_err().message(),
            "`config` holds for the whole run, a job cannot have its own; it can have `server`"
        );
    }

    #[test]
    fn every_option_is_described() {
        let described = xqute_plugin::describe::<crate::Ssh>().options;
        for option in described
            .iter()
            .filter(|option| !is_server(&option.name) && option.name != "ssh")
        {
            let value = if option.name.contains("file") { "/x" } else { "7" };
            let options = given(&[("server", "n1"), (&option.name, value)]);
            assert!(read(&options).is_ok(), "{}", option.name);
        }
    }
}
