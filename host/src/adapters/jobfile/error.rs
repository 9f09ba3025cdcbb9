//! Everything that can be wrong with a job file.

use std::{fmt, io};

use camino::Utf8PathBuf;

use crate::model::job::BadCommand;

/// A job file that cannot be run.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct BadJobFile {
    place: Place,
    problem: Problem,
}

#[derive(Debug)]
struct Place {
    file: String,
    line: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error("there is no such file")]
    Missing,
    #[error("this is a folder, not a job file")]
    Folder,
    #[error("permission denied")]
    Forbidden,
    #[error("cannot be read: {0}")]
    Io(io::Error),
    #[error("`-` is given twice, but can be read only once")]
    StdinTwice,
    #[error("the line has a NUL byte in it, so this is no job file but a binary one")]
    Binary,
    #[error("the line is {0} bytes long; the longest that is taken is {max}", max = super::LONGEST_LINE)]
    LongLine(usize),
    #[error("more jobs than the {max} that a run can number", max = u32::MAX)]
    TooManyJobs,
    #[error("{0}")]
    Command(#[from] BadCommand),
    #[error("unknown key `{}`", key.escape_debug())]
    UnknownKey { key: String, help: String },
    #[error("this is not one JSON object{0}")]
    NoObject(String),
    #[error("{0}")]
    Json(String),
    #[error("the working directory {0} does not exist")]
    NoCwd(Utf8PathBuf),
}

/// A line that is no job.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadLine(pub(super) Problem);

impl BadLine {
    /// What to do next.
    pub fn help(&self) -> Option<String> {
        self.0.help()
    }
}

impl BadJobFile {
    /// About a whole file.
    pub(super) fn new(file: &str, problem: Problem) -> Self {
        let place = Place {
            file: file.to_owned(),
            line: None,
        };
        Self { place, problem }
    }

    /// About one line.
    pub(super) fn at(file: &str, line: usize, problem: Problem) -> Self {
        let place = Place {
            file: file.to_owned(),
            line: Some(line),
        };
        Self { place, problem }
    }

    /// What to do next.
    pub fn help(&self) -> Option<String> {
        self.problem.help()
    }
}

impl Problem {
    /// What to do next.
    fn help(&self) -> Option<String> {
        Some(match self {
            Problem::Missing => "to run a command instead of a job file, put -- in front of it".to_owned(),
            Problem::Folder => "name the job files in it".to_owned(),
            Problem::Binary => "a job file is text: a shell command line on each line".to_owned(),
            Problem::LongLine(_) => "put the long part into a file that the job reads".to_owned(),
            Problem::UnknownKey { help, .. } => help.clone(),
            Problem::NoObject(_) | Problem::Command(_) => {
                "expected on each line of a .jsonl file: {\"cmd\": [\"program\", \"argument\"]} or {\"cmd\": \"shell line\"}"
                    .to_owned()
            }
            Problem::Forbidden
            | Problem::Json(_)
            | Problem::Io(_)
            | Problem::StdinTwice
            | Problem::TooManyJobs
            | Problem::NoCwd(_) => return None,
        })
    }
}
