//! What a plugin may do: what it asks for ∩ what the user granted. Pure, but for the search for programs.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fmt,
    path::PathBuf,
    str::FromStr,
};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use crate::adapters::process;

/// Something that a plugin may not do unless the user grants it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Start this program.
    Run(String),
    /// Read below this folder.
    Read(Utf8PathBuf),
    /// Read and write below this folder.
    Write(Utf8PathBuf),
    /// Connect to this host.
    Net(String),
    /// Read this environment variable.
    Env(String),
    /// Put bash and directives into job scripts.
    Script,
}

impl Right {
    /// Whether a grant of `self` covers `asked`.
    fn covers(&self, asked: &Self) -> bool {
        match (self, asked) {
            (Self::Read(granted) | Self::Write(granted), Self::Read(asked))
            | (Self::Write(granted), Self::Write(asked)) => absolute(asked).starts_with(absolute(granted)),
            _ => self == asked,
        }
    }
}

/// As `--allow` spells it.
impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(program) => write!(f, "run={program}"),
            Self::Read(folder) => write!(f, "read={folder}"),
            Self::Write(folder) => write!(f, "write={folder}"),
            Self::Net(host) => write!(f, "net={host}"),
            Self::Env(name) => write!(f, "env={name}"),
            Self::Script => f.write_str("script"),
        }
    }
}

/// What the user granted to one plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// All that it asks for.
    All,
    /// These rights, if it asks for them.
    Only(Vec<Right>),
}

impl Default for Grant {
    fn default() -> Self {
        Self::Only(Vec::new())
    }
}

impl Grant {
    /// Both grants together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Only(mut mine), Self::Only(theirs)) => {
                mine.extend(theirs);
                Self::Only(mine)
            }
            _ => Self::All,
        }
    }

    fn covers(&self, asked: &Right) -> bool {
        match self {
            Self::All => true,
            Self::Only(rights) => rights.iter().any(|right| right.covers(asked)),
        }
    }
}

/// The value of `--allow`: `NAME`, `NAME:script`, or `NAME:RIGHT=V1,V2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow {
    /// The plugin's name.
    pub plugin: String,
    /// What it may do.
    pub grant: Grant,
}

impl FromStr for Allow {
    type Err = BadAllow;

    fn from_str(text: &str) -> Result<Self, BadAllow> {
        let (plugin, right) = match text.split_once(':') {
            Some((plugin, right)) => (plugin, Some(right)),
            None => (text, None),
        };
        if !is_name(plugin) {
            return Err(BadAllow::Name(plugin.to_owned()));
        }
        let grant = match right {
            None => Grant::All,
            Some(right) => Grant::Only(parse_rights(right)?),
        };
        let plugin = plugin.to_owned();
        Ok(Self { plugin, grant })
    }
}

/// Parses `RIGHT=V1,V2` or `script`, as after the colon of `--allow` and in `allow` of xqute.toml.
///
/// # Errors
/// When the right is not known, or lacks its values.
pub fn parse_rights(text: &str) -> Result<Vec<Right>, BadAllow> {
    let (kind, values) = match text.split_once('=') {
        Some((kind, values)) => (kind, Some(values)),
        None => (text, None),
    };
    let make: fn(&str) -> Right = match (kind, values) {
        ("script", None) => return Ok(vec![Right::Script]),
        ("script", Some(_)) => return Err(BadAllow::ScriptHasNoValues),
        ("run", _) => |value| Right::Run(value.to_owned()),
        ("read", _) => |value| Right::Read(value.into()),
        ("write", _) => |value| Right::Write(value.into()),
        ("net", _) => |value| Right::Net(value.to_owned()),
        ("env", _) => |value| Right::Env(value.to_owned()),
        _ => return Err(BadAllow::UnknownRight(kind.to_owned())),
    };
    let values: Vec<_> = values.unwrap_or_default().split(',').collect();
    if values.iter().any(|value| value.is_empty()) {
        return Err(BadAllow::NoValue(kind.to_owned()));
    }
    Ok(values.into_iter().map(make).collect())
}

/// Why a value of `--allow` makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAllow {
    /// The part before the colon.
    #[error("`{0}` cannot be a plugin's name; write NAME, NAME:script or NAME:RIGHT=VALUE,VALUE")]
    Name(String),
    /// The part after the colon.
    #[error("there is no right `{0}`; known are run, read, write, env, net and script")]
    UnknownRight(String),
    /// A right without values would mean nothing or everything.
    #[error("the right `{0}` needs values: `{0}=VALUE,VALUE`")]
    NoValue(String),
    /// `script` is all or nothing.
    #[error("the right `script` takes no values")]
    ScriptHasNoValues,
}

/// Whether this can be the name of a plugin: 1 to 32 of a-z, 0-9, `-`, `_`, starting with a letter.
pub fn is_name(name: &str) -> bool {
    let mut chars = name.bytes();
    name.len() <= 32
        && chars.next().is_some_and(|first| first.is_ascii_lowercase())
        && chars.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'))
}

/// What a plugin may do in this run.
#[derive(Clone, Debug, Default)]
pub(super) struct Rights {
    /// Programs by name; `None`: granted, but not found on PATH.
    pub(super) programs: BTreeMap<String, Option<PathBuf>>,
    pub(super) read: BTreeSet<Utf8PathBuf>,
    pub(super) write: BTreeSet<Utf8PathBuf>,
    pub(super) env: BTreeSet<String>,
    pub(super) script: bool,
}

/// The rights that a plugin asks for and the user granted.
pub(super) fn effective(asked: &[Right], grant: &Grant) -> Vec<Right> {
    // Nothing in this version can connect a plugin to the network, whatever was granted.
    let possible = asked.iter().filter(|right| !matches!(right, Right::Net(_)));
    possible.filter(|right| grant.covers(right)).cloned().collect()
}

impl Rights {
    /// Resolves each program on `path`, once.
    pub(super) fn resolve(effective: &[Right], path: &OsStr) -> Self {
        let mut rights = Self::default();
        for right in effective {
            match right {
                Right::Run(program) => {
                    let found = process::resolve::find(OsStr::new(program), path);
                    rights.programs.insert(program.clone(), found);
                }
                Right::Read(folder) => drop(rights.read.insert(absolute(folder))),
                Right::Write(folder) => drop(rights.write.insert(absolute(folder))),
                Right::Env(name) => drop(rights.env.insert(name.clone())),
                Right::Script => rights.script = true,
                Right::Net(_) => {}
            }
        }
        rights
    }
}

/// Says loudly what a plugin will not be able to do, and what was granted in vain.
pub(super) fn warn(plugin: &str, asked: &[Right], given: &[Grant]) {
    let hosts: Vec<_> = asked
        .iter()
        .filter(|right| matches!(right, Right::Net(_)))
        .map(ToString::to_string)
        .collect();
    if !hosts.is_empty() {
        tracing::warn!(
            plugin,
            "asks for {}, which this version of xqute cannot grant: it will not be connected to anything",
            hosts.join(", ")
        );
    }
    for vain in in_vain(asked, given) {
        tracing::warn!(plugin, "was allowed `{vain}` but never asks for it");
    }
}

/// The rights that were granted by themselves although nobody asks for them.
fn in_vain<'a>(asked: &[Right], given: &'a [Grant]) -> Vec<&'a Right> {
    let single = given.iter().flat_map(|grant| match grant {
        Grant::All => &[],
        Grant::Only(rights) => rights.as_slice(),
    });
    single
        .filter(|granted| !asked.iter().any(|asked| granted.covers(asked)))
        .collect()
}

/// Absolute, and without `.` and `..`: a grant must not be escaped from by spelling.
fn absolute(path: &Utf8Path) -> Utf8PathBuf {
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

    use super::*;

    fn allow(text: &str) -> Result<Allow, BadAllow> {
        text.parse()
    }

    #[test]
    fn a_name_alone_grants_everything() {
        assert_eq!(allow("my_sched").unwrap().grant, Grant::All);
    }

    #[test]
    fn rights_have_values() {
        let granted = allow("s:run=mysub,mystat").unwrap().grant;
        assert_eq!(
            granted,
            Grant::Only(vec![Right::Run("mysub".into()), Right::Run("mystat".into())])
        );
        assert_eq!(allow("s:script").unwrap().grant, Grant::Only(vec![Right::Script]));
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(allow("s:fly=x"), Err(BadAllow::UnknownRight("fly".into())));
        assert_eq!(allow("s:run"), Err(BadAllow::NoValue("run".into())));
        assert_eq!(allow("s:run=a,,b"), Err(BadAllow::NoValue("run".into())));
        assert_eq!(allow("s:script=x"), Err(BadAllow::ScriptHasNoValues));
        assert_eq!(allow("S"), Err(BadAllow::Name("S".into())));
    }

    #[test]
    fn nothing_is_effective_that_was_not_asked_for_and_granted() {
        let asked = [
            Right::Run("a".into()),
            Right::Run("b".into()),
            Right::Net("x".into()),
            Right::Script,
        ];
        let grant = Grant::Only(vec![
            Right::Run("b".into()),
            Right::Run("c".into()),
            Right::Net("x".into()),
        ]);
        assert_eq!(effective(&asked, &grant), [Right::Run("b".into())]);
        assert_eq!(effective(&asked, &Grant::default()), []);
        assert_eq!(effective(&asked, &Grant::All).len(), 3);
    }

    #[test]
    fn a_folder_covers_what_is_below_it() {
        let data = Grant::Only(vec![Right::Read("/data".into())]);
        assert!(data.covers(&Right::Read("/data/in".into())));
        assert!(!data.covers(&Right::Read("/data/../etc".into())));
        assert!(!data.covers(&Right::Read("/database".into())));
        assert!(!data.covers(&Right::Write("/data".into())));
        assert!(Grant::Only(vec![Right::Write("/data".into())]).covers(&Right::Read("/data".into())));
    }

    #[test]
    fn what_was_granted_in_vain_is_noticed_beside_a_grant_of_everything() {
        let (sbatch, ls) = (Right::Run("sbatch".into()), Right::Run("ls".into()));
        let given = [Grant::All, Grant::Only(vec![sbatch.clone(), ls.clone()])];
        assert_eq!(in_vain(&[sbatch], &given), [&ls]);
    }

    #[test]
    fn programs_are_found_once() {
        let rights = Rights::resolve(
            &[Right::Run("sh".into()), Right::Run("no-such".into())],
            OsStr::new("/bin"),
        );
        assert_eq!(rights.programs.get("sh"), Some(&Some("/bin/sh".into())));
        assert_eq!(rights.programs.get("no-such"), Some(&None));
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in ".*") {
            let _ = allow(&text);
        }

        #[test]
        fn what_is_shown_can_be_parsed(value in "[a-zA-Z0-9_./-]{1,20}") {
            for right in [Right::Run(value.clone()), Right::Env(value.clone()), Right::Read(value.into())] {
                prop_assert_eq!(parse_rights(&right.to_string()).unwrap(), vec![right]);
            }
        }
    }
}
