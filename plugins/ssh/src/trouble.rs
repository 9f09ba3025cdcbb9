//! Judges calls of `ssh` after which a server did not come to the end of its program. Pure functions.
//!
//! Exit code 255 is that of `ssh` itself, and also what it says of a remote shell that was killed. So it means that the
//! connection is broken, unless `ssh` says something better.

use xqute_plugin::{Exit, Output};

/// Why a server could not be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It cannot be reached just now.
    Away(String),
    /// There was a connection, and it broke: another one may work.
    Broken(String),
    /// It can be used only when somebody has changed something.
    Unusable(String),
    /// It answers, but jobs of this run cannot run there.
    Unfit(String),
}

impl Trouble {
    /// What happened, for the user.
    pub(crate) fn said(&self) -> &str {
        match self {
            Self::Away(said) | Self::Broken(said) | Self::Unusable(said) | Self::Unfit(said) => said,
        }
    }
}

/// What `ssh` writes when time alone may help.
const AWAY: [&str; 10] = [
    "ssh: connect to host",
    "Connection timed out",
    "Connection refused",
    "No route to host",
    "Network is unreachable",
    "Temporary failure in name resolution",
    "kex_exchange_identification",
    "banner exchange",
    "ssh_exchange_identification",
    "System is booting up",
];

/// What it writes when time alone does not help, and what to do then.
const UNUSABLE: [(&str, &str); 12] = [
    (
        "Host key verification failed",
        "log in once by hand and accept its key, or add the key to a known_hosts file",
    ),
    (
        "Permission denied",
        "name a key that it accepts with --opt keyfile=FILE, or load it into ssh-agent; nobody can type a password",
    ),
    (
        "Too many authentication failures",
        "name the one key that it accepts with --opt keyfile=FILE",
    ),
    (
        "no mutual signature",
        "name a key of another type with --opt keyfile=FILE",
    ),
    (
        "Could not resolve hostname",
        "check the name of the server, or describe it in the configuration file of ssh",
    ),
    ("Can't open user config file", "check --opt config"),
    ("Bad configuration option", "mend the configuration file of ssh"),
    ("Bad owner or permissions", "mend the permissions of that file"),
    (
        "ControlPath too long",
        "choose a folder with a shorter path: --opt ctrl-dir=DIR",
    ),
    (
        "too long for Unix domain socket",
        "choose a folder with a shorter path: --opt ctrl-dir=DIR",
    ),
    (
        "cannot bind to path",
        "make the folder for the sockets of connections, or choose another one: --opt ctrl-dir=DIR",
    ),
    ("not accessible", "check the path of the key file"),
];

/// Judges a call that was not answered to its end.
pub(crate) fn of(output: &Output) -> Trouble {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let said = sentence(&stderr);
    if output.exit == Exit::Code(255)
        && let Some(hint) = hint(&stderr)
    {
        return Trouble::Unusable(format!("{said}; {hint}"));
    }
    match output.exit {
        _ if AWAY.iter().any(|words| stderr.contains(words)) => Trouble::Away(said),
        Exit::Signal(signal) => Trouble::Broken(format!("ssh was ended by signal {signal}")),
        Exit::Code(255) if said.is_empty() => Trouble::Broken("the connection broke".to_owned()),
        Exit::Code(255) => Trouble::Broken(said),
        Exit::Code(0) => Trouble::Broken("it ended before it had answered".to_owned()),
        Exit::Code(127) => Trouble::Unusable(format!("it has no bash: {said}")),
        Exit::Code(code) if said.is_empty() => {
            Trouble::Unusable(format!("its login shell ended with exit code {code} and said nothing"))
        }
        Exit::Code(code) => Trouble::Unusable(format!("its login shell ended with exit code {code}: {said}")),
    }
}

/// A key file that is not there: `ssh` would go on without it, and perhaps be somebody else.
pub(crate) fn missing_key(output: &Output) -> Option<Trouble> {
    let stderr = output.stderr_text();
    let warning = stderr
        .lines()
        .find(|line| line.starts_with("Warning: Identity file ") && line.contains("not accessible"))?;
    let warning = warning.trim().trim_start_matches("Warning: ").trim_end_matches('.');
    Some(Trouble::Unusable(format!("{warning}; check the path of the key file")))
}

fn hint(stderr: &str) -> Option<&'static str> {
    // A name server that is down for a moment says nothing about a name.
    let found = UNUSABLE.iter().find(|(words, _)| stderr.contains(words));
    found
        .filter(|_| !stderr.contains("Temporary failure in name resolution"))
        .map(|(_, hint)| *hint)
}

/// What `ssh` wrote, in one line.
fn sentence(stderr: &str) -> String {
    let mut said: Vec<&str> = Vec::new();
    for line in stderr.lines().map(str::trim) {
        let text = line.strip_prefix("ssh: ").unwrap_or(line).trim_end_matches(['.', ',']);
        // The box around a warning about a changed key, and advice about that which is given below.
        let is_decoration = text.is_empty() || text.starts_with('@') || !is_about_this(text);
        if !is_decoration && !said.contains(&text) {
            said.push(text);
        }
    }
    said.join("; ")
}

fn is_about_this(text: &str) -> bool {
    const ADVICE: [&str; 8] = [
        "IT IS POSSIBLE",
        "Someone could be",
        "It is also possible",
        "The fingerprint for",
        "SHA256:",
        "Please contact",
        "Add correct host key",
        "remove with:",
    ];
    !ADVICE.iter().any(|advice| text.starts_with(advice)) && !text.starts_with("ssh-keygen ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn failed(code: i32, stderr: &str) -> Trouble {
        of(&Output {
            exit: Exit::Code(code),
            stdout: Vec::new(),
            stderr: stderr.into(),
        })
    }

    #[test]
    fn a_server_that_is_away_may_come_back() {
        let refused = include_str!("../fixtures/connection-refused.stderr");
        let said = "connect to host 127.0.0.1 port 1: Connection refused".to_owned();
        assert_eq!(failed(255, refused), Trouble::Away(said));
        for text in [
            "ssh: connect to host 10.255.255.1 port 22: Connection timed out\r\n",
            "ssh: Could not resolve hostname n1: Temporary failure in name resolution\r\n",
            "kex_exchange_identification: Connection closed by remote host\r\n",
        ] {
            assert!(matches!(failed(255, text), Trouble::Away(_)), "{text}");
        }
    }

    #[test]
    fn what_only_people_can_mend_comes_with_advice() {
        for (text, expected) in [
            (
                include_str!("../fixtures/unknown-host-key.stderr"),
                "No ED25519 host key is known for [127.0.0.1]:22221 and you have requested strict checking; Host key \
                 verification failed; log in once by hand and accept its key, or add the key to a known_hosts file",
            ),
            (
                include_str!("../fixtures/changed-host-key.stderr"),
                "Offending ED25519 key in /home/alice/.ssh/known_hosts:1; Host key for [127.0.0.1]:22221 has changed and \
                 you have requested strict checking; Host key verification failed; log in once by hand and accept its \
                 key, or add the key to a known_hosts file",
            ),
            (
                include_str!("../fixtures/key-refused.stderr"),
                "alice@127.0.0.1: Permission denied (publickey); name a key that it accepts with --opt keyfile=FILE, or \
                 load it into ssh-agent; nobody can type a password",
            ),
            (
                include_str!("../fixtures/unknown-name.stderr"),
                "Could not resolve hostname no-such-host.invalid: Name or service not known; check the name of the \
                 server, or describe it in the configuration file of ssh",
            ),
            (
                include_str!("../fixtures/no-config.stderr"),
                "Can't open user config file /nonexistent: No such file or directory; check --opt config",
            ),
            (
                include_str!("../fixtures/no-control-dir.stderr"),
                "unix_listener: cannot bind to path /tmp/no-such/xq.ogrn628UDR5E9Nj2: No such file or directory; make \
                 the folder for the sockets of connections, or choose another one: --opt ctrl-dir=DIR",
            ),
        ] {
            assert_eq!(failed(255, text), Trouble::Unusable(expected.to_owned()));
        }
        assert!(matches!(
            failed(255, include_str!("../fixtures/long-control-path.stderr")),
            Trouble::Unusable(_)
        ));
        assert_eq!(
            failed(127, "sh: 1: exec: bash: not found\n"),
            Trouble::Unusable("it has no bash: sh: 1: exec: bash: not found".to_owned())
        );
        assert_eq!(
            failed(1, "This account is currently not available.\n"),
            Trouble::Unusable(
                "its login shell ended with exit code 1: This account is currently not available".to_owned()
            )
        );
    }

    #[test]
    fn a_key_file_that_is_missing_is_not_passed_over() {
        let output = Output {
            exit: Exit::Code(0),
            stdout: Vec::new(),
            stderr: include_str!("../fixtures/no-key.stderr").into(),
        };
        let said =
            "Identity file /nonexistent not accessible: No such file or directory; check the path of the key file";
        assert_eq!(missing_key(&output), Some(Trouble::Unusable(said.to_owned())));
        let output = Output {
            stderr: b"some warning of a login shell\n".to_vec(),
            ..output
        };
        assert_eq!(missing_key(&output), None);
    }

    #[test]
    fn a_broken_connection_says_little() {
        assert_eq!(failed(255, ""), Trouble::Broken("the connection broke".to_owned()));
        assert!(matches!(failed(0, "some noise"), Trouble::Broken(_)));
        let text = "mux_client_request_session: read from master failed: Broken pipe\r\n";
        assert!(matches!(failed(255, text), Trouble::Broken(_)));
    }

    proptest! {
        #[test]
        fn any_text_is_judged(code in -1..300, text in "(?s).*") {
            prop_assert!(!failed(code, &text).said().is_empty());
        }
    }
}
