//! What the user says: which plugin may do what, in `--allow`, in `allow` of xqute.toml, and in xqute.lock.

use std::str::FromStr;

use super::right::{BadRight, Right};

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

    pub(super) fn covers(&self, asked: &Right) -> bool {
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
    match (kind, values) {
        ("script", None) => Ok(vec![Right::Script]),
        ("script", Some(_)) => Err(BadAllow::ScriptHasNoValues),
        (_, values) => {
            let values = values.unwrap_or_default().split(',');
            values.map(|value| Ok(Right::new(kind, value)?)).collect()
        }
    }
}

/// Why a value of `--allow` makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAllow {
    /// The part before the colon.
    #[error("`{0}` cannot be a plugin's name; write NAME, NAME:script or NAME:RIGHT=VALUE,VALUE")]
    Name(String),
    /// The part after the colon.
    #[error(transparent)]
    Right(#[from] BadRight),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn allow(text: &str) -> Result<Allow, BadAllow> {
        text.parse()
    }

    fn run(text: &str) -> Right {
        Right::new("run", text).unwrap()
    }

    #[test]
    fn a_name_alone_grants_everything() {
        assert_eq!(allow("my_sched").unwrap().grant, Grant::All);
    }

    #[test]
    fn rights_have_values() {
        let granted = allow("s:run=mysub -x *,mystat").unwrap().grant;
        assert_eq!(granted, Grant::Only(vec![run("mysub -x *"), run("mystat")]));
        let granted = allow("s:net=[::1]:80,a.org").unwrap().grant;
        let net = |text: &str| Right::new("net", text).unwrap();
        assert_eq!(granted, Grant::Only(vec![net("[::1]:80"), net("a.org")]));
        assert_eq!(allow("s:script").unwrap().grant, Grant::Only(vec![Right::Script]));
    }

    #[test]
    fn nonsense_is_refused() {
        let no_value = || BadRight::NoValue("run".into()).into();
        assert_eq!(allow("s:fly=x"), Err(BadRight::Unknown("fly".into()).into()));
        assert_eq!(allow("s:run"), Err(no_value()));
        assert_eq!(allow("s:run=a,,b"), Err(no_value()));
        assert!(matches!(
            allow("s:run=a  b"),
            Err(BadAllow::Right(BadRight::Value { .. }))
        ));
        assert!(matches!(
            allow("s:net=a:b"),
            Err(BadAllow::Right(BadRight::Value { .. }))
        ));
        assert_eq!(allow("s:script=x"), Err(BadAllow::ScriptHasNoValues));
        assert_eq!(allow("S"), Err(BadAllow::Name("S".into())));
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in ".*") {
            let _ = allow(&text);
        }
    }
}
