//! What users write about mounts, one by one, and what is wrong with it.

use camino::{Utf8Path, Utf8PathBuf};

use super::super::location::{BadLocation, Location};

/// Why something cannot be mounted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMount {
    /// It has none of the forms.
    #[error(
        "`{0}` is no mount: write SOURCE:PATH, SOURCE:PATH:ro, or NAME=SOURCE, which sets the variable NAME to its place"
    )]
    Form(String),
    /// It may have been meant as a mount with a name.
    #[error("cannot mount `{text}`: `{name}` cannot be the name of a variable; use letters, digits and `_`")]
    Variable {
        /// What was written.
        text: String,
        /// The name.
        name: String,
    },
    /// Its source is nowhere.
    #[error("cannot mount `{text}`: {why}")]
    Source {
        /// What was written.
        text: String,
        /// What is wrong.
        why: BadLocation,
    },
    /// Its source is a path that depends on where one is.
    #[error("cannot mount `{text}`: `{source_path}` is not an absolute path on the host")]
    Relative {
        /// What was written.
        text: String,
        /// The source in it.
        source_path: Utf8PathBuf,
    },
    /// Its target is no place to mount something at.
    #[error("cannot mount `{text}`: `{target}` is not an absolute path below `/`, without `.` and `..`")]
    Target {
        /// What was written.
        text: String,
        /// The target in it.
        target: String,
    },
    /// What is mounted under names has no place.
    #[error("nothing can be mounted below `{0}`: it is not an absolute path below `/`, without `.` and `..`")]
    Root(String),
    /// Two are at one place.
    #[error("`{one}` and `{other}` cannot both be mounted at `{target}`; give one of them another place")]
    Twice {
        /// What is there.
        one: String,
        /// What was to be there.
        other: String,
        /// Where.
        target: Utf8PathBuf,
    },
    /// One is mounted at one place, to be written and not.
    #[error("`{what}` is mounted at `{target}` twice, once to be written and once not; give it once")]
    Mode {
        /// What.
        what: String,
        /// Where.
        target: Utf8PathBuf,
    },
    /// One name stands for two things.
    #[error("the variable `{0}` is given to two mounts; give one of them another name")]
    Name(String),
}

/// One mount as a user wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) source: Location,
    pub(super) place: Place,
    pub(super) read_only: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    At(Utf8PathBuf),
    /// Wherever it suits; this variable tells the job where.
    Named(String),
}

impl Wanted {
    pub(super) fn read(text: &str) -> Result<Self, BadMount> {
        let name = text.split_once('=').filter(|(name, _)| !name.contains(['/', ':']));
        match name {
            Some((name, source)) if is_variable(name) => Ok(Self {
                source: read_source(text, source)?,
                place: Place::Named(name.to_owned()),
                read_only: false,
            }),
            // With an equals sign that early it can be nothing else.
            Some((name, _)) if !name.is_empty() => Err(BadMount::Variable {
                text: text.to_owned(),
                name: name.to_owned(),
            }),
            _ => Self::read_placed(text),
        }
    }

    fn read_placed(text: &str) -> Result<Self, BadMount> {
        let (rest, read_only) = match text.rsplit_once(':') {
            Some((rest, "ro")) => (rest, true),
            Some((rest, "rw")) => (rest, false),
            _ => (text, false),
        };
        let parts = rest
            .rsplit_once(':')
            .filter(|(source, target)| !source.is_empty() && !target.starts_with("//"));
        let (source, target) = parts.ok_or_else(|| BadMount::Form(text.to_owned()))?;
        Ok(Self {
            source: read_source(text, source)?,
            place: Place::At(read_target(text, target)?),
            read_only,
        })
    }
}

/// What is mounted, `text` being what was written about it.
pub(super) fn read_source(text: &str, source: &str) -> Result<Location, BadMount> {
    let tidy = match source.trim_end_matches('/') {
        "" => source,
        tidy => tidy,
    };
    match tidy.parse() {
        Ok(Location::Local(source_path)) if !source_path.is_absolute() => Err(BadMount::Relative {
            text: text.to_owned(),
            source_path,
        }),
        Ok(Location::Local(path)) => Ok(Location::Local(lexical(&path))),
        Ok(stored) => Ok(stored),
        Err(why) => Err(BadMount::Source {
            text: text.to_owned(),
            why,
        }),
    }
}

/// Without slashes that mean nothing.
pub(super) fn lexical(path: &Utf8Path) -> Utf8PathBuf {
    path.components().collect()
}

/// Where it is mounted, `text` being what was written about it.
pub(super) fn read_target(text: &str, target: &str) -> Result<Utf8PathBuf, BadMount> {
    mount_point(target).ok_or_else(|| BadMount::Target {
        text: text.to_owned(),
        target: target.to_owned(),
    })
}

/// A path at which something can be mounted.
pub(super) fn mount_point(target: &str) -> Option<Utf8PathBuf> {
    let path = Utf8Path::new(target);
    let plain = !target.split('/').any(|name| matches!(name, "." | ".."));
    (path.is_absolute() && plain && path.file_name().is_some() && !target.contains('\0')).then(|| lexical(path))
}

/// Whether bash takes it as the name of a variable.
fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
