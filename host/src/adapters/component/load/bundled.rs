//! Plugins that came with this executable. `bundled.toml` beside them lists their digests:
//!
//! ```toml
//! [[plugin]]
//! name = "slurm"
//! sha256 = "..."
//! ```
//!
//! A file from that folder whose digest is listed may do everything that it asks for, unless the user says how much of it.
//! The folder belongs to whoever installed the executable; who can write there can replace xqute itself.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;

/// What `bundled.toml` lists.
#[derive(Debug, Default)]
pub(super) struct Bundled {
    digests: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Listing {
    #[serde(default)]
    plugin: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    sha256: String,
}

impl Bundled {
    /// Reads the listing of a folder. One that is missing or broken grants nothing.
    pub(super) fn read(folder: &Path) -> Self {
        let path = folder.join("bundled.toml");
        let Ok(text) = fs::read_to_string(&path) else {
            return Self::default();
        };
        match toml::from_str::<Listing>(&text) {
            Ok(listing) => Self {
                digests: listing
                    .plugin
                    .into_iter()
                    .map(|entry| (entry.sha256.to_lowercase(), entry.name))
                    .collect(),
            },
            Err(error) => {
                tracing::warn!(
                    "{} is ignored, so bundled plugins are granted nothing: {error}",
                    path.display()
                );
                Self::default()
            }
        }
    }

    /// Whether this very plugin is listed.
    pub(super) fn has(&self, name: &str, digest: &str) -> bool {
        self.digests.get(digest).is_some_and(|listed| listed == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_listed_is_trusted() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join("bundled.toml"),
            "[[plugin]]\nname = \"slurm\"\nsha256 = \"AB01\"\n",
        )
        .unwrap();
        let bundled = Bundled::read(folder.path());
        assert!(bundled.has("slurm", "ab01"));
        assert!(!bundled.has("slurm", "ab02"));
        assert!(!bundled.has("other", "ab01"));
    }

    #[test]
    fn a_broken_listing_trusts_nobody() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!Bundled::read(folder.path()).has("slurm", "ab01"));
        fs::write(folder.path().join("bundled.toml"), "[[plugin]]\nname = 1\n").unwrap();
        assert!(!Bundled::read(folder.path()).has("slurm", "ab01"));
    }
}
