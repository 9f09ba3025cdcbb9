//! A folder that is there for one test.

use camino::{Utf8Path, Utf8PathBuf};

use crate::cli::error::{Failure, Result};

/// A private folder, removed at the end.
pub(super) struct Scratch(Utf8PathBuf);

impl Scratch {
    pub(super) fn new() -> Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        let parent = Utf8PathBuf::from_path_buf(std::env::temp_dir()).unwrap_or_else(|_| "/tmp".into());
        let folder = parent.join(format!("xqute-plugin-test-{}", std::process::id()));
        // It must be new: what others put there would be believed.
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .map_err(|error| Failure::usage(format!("cannot make the folder {folder}: {error}")))?;
        Ok(Self(folder))
    }

    pub(super) fn path(&self) -> &Utf8Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::debug!("{} stays: {error}", self.0);
        }
    }
}
