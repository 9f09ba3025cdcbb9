//! What a job is called: `SERVER/PID/BORN/BOOT`. The time at which the process started, and the boot of the machine, tell it
//! from any other process that ever had the same number.

use std::fmt;

/// The id of a job, in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Id {
    /// The name of its server.
    pub(crate) server: String,
    pub(crate) pid: u32,
    /// In ticks since the machine started.
    pub(crate) born: u64,
    /// Eight hexadecimal digits.
    pub(crate) boot: String,
}

impl Id {
    /// Reads an id; none if it is not one of ours.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let (server, pid, born, boot) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let id = Self::of(server, pid, born, boot)?;
        parts.next().is_none().then_some(id)
    }

    /// Puts one together from what a server says.
    pub(crate) fn of(server: &str, pid: &str, born: &str, boot: &str) -> Option<Self> {
        let (pid, born) = (pid.parse().ok()?, born.parse().ok()?);
        // 0 and 1 stand for something else where signals are sent.
        let fits = pid > 1 && is_boot(boot) && !server.is_empty();
        fits.then(|| Self {
            server: server.to_owned(),
            pid,
            born,
            boot: boot.to_owned(),
        })
    }
}

/// Whether this is the short form of a boot's identity.
pub(crate) fn is_boot(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            server,
            pid,
            born,
            boot,
        } = self;
        write!(f, "{server}/{pid}/{born}/{boot}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for text in ["n1/17/8683077/0a1b2c3d", "alice@[::1]:22/2/0/ffffffff"] {
            assert_eq!(Id::read(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn nothing_else_is_an_id() {
        for text in [
            "",
            "17",
            "n1/17/3",
            "n1/x/3/0a1b2c3d",
            "n1/1/3/0a1b2c3d",
            "n1/17/3/0a1b",
            "n1/17/3/0a1b2c3d/4",
            "n1/-5/3/0a1b2c3d",
            "/17/3/0a1b2c3d",
        ] {
            assert_eq!(Id::read(text), None, "{text}");
        }
    }
}
