//! What one call writes down for later ones, in other instances too: which engine the run uses, and what was checked before
//! its first job.

use xqute_plugin::{Error, kv};

use crate::{engine::Engine, options::Settings};

/// What is the same for all jobs of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) engine: Engine,
    /// Whether ended containers are removed.
    pub(crate) remove: bool,
    /// Who jobs run as if the options do not say it; empty: whoever the image says.
    pub(crate) user: String,
}

impl Note {
    /// Writes it down.
    pub(crate) fn keep(&self, run: &str) -> Result<(), Error> {
        let Self { engine, remove, user } = self;
        kv::set(&format!("{run}/run"), format!("{}|{remove}|{user}", engine.program()))
    }

    /// Reads it; none if this run does not use containers.
    pub(crate) fn of(run: &str) -> Option<Self> {
        let text = kv::text(&format!("{run}/run"))?;
        let mut words = text.splitn(3, '|');
        Some(Self {
            engine: Engine::read(words.next()?).ok()?,
            remove: words.next()? == "true",
            user: words.next()?.to_owned(),
        })
    }

    /// The same, where there must be one.
    pub(crate) fn needed(run: &str) -> Result<Self, Error> {
        Self::of(run).ok_or_else(|| Error::Other(format!("nobody opened the run {run}")))
    }
}

/// The files among the mounted paths, if these settings were found good before.
pub(crate) fn checked(run: &str, settings: &Settings) -> Option<Vec<String>> {
    let text = kv::text(&key(run, settings))?;
    Some(text.lines().map(str::to_owned).collect())
}

/// Remembers that these settings are good.
pub(crate) fn keep_checked(run: &str, settings: &Settings, files: &[String]) -> Result<(), Error> {
    kv::set(&key(run, settings), files.join("\n"))
}

/// Forgets everything about a run that is over.
pub(crate) fn forget(run: &str) {
    for key in kv::keys(&format!("{run}/")) {
        kv::remove(&key);
    }
}

fn key(run: &str, settings: &Settings) -> String {
    let Settings {
        engine,
        image,
        entrypoint,
        volumes,
        folder,
        pull,
        more,
        ..
    } = settings;
    let text = format!("{engine:?} {image:?} {entrypoint:?} {volumes:?} {folder:?} {pull:?} {more:?}");
    format!("{run}/checked/{:016x}", fnv1a(text.as_bytes()))
}

/// FNV-1a: short keys for long settings.
fn fnv1a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::tests::given;
    use xqute_plugin::testing::Host;

    #[test]
    fn notes_last_until_the_run_is_over() {
        let _host = Host::new();
        let note = Note {
            engine: Engine::Podman,
            remove: false,
            user: "1000:1000".to_owned(),
        };
        assert_eq!(Note::of("a"), None);
        note.keep("a").unwrap();
        note.keep("ab").unwrap();
        assert_eq!(Note::of("a"), Some(note.clone()));

        let settings = Settings::read(&given(&[("image", "x")])).unwrap();
        let other = Settings::read(&given(&[("image", "y")])).unwrap();
        let files = ["/a b", "/c"].map(str::to_owned).to_vec();
        keep_checked("a", &settings, &files).unwrap();
        assert_eq!(checked("a", &settings), Some(files));
        assert_eq!(checked("a", &other), None);

        forget("a");
        assert_eq!((Note::of("a"), checked("a", &settings)), (None, None));
        assert_eq!(Note::of("ab"), Some(note));
        assert!(Note::needed("a").is_err());
    }
}
