//! Where something is: a path of this machine, or an object in a store.
//!
//! The text of a location is exact: what was parsed is what is shown, byte for byte. An object's name is no URL, so a percent
//! sign in it is a percent sign. What a store would take but a file system or a mount could not show under the same name (an
//! empty name between two slashes, `.`, `..`, control characters) is refused.

use std::{fmt, str::FromStr};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize, de};

/// Where something is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Location {
    /// A path of this machine.
    Local(Utf8PathBuf),
    /// An object in a store, or all objects whose names begin with it and a slash.
    Stored(ObjectPath),
}

/// Whose store it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// Google Cloud Storage, `gs://`.
    Gcs,
    /// Amazon S3, and what speaks its language, `s3://`.
    S3,
    /// Azure Blob Storage, `az://`; what is called a bucket here is a container there.
    Azure,
}

/// The name of an object, in its bucket.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectPath {
    service: Service,
    bucket: String,
    /// Names with slashes between them; empty for the bucket itself.
    key: String,
}

/// Why a text is no location.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no place that xqute can use: {why}", text.escape_debug())]
pub struct BadLocation {
    text: String,
    why: Why,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Why {
    #[error("it is empty")]
    Empty,
    #[error("it knows paths of this machine, and stores at gs://, s3:// and az://")]
    Scheme,
    #[error("after `://` comes the name of a bucket: letters, digits, `.`, `_` and `-`")]
    Bucket,
    #[error("it has a slash at its end; leave that away")]
    SlashAtEnd,
    #[error("it has two slashes in a row, between which there is no name")]
    NoName,
    #[error("`.` and `..` are no names in a store")]
    Dots,
    #[error("it has the control character {0:?}")]
    Control(char),
    #[error("it has a backslash, which Azure takes for a slash")]
    Backslash,
    #[error("it is longer than the 1,024 bytes that stores take")]
    Long,
    #[error("it is not below the place that it is joined to")]
    NotBelow,
}

impl Service {
    const ALL: [Self; 3] = [Self::Gcs, Self::S3, Self::Azure];

    /// `gs`, `s3` or `az`.
    pub const fn scheme(self) -> &'static str {
        match self {
            Self::Gcs => "gs",
            Self::S3 => "s3",
            Self::Azure => "az",
        }
    }

    /// What users call it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Gcs => "Google Cloud Storage",
            Self::S3 => "Amazon S3",
            Self::Azure => "Azure Blob Storage",
        }
    }
}

impl ObjectPath {
    /// Whose store it is in.
    pub const fn service(&self) -> Service {
        self.service
    }

    /// The bucket, or Azure's container.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The name in its bucket, with no slash at either end; empty for the bucket itself.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// An object below this place, under a name that xqute gives itself or that a store listed.
    pub(crate) fn below(&self, names: &str) -> Self {
        match (&*self.key, names) {
            (_, "") => self.clone(),
            ("", names) => self.with_key(names),
            (key, names) => self.with_key(&format!("{key}/{names}")),
        }
    }

    fn read(service: Service, rest: &str) -> Result<Self, Why> {
        let (bucket, key) = match rest.split_once('/') {
            Some((_, "")) => return Err(Why::SlashAtEnd),
            Some((bucket, key)) => (bucket, key),
            None => (rest, ""),
        };
        let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if !bucket.starts_with(|first: char| first.is_ascii_alphanumeric()) || !bucket.chars().all(fits) {
            return Err(Why::Bucket);
        }
        if !key.is_empty() {
            check_key(key)?;
        }
        if service == Service::Azure && key.contains('\\') {
            return Err(Why::Backslash);
        }
        Ok(Self {
            service,
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        })
    }

    fn with_key(&self, key: &str) -> Self {
        Self {
            key: key.to_owned(),
            ..self.clone()
        }
    }
}

/// No store takes longer names than S3 and Google's do.
const LONGEST_KEY: usize = 1024;

fn check_key(key: &str) -> Result<(), Why> {
    if let Some(control) = key.chars().find(|c| c.is_control()) {
        return Err(Why::Control(control));
    }
    if key.len() > LONGEST_KEY {
        return Err(Why::Long);
    }
    if key.ends_with('/') && !key.ends_with("//") {
        return Err(Why::SlashAtEnd);
    }
    key.split('/').try_for_each(|name| match name {
        "" => Err(Why::NoName),
        "." | ".." => Err(Why::Dots),
        _ => Ok(()),
    })
}

impl FromStr for Location {
    type Err = BadLocation;

    fn from_str(text: &str) -> Result<Self, BadLocation> {
        let read = || match scheme(text) {
            _ if text.is_empty() => Err(Why::Empty),
            None => Ok(Self::Local(text.into())),
            Some((scheme, rest)) => {
                let service = Service::ALL.into_iter().find(|service| service.scheme() == scheme);
                ObjectPath::read(service.ok_or(Why::Scheme)?, rest).map(Self::Stored)
            }
        };
        read().map_err(|why| BadLocation {
            text: text.to_owned(),
            why,
        })
    }
}

/// What is before and behind `://`, if it looks like the scheme of a URL.
fn scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "+.-".contains(c);
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.chars().all(fits);
    is_scheme.then_some((scheme, rest))
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => path.fmt(f),
            Self::Stored(path) => path.fmt(f),
        }
    }
}

impl fmt::Display for ObjectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.service.scheme(), self.bucket)?;
        match &*self.key {
            "" => Ok(()),
            key => write!(f, "/{key}"),
        }
    }
}

impl Location {
    /// The path, if it is one of this machine.
    pub fn local(&self) -> Option<&Utf8Path> {
        match self {
            Self::Local(path) => Some(path),
            Self::Stored(_) => None,
        }
    }

    /// The object, if it is in a store.
    pub const fn stored(&self) -> Option<&ObjectPath> {
        match self {
            Self::Local(_) => None,
            Self::Stored(path) => Some(path),
        }
    }

    /// Itself, for somebody in this folder: that is what a relative path is about.
    #[must_use]
    pub fn from_folder(self, here: &Utf8Path) -> Self {
        match self {
            Self::Local(path) => Self::Local(here.join(path)),
            stored @ Self::Stored(_) => stored,
        }
    }

    /// The last name; none at the top.
    pub fn file_name(&self) -> Option<&str> {
        match self {
            Self::Local(path) => path.file_name(),
            Self::Stored(ObjectPath { key, .. }) => key.rsplit('/').next().filter(|name| !name.is_empty()),
        }
    }

    /// What it lies in; none at the top.
    pub fn parent(&self) -> Option<Self> {
        match self {
            Self::Local(path) => path
                .parent()
                .filter(|up| !up.as_str().is_empty())
                .map(|up| Self::Local(up.into())),
            Self::Stored(path) if path.key.is_empty() => None,
            Self::Stored(path) => {
                let up = path.key.rsplit_once('/').map_or("", |(up, _)| up);
                Some(Self::Stored(path.with_key(up)))
            }
        }
    }

    /// A place below this one: one name, or several with slashes between them.
    ///
    /// # Errors
    /// When it would not be below, or is no name at all.
    pub fn join(&self, below: &str) -> Result<Self, BadLocation> {
        let checked = match check_key(below) {
            Err(Why::Dots | Why::NoName) => Err(Why::NotBelow),
            // A file system takes them.
            Err(Why::Control(char)) if self.local().is_some() && char != '\0' => Ok(()),
            checked => checked,
        };
        checked.map_err(|why| BadLocation {
            text: below.to_owned(),
            why,
        })?;
        Ok(self.below(below))
    }

    /// The same for names that xqute gives itself.
    pub(crate) fn below(&self, names: &str) -> Self {
        match self {
            Self::Local(path) => Self::Local(path.join(names)),
            Self::Stored(path) => Self::Stored(path.below(names)),
        }
    }

    /// What is left of it below another place; empty for that place itself, none if it is elsewhere.
    pub fn relative_to(&self, other: &Self) -> Option<&str> {
        match (self, other) {
            (Self::Local(path), Self::Local(other)) => path.strip_prefix(other).ok().map(Utf8Path::as_str),
            (Self::Stored(path), Self::Stored(other)) => {
                let same = path.service == other.service && path.bucket == other.bucket;
                let rest = path.key.strip_prefix(&*other.key).filter(|_| same)?;
                match rest.strip_prefix('/') {
                    Some(rest) => Some(rest),
                    None => (rest.is_empty() || other.key.is_empty()).then_some(rest),
                }
            }
            _ => None,
        }
    }
}

impl From<Utf8PathBuf> for Location {
    fn from(path: Utf8PathBuf) -> Self {
        Self::Local(path)
    }
}

impl From<&Utf8Path> for Location {
    fn from(path: &Utf8Path) -> Self {
        Self::Local(path.to_owned())
    }
}

impl From<ObjectPath> for Location {
    fn from(path: ObjectPath) -> Self {
        Self::Stored(path)
    }
}

impl Serialize for Location {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Location {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
