//! The pattern of the right `net`: hosts, and perhaps one port.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

/// Which hosts are meant: `HOST`, `*.DOMAIN` (each name below it, but not itself), an IPv4 address, `[IPV6]`, or `*`: all; with
/// `:PORT` behind it only that port. A name means whatever it is resolved to; an address is never compared with names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostPattern {
    host: Hosts,
    /// None: any port.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hosts {
    /// In lower case.
    Name(String),
    /// The names below this one, which is in lower case.
    Below(String),
    Address(IpAddr),
    All,
}

/// A host as somebody wants to reach it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Host {
    /// In lower case.
    Name(String),
    Address(IpAddr),
}

impl HostPattern {
    /// Whether this host is meant, at a port if there is one already.
    pub(crate) fn matches(&self, host: &Host, port: Option<u16>) -> bool {
        let host = match (&self.host, host) {
            (Hosts::Name(ours), Host::Name(theirs)) => ours == theirs,
            (Hosts::Below(domain), Host::Name(name)) => is_below(name, domain),
            (Hosts::Address(ours), Host::Address(theirs)) => ours == theirs,
            (Hosts::All, _) => true,
            _ => false,
        };
        host && (self.port.is_none() || port.is_none() || self.port == port)
    }

    /// Whether all that `other` means is meant here too.
    pub fn covers(&self, other: &Self) -> bool {
        self.has_hosts_of(other) && (self.port.is_none() || self.port == other.port)
    }

    /// Whether there is something that both mean.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let ports = self.port.is_none() || other.port.is_none() || self.port == other.port;
        ports && (self.has_hosts_of(other) || other.has_hosts_of(self))
    }

    fn has_hosts_of(&self, other: &Self) -> bool {
        match (&self.host, &other.host) {
            (Hosts::All, _) => true,
            (Hosts::Below(domain), Hosts::Name(name) | Hosts::Below(name)) => {
                is_below(name, domain) || self.host == other.host
            }
            (ours, theirs) => ours == theirs,
        }
    }
}

fn is_below(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain)
        .and_then(|rest| rest.strip_suffix('.'))
        .is_some_and(|rest| !rest.is_empty())
}

impl Host {
    /// An address, in brackets if it is one of IPv6, or a plain name. None for anything else: what resolvers make of other
    /// spellings (numbers, escapes, users) must not decide what a plugin reaches.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some(address) = address(text) {
            return Some(Self::Address(address));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        is_name(&name).then_some(Self::Name(name))
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        Self::Address(address.to_canonical())
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

fn address(text: &str) -> Option<IpAddr> {
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = match bracketed {
        Some(inner) => inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => text.parse().ok(),
    };
    address.map(|address| address.to_canonical())
}

/// Whether this is a plain host name that nobody takes for a number. Underscores are used by some.
fn is_name(name: &str) -> bool {
    let plain = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    let number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    name.len() <= 253 && name.split('.').all(plain) && !number
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Hosts::Name(name) => f.write_str(name)?,
            Hosts::Below(domain) => write!(f, "*.{domain}")?,
            Hosts::Address(address) => write!(f, "{}", Host::Address(*address))?,
            Hosts::All => f.write_str("*")?,
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

impl FromStr for HostPattern {
    type Err = BadHost;

    fn from_str(text: &str) -> Result<Self, BadHost> {
        // An address of IPv6 has colons itself; without brackets nobody could tell where its port starts.
        let after_bracket = text.rfind(']').map_or(0, |at| at + 1);
        let behind = text.get(after_bracket..).unwrap_or_default();
        let (host, port) = match behind.split_once(':') {
            Some((rest, port)) => {
                let host = text.get(..after_bracket + rest.len()).unwrap_or_default();
                (host, Some(read_port(port)?))
            }
            None => (text, None),
        };
        if host == "*" {
            let host = Hosts::All;
            return Ok(Self { host, port });
        }
        if let Some(domain) = host.strip_prefix("*.") {
            let domain = domain.to_ascii_lowercase();
            let host = is_name(&domain).then_some(Hosts::Below(domain)).ok_or(BadHost::Host)?;
            return Ok(Self { host, port });
        }
        let host = match Host::parse(host).ok_or(BadHost::Host)? {
            Host::Name(name) => Hosts::Name(name),
            Host::Address(address) => Hosts::Address(address),
        };
        Ok(Self { host, port })
    }
}

fn read_port(text: &str) -> Result<u16, BadHost> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(port) if digits && port > 0 => Ok(port),
        _ if text.contains([':', '/']) => Err(BadHost::Host),
        _ => Err(BadHost::Port),
    }
}

/// Why a text is no pattern of hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHost {
    /// The host.
    #[error("it must be HOST, *.DOMAIN, an IPv4 address, [IPV6], or * for all, and may have :PORT behind it")]
    Host,
    /// The port.
    #[error("its port must be a number from 1 to 65535")]
    Port,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> HostPattern {
        text.parse().unwrap()
    }

    fn allows(text: &str, host: &str, port: u16) -> bool {
        Host::parse(host).is_some_and(|host| pattern(text).matches(&host, Some(port)))
    }

    #[test]
    fn names_addresses_and_ports() {
        for (text, host, port, allowed) in [
            ("Example.org", "example.ORG.", 80, true),
            ("example.org", "www.example.org", 80, false),
            ("example.org:443", "example.org", 443, true),
            ("example.org:443", "example.org", 80, false),
            ("*.example.org", "a.b.example.org", 80, true),
            ("*.example.org", "example.org", 80, false),
            ("*.example.org", ".example.org", 80, false),
            ("*.example.org", "badexample.org", 80, false),
            ("*.example.org", "user@a.example.org", 80, false),
            ("127.0.0.1", "127.0.0.1", 80, true),
            ("127.0.0.1", "localhost", 80, false),
            ("127.0.0.1", "[::ffff:127.0.0.1]", 80, true),
            ("[::1]:80", "[::1]", 80, true),
            ("[::1]:80", "::1", 80, true),
            ("[::1]:80", "[::1]", 81, false),
            ("localhost", "%6cocalhost", 80, false),
            ("*", "example.org", 80, true),
            ("*:443", "[::1]", 443, true),
            ("*:443", "[::1]", 80, false),
        ] {
            assert_eq!(allows(text, host, port), allowed, "{text}: {host}:{port}");
        }
    }

    #[test]
    fn spellings_of_numbers_are_nobody() {
        for text in [
            "0x7f.1",
            "127.1",
            "2130706433",
            "a.0x7f",
            "127.0.0.1.",
            "a b",
            "ä.org",
            "",
            "a..b",
            "a/b",
        ] {
            assert_eq!(Host::parse(text), None, "{text}");
        }
    }

    #[test]
    fn one_pattern_covers_another() {
        for (wide, narrow) in [
            ("a.org", "a.org:80"),
            ("*.org", "a.org"),
            ("*.org", "*.a.org:1"),
            ("10.0.0.1", "10.0.0.1:22"),
            ("*", "*:443"),
            ("*", "*.org"),
            ("*", "[::1]:80"),
        ] {
            assert!(pattern(wide).covers(&pattern(narrow)), "{wide}: {narrow}");
            assert!(!pattern(narrow).covers(&pattern(wide)), "{narrow}: {wide}");
            assert!(pattern(narrow).overlaps(&pattern(wide)));
        }
        assert!(pattern("*.org:80").overlaps(&pattern("a.org")));
        assert!(!pattern("a.org:80").overlaps(&pattern("a.org:81")));
        assert!(!pattern("a.org").overlaps(&pattern("b.org")));
    }

    #[test]
    fn malformed_patterns_are_refused() {
        for text in [
            "",
            "**",
            "*.",
            "a.*.org",
            "*.10",
            "http://a.org",
            "a.org/x",
            "::1",
            "[::1",
            "[a]",
            "u@a.org",
            "a b",
        ] {
            assert_eq!(text.parse::<HostPattern>(), Err(BadHost::Host), "{text}");
        }
        for text in ["a.org:", "a.org:0", "a.org:65536", "[::1]:x", "a.org:+1", "a.org:http"] {
            assert_eq!(text.parse::<HostPattern>(), Err(BadHost::Port), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in ".*") {
            let _ = (text.parse::<HostPattern>(), Host::parse(&text));
        }

        #[test]
        fn what_is_shown_can_be_parsed(text in "(\\*|(\\*\\.)?[a-z]{1,4}(\\.[a-z]{1,3})?)(:[1-9][0-9]{0,3})?") {
            prop_assert_eq!(pattern(&text).to_string(), text);
        }
    }
}
