//! The file in which the calls of a plugin are written down, and read again.
//!
//! It has lines of JSON. The first line is its [`Title`]; each further one is a [`RecordedCall`]: a call of the host, what the
//! plugin asked of the host before it answered (programs that it ran, values that it kept), and the answer. Files, sockets
//! and clocks of WASI are not in it. The `tape` is what the host answers with: the world, or such a file.

pub(super) mod tape;

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of the format.
const VERSION: u32 = 1;

/// The first line of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Title {
    /// The version of the format.
    pub xqute_recording: u32,
    /// The plugin that was recorded.
    pub plugin: String,
    /// Its version.
    pub version: String,
}

impl Title {
    /// The title of a recording of this plugin.
    pub fn new(plugin: &str, version: &str) -> Self {
        Self {
            xqute_recording: VERSION,
            plugin: plugin.to_owned(),
            version: version.to_owned(),
        }
    }
}

/// A call of the host, as it went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedCall {
    /// Which of the plugin's instances was called.
    pub instance: u32,
    /// The function, `interface.name`.
    pub call: String,
    /// Its parameters, in order.
    pub params: Value,
    /// What the plugin asked of the host meanwhile, in order.
    pub asked: Vec<Asked>,
    /// How it ended.
    #[serde(flatten)]
    pub answer: Answered,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answered {
    /// With this answer.
    Answer(Value),
    /// It failed, and this is why.
    Failure(String),
}

/// Something that a plugin asked of the host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The function, `interface.name`.
    pub ask: String,
    /// Its parameters.
    pub params: Value,
    /// What the host said.
    pub said: Value,
}

/// Writes a recording.
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    /// `None` after it broke.
    file: Mutex<Option<File>>,
}

impl Recorder {
    /// Starts a new file, which only its owner may read: there is no telling what a backend says.
    ///
    /// # Errors
    /// When it exists already, or cannot be written.
    pub fn create(path: &Path, title: &Title) -> io::Result<Self> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        write_line(&mut file, title)?;
        Ok(Self {
            path: path.to_owned(),
            file: Mutex::new(Some(file)),
        })
    }

    /// Adds a call. A recording that breaks is given up, with a warning; the run goes on.
    pub(super) fn write(&self, call: &RecordedCall) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = file.as_mut() else { return };
        if let Err(error) = write_line(open, call) {
            tracing::warn!("the recording {} ends here: {error}", self.path.display());
            *file = None;
        }
    }
}

/// In one piece, so that a reader never sees half a line of somebody who goes on.
fn write_line(file: &mut File, line: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    file.write_all(&text)
}

/// A recording that was read.
#[derive(Clone, Debug)]
pub struct Recording {
    /// What it is of.
    pub title: Title,
    /// Its calls, in order.
    pub calls: Vec<RecordedCall>,
}

/// A recording that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadRecording {
    /// It cannot be read.
    #[error("cannot read the recording {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A line is no such line.
    #[error("{}, line {line}: {why}; a recording is what `xqute run --record PLUGIN=FILE` writes", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
}

impl Recording {
    /// Reads a recording.
    ///
    /// # Errors
    /// When it cannot be read, or a line is no such line.
    pub fn read(path: &Path) -> Result<Self, BadRecording> {
        let io = |source| BadRecording::Io {
            path: path.to_owned(),
            source,
        };
        let bad = |line, why: String| BadRecording::Line {
            path: path.to_owned(),
            line,
            why,
        };
        let mut lines = BufReader::new(File::open(path).map_err(io)?).lines();
        let first = lines.next().transpose().map_err(io)?.unwrap_or_default();
        let title: Title = serde_json::from_str(&first).map_err(|error| bad(1, error.to_string()))?;
        if title.xqute_recording != VERSION {
            let why = format!(
                "its format has version {}, this xqute reads {VERSION}",
                title.xqute_recording
            );
            return Err(bad(1, why));
        }
        let mut calls = Vec::new();
        for (at, line) in lines.enumerate() {
            let line = line.map_err(io)?;
            calls.push(serde_json::from_str(&line).map_err(|error| bad(at + 2, error.to_string()))?);
        }
        Ok(Self { title, calls })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_recording_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.jsonl");
        let title = Title::new("p", "1.0");
        let recorder = Recorder::create(&path, &title).unwrap();
        let call = RecordedCall {
            instance: 3,
            call: "scheduler.poll".to_owned(),
            params: json!([[{"index": 1}]]),
            asked: vec![Asked {
                ask: "process.run".to_owned(),
                params: json!(["squeue"]),
                said: json!(1),
            }],
            answer: Answered::Answer(json!([{"Ok": ["Running"]}])),
        };
        recorder.write(&call);
        let failed = RecordedCall {
            answer: Answered::Failure("it crashed".to_owned()),
            ..call.clone()
        };
        recorder.write(&failed);
        let read = Recording::read(&path).unwrap();
        assert_eq!((read.title, read.calls), (title.clone(), vec![call, failed]));
        assert!(Recorder::create(&path, &title).is_err(), "nothing is overwritten");
    }

    #[test]
    fn what_is_no_recording_is_said_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.jsonl");
        let say = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Recording::read(&path).unwrap_err().to_string()
        };
        assert!(say("").contains("line 1: "));
        assert!(say("{\"xqute_recording\":9,\"plugin\":\"p\",\"version\":\"1\"}").contains("version 9"));
        assert!(
            say("{\"xqute_recording\":1,\"plugin\":\"p\",\"version\":\"1\"}\n{}").contains("line 2: missing field")
        );
    }
}
