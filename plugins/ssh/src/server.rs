//! One server: what the user said about it, and what it is called. What became of it is in `health`.

use crate::options::invalid;
use xqute_plugin::Error;

/// A server that jobs may run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    /// `[USER@]HOST[:PORT]`, as far as the user said it. It is in the ids of jobs, so it has no `/`.
    name: String,
    host: String,
    pub(crate) user: Option<String>,
    pub(crate) port: Option<u32>,
    pub(crate) keyfile: Option<String>,
    /// None: the number of its processors.
    pub(crate) slots: Option<u32>,
    pub(crate) persist: u32,
    pub(crate) control_dir: String,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            name: String::new(),
            host: String::new(),
            user: None,
            port: None,
            keyfile: None,
            slots: None,
            persist: 600,
            control_dir: "~/.ssh".to_owned(),
        }
    }
}

/// The longest name: it has to fit into ids of 256 bytes, with three numbers.
const LONGEST_NAME: usize = 180;

/// Reads `[USER@]HOST[:PORT]`; what it does not say is as in `common`.
pub(crate) fn server(text: &str, common: &Server) -> Result<Server, Error> {
    let no_server = |why: &str| invalid(format!("`{text}` is no server: {why}"));
    let (user, place) = match text.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, text),
    };
    let (host, port) = split_port(place);
    let mut server = Server {
        host: host.to_owned(),
        ..common.clone()
    };
    if let Some(user) = user {
        server.user = Some(user.to_owned());
    }
    if let Some(port) = port {
        let number = port.parse().ok().filter(|port| (1..=65535).contains(port));
        server.port =
            Some(number.ok_or_else(|| no_server(&format!("`port` must be a number from 1 to 65535, not `{port}`")))?);
    }
    Ok(server)
}

/// An address of IP version 6 has colons itself: with a port it stands in brackets.
fn split_port(place: &str) -> (&str, Option<&str>) {
    if let Some((host, rest)) = place.strip_prefix('[').and_then(|place| place.split_once(']')) {
        return (host, rest.strip_prefix(':'));
    }
    match place.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, Some(port)),
        _ => (place, None),
    }
}

impl Server {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether a user means this one: by its full name, or by as much of it as they like to say.
    pub(crate) fn is_called(&self, text: &str) -> bool {
        text == self.name
            || text == self.host
            || self
                .port
                .is_some_and(|port| text == format!("{}:{port}", self.shown_host()))
            || self
                .user
                .as_ref()
                .is_some_and(|user| text == format!("{user}@{}", self.shown_host()))
    }

    /// Completes a server of which everything is known: gives it its name.
    pub(crate) fn named(mut self) -> Result<Self, Error> {
        let user = self.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        self.name = format!("{user}{}{port}", self.shown_host());
        let name = &self.name;
        let fits = |text: &str, more: &str| {
            !text.starts_with('-') && !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || more.contains(c))
        };
        if !fits(&self.host, "._-:%") {
            return Err(invalid(format!(
                "`{name}` is no server: a host is a name or an address, of letters, digits, `.`, `-` and `_`"
            )));
        }
        if self.user.as_ref().is_some_and(|user| !fits(user, "._-+@\\$")) {
            return Err(invalid(format!(
                "`{name}` is no server: its user is no name to log in with"
            )));
        }
        if name.len() > LONGEST_NAME {
            return Err(invalid(format!("the name of the server {name} is too long")));
        }
        Ok(self)
    }

    /// The host as `ssh` is told it: in a URI if there is a port, which works for every kind of address.
    pub(crate) fn destination(&self) -> String {
        match self.port {
            Some(_) => format!("ssh://{}", self.name),
            None => match &self.user {
                Some(user) => format!("{user}@{}", self.host),
                None => self.host.clone(),
            },
        }
    }

    fn shown_host(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        }
    }

    /// A short word for this server, of hexadecimal digits.
    pub(crate) fn digest(&self) -> String {
        digest(&[&self.name])
    }
}

/// A short word that differs when any of these texts does (FNV-1a, 64 bit).
pub(crate) fn digest(texts: &[&str]) -> String {
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0]));
    let sum = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{sum:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Server, Error> {
        server(text, &Server::default())?.named()
    }

    #[test]
    fn ssh_is_told_what_the_user_said() {
        for (text, name, destination) in [
            ("n1", "n1", "n1"),
            ("alice@n1", "alice@n1", "alice@n1"),
            ("alice@n1:2222", "alice@n1:2222", "ssh://alice@n1:2222"),
            ("fe80::1%eth0", "[fe80::1%eth0]", "fe80::1%eth0"),
            ("a@[::1]:22", "a@[::1]:22", "ssh://a@[::1]:22"),
            ("me@corp.org@n1", "me@corp.org@n1", "me@corp.org@n1"),
        ] {
            let server = read(text).unwrap();
            assert_eq!((server.name(), server.destination().as_str()), (name, destination));
        }
    }

    #[test]
    fn what_a_shell_or_ssh_could_misunderstand_is_refused() {
        for text in [
            "-oProxyCommand",
            "n1;id",
            "n 1",
            "a/b",
            "$(id)@n1",
            "@n1",
            "",
            "a@",
            "n1:0",
            "n1:x",
            "-x@n1",
        ] {
            assert!(matches!(read(text), Err(Error::InvalidOptions(_))), "{text}");
        }
    }

    #[test]
    fn digests_differ() {
        assert_ne!(digest(&["a", "b"]), digest(&["ab", ""]));
        assert_eq!(digest(&["a"]).len(), 16);
    }
}
