//! How a server is reached: the arguments of `ssh`. Pure functions.
//!
//! The first call makes a connection, which `ssh` keeps in the background; the calls after it are sessions over that one.

use crate::{
    options::{Settings, invalid},
    server::{Server, digest},
};
use xqute_plugin::{About, Error};

/// Whatever the login shell is, this makes it a bash that reads all of what it is to do, and does it.
const COMMAND: &str = "exec bash -c 'eval \"$(cat)\"'";

/// The same for a login shell that is a bash and reads from a pipe: it starts nothing.
const DIRECT: &str = "eval \"$(</dev/stdin)\"";

/// The longest path of a socket on Linux.
const LONGEST_PATH: usize = 107;

/// What `ssh` adds to the path of a socket while it makes one.
const WHILE_MADE: usize = 17;

/// Asks for the right to run `ssh` just so: nothing that runs another program on this machine is among it.
pub(crate) fn rights(about: About) -> About {
    let always = always("*", "*", "*").join(" ");
    let patterns = ["", "-F * ", "-i * ", "-F * -i * "].map(|given| format!("ssh {given}{always} -- * *"));
    about.runs(patterns.iter().map(String::as_str))
}

/// The arguments of `ssh`. With `direct` the login shell is known to be a bash.
pub(crate) fn argv(server: &Server, settings: &Settings, direct: bool) -> Result<Vec<String>, Error> {
    let mut argv = Vec::new();
    if let Some(config) = &settings.config {
        argv.extend(["-F".to_owned(), config.clone()]);
    }
    if let Some(keyfile) = &server.keyfile {
        argv.extend(["-i".to_owned(), keyfile.clone()]);
    }
    argv.extend(always(
        &socket(server, settings)?,
        &settings.connect_timeout.to_string(),
        &server.persist.to_string(),
    ));
    let command = if direct { DIRECT } else { COMMAND };
    argv.extend(["--".to_owned(), server.destination(), command.to_owned()]);
    Ok(argv)
}

/// What is said in each call. Files of configuration cannot overrule it.
fn always(socket: &str, timeout: &str, persist: &str) -> [String; 14] {
    [
        "-T",
        "-x",
        "-S",
        socket,
        // Nobody is there to answer questions.
        "-oBatchMode=yes",
        "-oClearAllForwardings=yes",
        &format!("-oConnectTimeout={timeout}"),
        "-oControlMaster=auto",
        &format!("-oControlPersist={persist}"),
        "-oLogLevel=ERROR",
        "-oPermitLocalCommand=no",
        "-oRemoteCommand=none",
        // A connection over which nothing comes is given up after a quarter of a minute.
        "-oServerAliveCountMax=3",
        "-oServerAliveInterval=5",
    ]
    .map(str::to_owned)
}

/// The socket of the shared connection. `%C` stands for this machine, the server, its port and the user; the key and the
/// file of configuration make a connection another one as well.
fn socket(server: &Server, settings: &Settings) -> Result<String, Error> {
    let ways = digest(&[
        server.keyfile.as_deref().unwrap_or_default(),
        settings.config.as_deref().unwrap_or_default(),
    ]);
    let ways: String = ways.chars().take(4).collect();
    let dir = &server.control_dir;
    if dir.contains("${") {
        return Err(invalid(format!("`ctrl-dir` cannot have `${{` in it: {dir}")));
    }
    let name = format!("xq-{ways}-%C");
    let length = dir.len() + 1 + name.len() + 38 + WHILE_MADE;
    if length > LONGEST_PATH {
        let most = LONGEST_PATH - (length - dir.len());
        return Err(invalid(format!(
            "`ctrl-dir` is too long for the path of a socket, which may have {LONGEST_PATH} bytes: choose a folder whose \
             path has at most {most} bytes, not {dir}"
        )));
    }
    Ok(format!("{}/{name}", dir.replace('%', "%%")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::read;

    fn reach(options: &[(&str, &str)]) -> Result<Vec<String>, Error> {
        let options: Vec<_> = options
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let settings = read(&options).unwrap();
        argv(&settings.servers[0], &settings, false)
    }

    #[test]
    fn all_that_was_said_is_in_the_arguments() {
        let options = [
            ("server", "alice@n1:2222,key=/keys/my key"),
            ("config", "/etc/other"),
            ("ctrl-dir", "/run/100%/"),
            ("ctrl-persist", "60"),
            ("connect-timeout", "3"),
        ];
        let argv = reach(&options).unwrap().join(" ");
        let expected = "-F /etc/other -i /keys/my key -T -x -S /run/100%%/xq-dfba-%C -oBatchMode=yes \
                        -oClearAllForwardings=yes -oConnectTimeout=3 -oControlMaster=auto -oControlPersist=60 \
                        -oLogLevel=ERROR -oPermitLocalCommand=no -oRemoteCommand=none -oServerAliveCountMax=3 \
                        -oServerAliveInterval=5 -- ssh://alice@n1:2222 exec bash -c 'eval \"$(cat)\"'";
        assert_eq!(argv, expected);
    }

    #[test]
    fn another_key_is_another_connection() {
        let socket = |options: &[(&str, &str)]| {
            let argv = reach(options).unwrap();
            let at = argv.iter().position(|word| word == "-S").unwrap();
            argv[at + 1].clone()
        };
        let plain = socket(&[("server", "n1")]);
        assert!(plain.starts_with("~/.ssh/xq-"), "{plain}");
        assert_eq!(plain, socket(&[("server", "n2,slots=3")]), "what %C stands for differs");
        assert_ne!(plain, socket(&[("server", "n1,key=/k")]));
        assert_ne!(plain, socket(&[("server", "n1"), ("config", "/c")]));
    }

    #[test]
    fn a_path_that_is_too_long_is_refused() {
        let fits = format!("/{}", "x".repeat(40));
        assert!(reach(&[("server", "n1"), ("ctrl-dir", &fits)]).is_ok());
        let error = reach(&[("server", "n1"), ("ctrl-dir", &format!("{fits}y"))]).unwrap_err();
        assert!(error.message().contains("at most 41 bytes"), "{}", error.message());
        assert!(reach(&[("server", "n1"), ("ctrl-dir", "/tmp/${USER}")]).is_err());
    }
}
