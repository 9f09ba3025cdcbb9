//! What a job of a run writes to a store, brought to a folder of this machine as it grows, under the names that it has in a
//! workdir.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::DirBuilderExt as _,
};

use camino::{Utf8Path, Utf8PathBuf};

use super::{Folder, StoreError, Trouble};
use crate::{
    adapters::workdir::{
        names::{RC, RETRY},
        output::Stream,
    },
    model::job::{Attempt, JobIndex},
};

/// What is fetched at once.
const PIECE: usize = 4 << 20;

/// One output of one attempt. The folder is removed when this is dropped.
#[derive(Debug)]
pub struct Pull {
    folder: Folder,
    job: JobIndex,
    attempt: Attempt,
    stream: Stream,
    here: Utf8PathBuf,
    file: Option<File>,
    have: u64,
}

impl Pull {
    /// Nothing of it is here yet.
    ///
    /// # Errors
    /// When there is no room for it in the system's folder for such files.
    pub fn new(folder: Folder, job: JobIndex, attempt: Attempt, stream: Stream) -> io::Result<Self> {
        let name = format!("xqute-logs-{}", std::process::id());
        let here = Utf8PathBuf::try_from(std::env::temp_dir().join(name)).map_err(io::Error::other)?;
        DirBuilder::new().mode(0o700).create(&here)?;
        let pull = Self {
            folder,
            job,
            attempt,
            stream,
            here,
            file: None,
            have: 0,
        };
        fs::create_dir(pull.here.join(job.to_string()))?;
        Ok(pull)
    }

    /// What stands here for the workdir.
    pub fn workdir(&self) -> &Utf8Path {
        &self.here
    }

    /// Brings all that there is by now; at the end the sign that the attempt has left an exit code, if it has.
    ///
    /// # Errors
    /// When the store does not give it, or there is no room for it.
    pub async fn bring(&mut self) -> Result<(), StoreError> {
        // An attempt that was followed by another one is moved aside.
        let aside = format!("{}/{RETRY}/{}", self.job, self.attempt);
        let name = self.stream.file();
        let is_over = self.folder.exists(&format!("{aside}/{RC}")).await?;
        let from = match is_over {
            true => aside,
            false => self.job.to_string(),
        };
        let has_rc = is_over || self.folder.exists(&format!("{from}/{RC}")).await?;
        while self.bring_piece(&format!("{from}/{name}")).await? {}
        if has_rc {
            self.write(|here| File::create(here.join(RC)).map(drop))?;
        }
        Ok(())
    }

    /// Whether there may be more.
    async fn bring_piece(&mut self, object: &str) -> Result<bool, StoreError> {
        let piece = match self.folder.read_from(object, self.have, PIECE).await {
            Err(error) if error.trouble == Trouble::NotFound => return Ok(false),
            piece => piece?,
        };
        let mut file = self.file.take();
        let name = self.stream.file();
        self.write(|here| {
            if file.is_none() {
                file = Some(OpenOptions::new().create(true).append(true).open(here.join(name))?);
            }
            file.as_mut().map_or(Ok(()), |file| file.write_all(&piece))
        })?;
        self.file = file;
        self.have += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        Ok(piece.len() == PIECE)
    }

    fn write(&self, write: impl FnOnce(&Utf8Path) -> io::Result<()>) -> Result<(), StoreError> {
        let job = self.job.to_string();
        write(&self.here.join(&job)).map_err(|error| self.folder.file_error("fetch", &job, &error))
    }
}

impl Drop for Pull {
    fn drop(&mut self) {
        let _nobody_needs_it = fs::remove_dir_all(&self.here);
    }
}
