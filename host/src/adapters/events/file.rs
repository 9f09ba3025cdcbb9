//! The file that events go to. It is opened and locked before anything runs, and nothing of it is changed before the run
//! starts. From then on every write has whole lines, for whoever reads along.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use super::{
    line::{self, MARK, Totals, VERSION},
    pen::{Hurry, Pen, Unwritten},
};
use crate::{
    adapters::{
        lock::{NotLocked, lock},
        state::row::RunRow,
    },
    model::record::{Entry, Timestamp},
};

/// What happens to the lines that the file has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// They are replaced, as a shell's `>` does.
    Anew,
    /// They stay; a last line that a crash cut off is removed. For runs that are resumed.
    Continued,
}

/// Writes what happens in a run to a file. When that fails, nothing further is written, the run goes on, and
/// [`finish`](Self::finish) says so.
#[derive(Debug)]
pub struct EventsFile {
    /// Until the run begins.
    file: Option<File>,
    pen: Pen,
    path: PathBuf,
    start: Start,
    /// Nothing was there before, nor since.
    is_new: bool,
    prefix: String,
    lines: Vec<u8>,
    failed: Option<io::Error>,
}

/// Why events cannot be written.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it; the path is the file's")]
pub enum EventsError {
    #[error("cannot write events to `{}`: {source}; name another file with `--events FILE`", path.display())]
    Unusable { path: PathBuf, source: io::Error },
    #[error(
        "`{}` is not a file of events, and writing events to it would destroy it; name another file with `--events FILE`, \
         or remove it",
        path.display()
    )]
    Foreign { path: PathBuf },
    #[error(
        "`{}` has events in another format than version {VERSION}, which this xqute writes; name another file with \
         `--events FILE`",
        path.display()
    )]
    OtherVersion { path: PathBuf },
    #[error("another xqute writes events to `{}`; wait for its end or name another file with `--events FILE`", path.display())]
    Busy { path: PathBuf },
    #[error("the events in `{}` are not complete, because writing them failed: {source}", path.display())]
    Incomplete { path: PathBuf, source: io::Error },
    #[error(
        "the events in `{}` are not complete, because nobody took the last of them before the run was told once more to end",
        path.display()
    )]
    NotTaken { path: PathBuf },
}

impl EventsFile {
    /// Opens the file, and creates it if it is missing. Nothing of it changes before [`begin`](Self::begin).
    ///
    /// # Errors
    /// When nothing can be written there, when there is something else already, or when another run writes to it.
    pub fn open(path: &Path, start: Start) -> Result<Self, EventsError> {
        let unusable = |source| EventsError::Unusable {
            path: path.to_owned(),
            source,
        };
        let is_new = path.symlink_metadata().is_err();
        let file = open(path).map_err(unusable)?;
        // Pipes and devices have neither locks of their own nor contents.
        if file.metadata().map_err(unusable)?.is_file() {
            lock(&file).map_err(|error| match error {
                NotLocked::Busy(_) => EventsError::Busy { path: path.to_owned() },
                NotLocked::Io(source) => unusable(source),
            })?;
            check(path, start)?;
        }
        Ok(Self {
            file: Some(file),
            pen: Pen::new(),
            path: path.to_owned(),
            start,
            is_new,
            prefix: String::new(),
            lines: Vec::new(),
            failed: None,
        })
    }

    /// The run starts, or goes on. Jobs without names of their own are called after the prefix and their index.
    pub fn begin(&mut self, run: &RunRow, prefix: &str, at: Timestamp) {
        self.is_new = false;
        prefix.clone_into(&mut self.prefix);
        if let Some(file) = self.file.take()
            && let Err(error) = self.start(file)
        {
            warn(&self.path, &error);
            self.failed = Some(error);
        }
        self.write(|lines, _| line::head(lines, run, at));
    }

    /// This happened, and is recorded.
    pub fn recorded(&mut self, entries: &[Entry]) {
        self.write(|lines, prefix| entries.iter().try_for_each(|entry| line::entry(lines, entry, prefix)));
    }

    /// A way to have an end of waiting for whoever reads the events.
    pub fn hurry(&self) -> Hurry {
        self.pen.hurry()
    }

    /// The run is over.
    pub fn over(&mut self, totals: &Totals, at: Timestamp) {
        self.write(|lines, _| line::over(lines, totals, at));
    }

    /// Waits until everything is written, and closes the file.
    ///
    /// # Errors
    /// When something could not be written, then or earlier.
    pub fn finish(mut self) -> Result<(), EventsError> {
        let written = self.pen.finish();
        let path = || self.path.clone();
        match (self.failed.take(), written) {
            (None, Ok(())) => Ok(()),
            (Some(source), _) | (None, Err(Unwritten::Failed(source))) => {
                Err(EventsError::Incomplete { path: path(), source })
            }
            (None, Err(Unwritten::Left)) => Err(EventsError::NotTaken { path: path() }),
        }
    }

    /// Leaves of earlier lines what is to stay, and is ready to write.
    fn start(&self, file: File) -> io::Result<()> {
        if file.metadata()?.is_file() {
            let kept = match self.start {
                Start::Anew => 0,
                Start::Continued => whole_lines(&File::open(&self.path)?)?,
            };
            file.set_len(kept)?;
        }
        let path = self.path.clone();
        self.pen.start(file, move |error| warn(&path, error))
    }

    fn write(&mut self, encode: impl FnOnce(&mut Vec<u8>, &str) -> io::Result<()>) {
        if self.failed.is_some() {
            return;
        }
        self.lines.clear();
        match encode(&mut self.lines, &self.prefix) {
            Ok(()) => self.pen.write(&self.lines),
            Err(error) => {
                warn(&self.path, &error);
                self.failed = Some(error);
            }
        }
    }
}

fn warn(path: &Path, error: &io::Error) {
    tracing::warn!("cannot write events to `{}` any more: {error}", path.display());
}

impl Drop for EventsFile {
    /// A run that never started leaves nothing behind.
    fn drop(&mut self) {
        if self.is_new {
            let _nobody_to_tell = std::fs::remove_file(&self.path);
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let opened = OpenOptions::new().append(true).create(true).open(path);
    match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(io::Error::new(error.kind(), "there is no such folder"))
        }
        opened => opened,
    }
}

/// Makes sure that what the file holds may be replaced or continued.
fn check(path: &Path, start: Start) -> Result<(), EventsError> {
    let here = || path.to_owned();
    let mut first = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MARK.len() as u64 + 12).read_to_end(&mut first))
        .map_err(|source| EventsError::Unusable { path: here(), source })?;
    let known = first.get(..MARK.len()).unwrap_or(&first);
    if !MARK.as_bytes().starts_with(known) {
        return Err(EventsError::Foreign { path: here() });
    }
    let complete = first.len() > MARK.len();
    let ours = first.starts_with(format!("{MARK}{VERSION},").as_bytes());
    if start == Start::Continued && complete && !ours {
        return Err(EventsError::OtherVersion { path: here() });
    }
    Ok(())
}

/// How much of a file is lines that have their end.
fn whole_lines(mut file: &File) -> io::Result<u64> {
    const STEP: u64 = 64 * 1024;
    let mut end = file.metadata()?.len();
    let mut part = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(STEP);
        file.seek(SeekFrom::Start(start))?;
        part.clear();
        file.take(end - start).read_to_end(&mut part)?;
        if let Some(at) = part.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}
