//! Writes lines to a file by a thread of its own: whoever has some to write waits only when a lot of them do, and no longer
//! than is worth it. What stands in the lines is decided elsewhere.

use std::{
    fs::File,
    io::{self, Write as _},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// How much may wait to be written, in bytes. A reader that is further behind is waited for.
const ROOM: usize = 1 << 20;

/// How long a file that nobody waits for any more may take for what is left. Much more than a disk needs.
const GRACE: Duration = Duration::from_secs(2);

/// Writes lines to a file.
#[derive(Debug)]
pub(super) struct Pen(Arc<Desk>);

/// Where those who have lines and the thread that writes them meet.
#[derive(Debug, Default)]
struct Desk {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Lines that have not been taken by the thread.
    waiting: Vec<u8>,
    /// The thread has the file.
    working: bool,
    /// No more lines come.
    over: bool,
    /// A reader that stalls is not waited for.
    hurried: bool,
    failed: Option<io::Error>,
}

/// Sees to it that nobody waits for a reader that takes nothing.
#[derive(Clone, Debug)]
pub struct Hurry(Arc<Desk>);

impl Hurry {
    /// From now on lines wait for their reader, and nobody for the lines. At the end they get a moment.
    pub fn hurry(&self) {
        self.0.state().hurried = true;
        self.0.changed.notify_all();
    }
}

/// Why not all lines are written.
#[derive(Debug)]
pub(super) enum Unwritten {
    /// Writing failed.
    Failed(io::Error),
    /// Nobody took them.
    Left,
}

impl Pen {
    /// A pen without a file.
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    /// A way to have an end of waiting.
    pub(super) fn hurry(&self) -> Hurry {
        Hurry(self.0.clone())
    }

    /// Starts to write to this file. Calls `failed` when that does not work any more.
    pub(super) fn start(&self, file: File, failed: impl FnOnce(&io::Error) + Send + 'static) -> io::Result<()> {
        let desk = self.0.clone();
        let work = move || {
            // The file is closed when this returns.
            let error = desk.work(file).err();
            if let Some(error) = &error {
                failed(error);
            }
            desk.close(error);
        };
        self.0.state().working = true;
        let started = thread::Builder::new().name("events".to_owned()).spawn(work);
        self.0.state().working &= started.is_ok();
        started.map(|_| ())
    }

    /// Leaves lines to be written, each with its end. When writing has failed, nothing more is written.
    pub(super) fn write(&self, lines: &[u8]) {
        let is_full = |state: &mut State| state.waiting.len() > ROOM && !state.hurried && state.failed.is_none();
        let mut state = self.0.wait_while(is_full);
        if state.failed.is_none() {
            state.waiting.extend_from_slice(lines);
            drop(state);
            self.0.changed.notify_all();
        }
    }

    /// Waits until everything is written and the file is closed.
    pub(super) fn finish(&self) -> Result<(), Unwritten> {
        self.0.state().over = true;
        self.0.changed.notify_all();
        let state = self.0.wait_while(|state| state.working && !state.hurried);
        let waited = self.0.changed.wait_timeout_while(state, GRACE, |state| state.working);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match state.failed.take() {
            Some(error) => Err(Unwritten::Failed(error)),
            None if state.working => Err(Unwritten::Left),
            None => Ok(()),
        }
    }
}

impl Drop for Pen {
    /// The thread ends with its last line.
    fn drop(&mut self) {
        self.0.state().over = true;
        self.0.changed.notify_all();
    }
}

impl Desk {
    fn work(&self, mut file: File) -> io::Result<()> {
        let mut lines = Vec::new();
        loop {
            let mut state = self.wait_while(|state| state.waiting.is_empty() && !state.over);
            if state.waiting.is_empty() {
                return Ok(());
            }
            std::mem::swap(&mut state.waiting, &mut lines);
            drop(state);
            self.changed.notify_all();
            file.write_all(&lines)?;
            lines.clear();
        }
    }

    fn close(&self, failed: Option<io::Error>) {
        let mut state = self.state();
        state.working = false;
        state.failed = failed;
        drop(state);
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_while(&self, holds: impl FnMut(&mut State) -> bool) -> MutexGuard<'_, State> {
        let waited = self.changed.wait_while(self.state(), holds);
        waited.unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, pipe};

    use super::*;

    /// More than a pipe holds, and more than may wait.
    fn many() -> Vec<u8> {
        b"line\n".repeat(ROOM)
    }

    fn pen() -> (Pen, std::io::PipeReader) {
        let (reader, writer) = pipe().unwrap();
        let pen = Pen::new();
        pen.start(File::from(std::os::fd::OwnedFd::from(writer)), |_| {})
            .unwrap();
        (pen, reader)
    }

    #[test]
    fn a_slow_reader_gets_everything() {
        let (pen, mut reader) = pen();
        let writing = thread::spawn(move || {
            (0..3).for_each(|_| pen.write(&many()));
            pen.finish().unwrap();
        });
        let mut read = Vec::new();
        reader.read_to_end(&mut read).unwrap();
        writing.join().unwrap();
        assert!(read == many().repeat(3));
    }

    #[test]
    fn a_reader_that_stalls_is_not_waited_for_by_those_in_a_hurry() {
        let (pen, _reader) = pen();
        let hurry = pen.hurry();
        let writing = thread::spawn(move || {
            (0..3).for_each(|_| pen.write(&many()));
            pen.finish()
        });
        hurry.hurry();
        assert!(matches!(writing.join().unwrap(), Err(Unwritten::Left)));
    }

    #[test]
    fn a_hurry_loses_nothing_that_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lines");
        let pen = Pen::new();
        pen.start(File::create(&path).unwrap(), |_| {}).unwrap();
        pen.hurry().hurry();
        (0..3).for_each(|_| pen.write(b"line\n"));
        pen.finish().unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "line\n".repeat(3));
    }

    #[test]
    fn a_reader_that_goes_away_is_an_error() {
        let (pen, reader) = pen();
        drop(reader);
        (0..3).for_each(|_| pen.write(&many()));
        assert!(matches!(pen.finish(), Err(Unwritten::Failed(error)) if error.kind() == io::ErrorKind::BrokenPipe));
    }
}
