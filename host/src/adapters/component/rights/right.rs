//! One right, as `describe` asks for it, as `--allow` spells it, and how one compares with another.

use std::fmt;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use super::{
    command::{BadCommand, CommandPattern},
    host::{BadHost, HostPattern},
};

/// Something that a plugin may not do unless the user grants it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Start this program.
    Run(CommandPattern),
    /// Read below this folder.
    Read(Utf8PathBuf),
    /// Read and write below this folder.
    Write(Utf8PathBuf),
    /// Connect to these hosts.
    Net(HostPattern),
    /// Read this environment variable.
    Env(String),
    /// Put bash and directives into job scripts.
    Script,
}

impl Right {
    /// The right of a kind that has values: `run`, `read`, `write`, `net` or `env`.
    ///
    /// # Errors
    /// When there is no such kind, or the value makes no sense for it.
    pub fn new(kind: &str, value: &str) -> Result<Self, BadRight> {
        let refused = |why| BadRight::Value {
            kind: kind.to_owned(),
            value: value.chars().take(200).collect(),
            why,
        };
        let make: fn(&str) -> Result<Self, BadValue> = match kind {
            "run" => |value| Ok(Self::Run(value.parse()?)),
            "net" => |value| Ok(Self::Net(value.parse()?)),
            "read" => |value| Ok(Self::Read(value.into())),
            "write" => |value| Ok(Self::Write(value.into())),
            "env" => |value| Ok(Self::Env(value.to_owned())),
            _ => return Err(BadRight::Unknown(kind.to_owned())),
        };
        if value.is_empty() {
            return Err(BadRight::NoValue(kind.to_owned()));
        }
        if value.contains(',') {
            return Err(refused(BadValue::Comma));
        }
        if value.chars().any(char::is_control) {
            return Err(refused(BadValue::Control));
        }
        make(value).map_err(refused)
    }

    /// Whether who has `self` has all of `other`.
    pub(super) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Run(ours), Self::Run(theirs)) => ours.covers(theirs),
            (Self::Net(ours), Self::Net(theirs)) => ours.covers(theirs),
            (Self::Read(ours) | Self::Write(ours), Self::Read(theirs)) | (Self::Write(ours), Self::Write(theirs)) => {
                absolute(theirs).starts_with(absolute(ours))
            }
            _ => self == other,
        }
    }

    /// Whether something is in both.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Run(ours), Self::Run(theirs)) => ours.overlaps(theirs),
            (Self::Net(ours), Self::Net(theirs)) => ours.overlaps(theirs),
            _ => self.covers(other) || other.covers(self),
        }
    }

    /// The same right, whatever the current folder is.
    #[must_use]
    pub fn anywhere(&self) -> Self {
        match self {
            Self::Read(folder) => Self::Read(absolute(folder)),
            Self::Write(folder) => Self::Write(absolute(folder)),
            right => right.clone(),
        }
    }
}

/// As `--allow` spells it.
impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(command) => write!(f, "run={command}"),
            Self::Read(folder) => write!(f, "read={folder}"),
            Self::Write(folder) => write!(f, "write={folder}"),
            Self::Net(host) => write!(f, "net={host}"),
            Self::Env(name) => write!(f, "env={name}"),
            Self::Script => f.write_str("script"),
        }
    }
}

/// Why something is no right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRight {
    /// No kind of this name has values.
    #[error("there is no right `{0}`; known are run, read, write, env, net and script")]
    Unknown(String),
    /// A right without values would mean nothing or everything.
    #[error("the right `{0}` needs values: `{0}=VALUE,VALUE`")]
    NoValue(String),
    /// The value cannot be.
    #[error("the right `{kind}={}` makes no sense: {why}", value.escape_debug())]
    Value {
        /// The kind of right.
        kind: String,
        /// What was said, cut if it is endless.
        value: String,
        /// What is wrong with it.
        why: BadValue,
    },
}

/// What is wrong with the value of a right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadValue {
    /// Commas separate values, so nobody could grant it.
    #[error("commas separate values, and none can have one in it")]
    Comma,
    /// A newline or worse.
    #[error("it has a control character")]
    Control,
    /// No pattern of a command.
    #[error(transparent)]
    Command(#[from] BadCommand),
    /// No pattern of hosts.
    #[error(transparent)]
    Host(#[from] BadHost),
}

/// Absolute, and without `.` and `..`: a grant must not be escaped from by spelling.
pub(super) fn absolute(path: &Utf8Path) -> Utf8PathBuf {
    let full = camino::absolute_utf8(path).unwrap_or_else(|_| path.to_owned());
    let mut clean = Utf8PathBuf::new();
    for part in full.components() {
        match part {
            Utf8Component::ParentDir => drop(clean.pop()),
            Utf8Component::CurDir => {}
            part => clean.push(part),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{Grant, parse_rights},
        *,
    };

    #[test]
    fn a_folder_covers_what_is_below_it() {
        let data = Right::Read("/data".into());
        assert!(data.covers(&Right::Read("/data/in".into())));
        assert!(!data.covers(&Right::Read("/data/../etc".into())));
        assert!(!data.covers(&Right::Read("/database".into())));
        assert!(!data.covers(&Right::Write("/data".into())));
        assert!(Right::Write("/data".into()).covers(&data));
    }

    #[test]
    fn nonsense_names_the_item() {
        let say = |kind: &str, value: &str| Right::new(kind, value).unwrap_err().to_string();
        insta::assert_snapshot!(say("run", "/bin/sh -c"), @"the right `run=/bin/sh -c` makes no sense: `/bin/sh` is not the name of a program: it is looked for on PATH, so it must be a name without `/` and `*`");
        insta::assert_snapshot!(say("run", "a\u{1b}"), @r"the right `run=a\u{1b}` makes no sense: it has a control character");
        insta::assert_snapshot!(say("read", "/a,b"), @"the right `read=/a,b` makes no sense: commas separate values, and none can have one in it");
        insta::assert_snapshot!(say("net", "http://x.org"), @"the right `net=http://x.org` makes no sense: it must be HOST, *.DOMAIN, an IPv4 address, [IPV6], or * for all, and may have :PORT behind it");
        insta::assert_snapshot!(say("env", ""), @"the right `env` needs values: `env=VALUE,VALUE`");
        insta::assert_snapshot!(say("fly", "x"), @"there is no right `fly`; known are run, read, write, env, net and script");
    }

    proptest! {
        #[test]
        fn what_is_shown_can_be_parsed(value in "[a-zA-Z][a-zA-Z0-9_.-]{0,10}[a-z]") {
            for kind in ["run", "env", "read", "write", "net"] {
                let Ok(right) = Right::new(kind, &value) else { continue };
                prop_assert_eq!(parse_rights(&right.to_string()).unwrap(), vec![right.clone()]);
                prop_assert!(Grant::Only(vec![right.clone()]).covers(&right));
            }
        }
    }
}
