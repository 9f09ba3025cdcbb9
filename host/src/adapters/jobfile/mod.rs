//! Job files: what users feed. Everything is read and validated before the first job runs, and an error names the file, the
//! line and what was expected there.
//!
//! - this file: several files become one list of job specs;
//! - `source`: bytes of a file or of standard input, and which of the two formats they are in;
//! - `pipe`: standard input, as it comes;
//! - `text`: a shell command line on each line;
//! - `json`: a JSON object on each line;
//! - `command`: commands in JSON;
//! - [`write`](mod@write): a job as such a line;
//! - `jobs`: the jobs, and where each stands;
//! - `error`: everything that can be wrong.
//!
//! Whoever feeds a live run says jobs in the same words: a line at a time, by [`Reader`] and [`write`](mod@write).

use std::path::{Path, PathBuf};

use camino::Utf8PathBuf;

use self::{
    error::Problem,
    source::{Format, Source},
};
pub use self::{
    error::{BadJobFile, BadLine},
    jobs::{Jobs, Places},
    json::Reader,
    pipe::Pipe,
};

mod command;
mod error;
mod jobs;
mod json;
mod pipe;
mod source;
mod text;
pub mod write;

/// The longest line. The limit exists because a file without newlines is not a job file.
const LONGEST_LINE: usize = 4 << 20;

/// What job files are checked against beside their own format.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Relative working directories of jobs are relative to this one.
    pub here: Utf8PathBuf,
    /// Whether a job's working directory must exist on this machine.
    pub cwd_exists: bool,
}

/// Reads all files, in order. `-` is standard input and may come once.
///
/// # Errors
/// When one of them cannot be read, or is no job file.
pub fn read(files: &[PathBuf], rules: &Rules) -> Result<Jobs, BadJobFile> {
    let files = files.iter().map(|file| (file.display().to_string(), file.as_path()));
    read_named(files, rules)
}

/// The same for files that messages call by other names than where they are.
///
/// # Errors
/// As for [`read`].
pub fn read_named<'a>(files: impl IntoIterator<Item = (String, &'a Path)>, rules: &Rules) -> Result<Jobs, BadJobFile> {
    let mut jobs = Jobs::default();
    let mut stdin_seen = false;
    for (name, file) in files {
        let is_stdin = file.as_os_str() == "-";
        if is_stdin && std::mem::replace(&mut stdin_seen, true) {
            return Err(BadJobFile::new("standard input", Problem::StdinTwice));
        }
        let source = if is_stdin {
            Source::stdin()
        } else {
            Source::file(name, file)
        }?;
        parse(&source, rules, &mut jobs)?;
    }
    Ok(jobs)
}

fn parse(source: &Source, rules: &Rules, jobs: &mut Jobs) -> Result<(), BadJobFile> {
    jobs.open(source.name());
    let result = match source.format() {
        Format::Text => text::parse(source.bytes(), jobs),
        Format::Json => json::parse(source.bytes(), rules, jobs),
    };
    result.map_err(|(line, problem)| BadJobFile::at(source.name(), line, problem))?;
    match u32::try_from(jobs.specs.len()) {
        Ok(_) => Ok(()),
        Err(_) => Err(BadJobFile::new(source.name(), Problem::TooManyJobs)),
    }
}

/// Lines with their numbers from 1, without their ends; `\r\n` is an end as well. Refuses what no line may hold.
fn lines(bytes: &[u8]) -> impl Iterator<Item = Result<(usize, &[u8]), (usize, Problem)>> {
    use bstr::ByteSlice as _;
    without_mark(bytes).lines().enumerate().map(|(at, line)| {
        let number = at + 1;
        if line.len() > LONGEST_LINE {
            Err((number, Problem::LongLine(line.len())))
        } else if line.contains(&0) {
            Err((number, Problem::Binary))
        } else {
            Ok((number, line))
        }
    })
}

/// Without the mark that some systems put at the start of a text.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        Rules {
            here: "/".into(),
            cwd_exists: true,
        }
    }

    #[test]
    fn files_are_read_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a.txt"), dir.path().join("b.jsonl"));
        std::fs::write(&a, "echo 1\n# no\n\necho 2").unwrap();
        std::fs::write(&b, "{\"cmd\": [\"echo\", \"3\"]}\n").unwrap();
        let (jobs, places) = read(&[b, a.clone()], &rules()).unwrap().split();
        assert_eq!(places.of(2), Some(format!("{}:4", a.display())));
        let shown: Vec<_> = jobs.iter().map(|job| job.command.to_string()).collect();
        assert_eq!(shown, ["echo 3", "echo 1", "echo 2"]);
    }

    #[test]
    fn every_bad_file_is_named_with_its_reason() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
        write("binary", b"echo 1\n\x7fELF\0\0");
        write("bad.jsonl", b"{\"cmd\": \"true\"}\n\n{\"comand\": \"true\"}\n");
        write("long", &[b"true\n".as_slice(), &vec![b'x'; LONGEST_LINE + 1]].concat());
        std::fs::create_dir(dir.path().join("folder")).unwrap();
        let say = |name: &str| {
            let error = read(&[dir.path().join(name)], &rules()).unwrap_err();
            error.to_string().replace(dir.path().to_str().unwrap(), "DIR")
        };
        insta::assert_snapshot!(say("missing"), @"DIR/missing: there is no such file");
        insta::assert_snapshot!(say("folder"), @"DIR/folder: this is a folder, not a job file");
        insta::assert_snapshot!(say("binary"), @"DIR/binary:2: the line has a NUL byte in it, so this is no job file but a binary one");
        insta::assert_snapshot!(say("bad.jsonl"), @"DIR/bad.jsonl:3: unknown key `comand`");
        insta::assert_snapshot!(say("long"), @"DIR/long:2: the line is 4194305 bytes long; the longest that is taken is 4194304");
    }

    #[test]
    fn standard_input_can_be_read_only_once() {
        // The first is a file, so that the test does not wait for its own standard input.
        let error = BadJobFile::new("standard input", Problem::StdinTwice);
        insta::assert_snapshot!(error.to_string(), @"standard input: `-` is given twice, but can be read only once");
    }

    #[test]
    fn line_ends_and_marks_of_other_systems_are_no_part_of_a_job() {
        let all: Vec<_> = lines(b"\xef\xbb\xbfa\r\nb\n\nc").map(|line| line.unwrap()).collect();
        assert_eq!(all, [(1, b"a".as_slice()), (2, b"b"), (3, b""), (4, b"c")]);
    }
}
