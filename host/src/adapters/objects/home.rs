//! Where this machine keeps the files of a run whose workdir is in a store.

use camino::Utf8PathBuf;

use crate::model::path::Location;

/// It is not known where such files belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is not known where on this machine the state of a run in a store belongs: set HOME, or XDG_STATE_HOME to the absolute \
     path of a folder"
)]
pub struct NoHome;

/// Where a run is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whereabouts {
    /// Its directory, as users call it.
    pub workdir: Location,
    /// Where this machine keeps its files: the same, unless that is in a store.
    pub home: Utf8PathBuf,
}

impl Whereabouts {
    /// Those of the run with this workdir, which is an absolute path or in a store.
    ///
    /// # Errors
    /// When the environment does not say where a user's state belongs.
    pub fn of(workdir: Location) -> Result<Self, NoHome> {
        let home = of(&workdir)?;
        Ok(Self { workdir, home })
    }
}

/// Where this machine keeps the files of the run with this workdir: there, unless that is in a store.
///
/// # Errors
/// When the environment does not say where a user's state belongs.
pub fn of(workdir: &Location) -> Result<Utf8PathBuf, NoHome> {
    match workdir {
        Location::Local(path) => Ok(path.clone()),
        Location::Stored(place) => {
            let service = state_folder()?.join("xqute").join(place.service().scheme());
            Ok(service.join(place.bucket()).join(folder_name(place.key())))
        }
    }
}

/// The user's folder for what programs keep, as the XDG Base Directory Specification has it.
fn state_folder() -> Result<Utf8PathBuf, NoHome> {
    let absolute = |name: &str| {
        let path = Utf8PathBuf::from(std::env::var(name).ok()?);
        path.is_absolute().then_some(path)
    };
    let home = || Some(absolute("HOME")?.join(".local/state"));
    absolute("XDG_STATE_HOME").or_else(home).ok_or(NoHome)
}

/// The longest name that usual file systems take, less what people may put behind it.
const LONGEST: usize = 240;

/// One name for a key: no key has that of another. Programs that are given paths read a `:` or a `%` as something else, so keys
/// without these become names without them.
fn folder_name(key: &str) -> String {
    use sha2::{Digest as _, Sha256};
    use std::fmt::Write as _;
    if key.is_empty() {
        return "%".to_owned();
    }
    let escaped = key.replace('%', "%25").replace('+', "%2B").replace(':', "%3A");
    let name = escaped.replace('/', "+");
    if name.len() <= LONGEST {
        return name;
    }
    let mut short = String::from("%");
    for byte in Sha256::digest(name.as_bytes()) {
        let _infallible = write!(short, "{byte:02x}");
    }
    let kept = name
        .get(..name.floor_char_boundary(LONGEST - short.len()))
        .unwrap_or_default();
    format!("{kept}{short}")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_key_has_a_folder_of_its_own() {
        let keys = ["", "%", "a/run", "a+run", "a%2Brun", "a%run", "a:run", "a%3Arun"];
        let names: HashSet<String> = keys.into_iter().map(folder_name).collect();
        assert_eq!(names.len(), keys.len());
        assert_eq!(folder_name("a/run"), "a+run");
        let long = "ä".repeat(300);
        assert!(folder_name(&long).len() <= LONGEST);
        assert_ne!(folder_name(&long), folder_name(&format!("{long}x")));
    }

    #[test]
    fn a_folder_is_its_own_home() {
        let here = Location::Local("/data/run".into());
        assert_eq!(of(&here).unwrap(), "/data/run");
    }
}
