//! Standard input that jobs come from while they run: read as they come, and never further ahead than somebody asks.

use std::io::{self, BufRead, BufReader, IsTerminal as _, Read, Stdin};

use bstr::ByteSlice as _;
use rustix::fs::{FileType, fstat};

use super::{
    BadJobFile, LONGEST_LINE, Reader, Rules,
    error::Problem,
    source::{Format, look},
    text, without_mark,
};
use crate::model::job::JobSpec;

/// How messages call it.
pub(super) const STDIN: &str = "standard input";

/// Jobs from somebody who may be slow to give them.
pub struct Pipe<R = Stdin> {
    from: BufReader<R>,
    rules: Rules,
    /// Known once something has come.
    format: Option<Format>,
    /// The number of the last line that was read.
    number: usize,
    line: Vec<u8>,
    /// What is wrong with the last line, where those before it were good.
    bad: Option<BadJobFile>,
}

impl Pipe {
    /// Standard input, unless it is a file: those are looked at as a whole before anything runs.
    pub fn stdin(rules: &Rules) -> Option<Self> {
        let stdin = io::stdin();
        let is_file = fstat(&stdin).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile);
        (!is_file || stdin.is_terminal()).then(|| Self::new(stdin, rules))
    }
}

impl<R: Read> Pipe<R> {
    fn new(from: R, rules: &Rules) -> Self {
        Self {
            from: BufReader::with_capacity(64 << 10, from),
            rules: rules.clone(),
            format: None,
            number: 0,
            line: Vec::new(),
            bad: None,
        }
    }

    /// The next jobs: waits for one, then takes what has come with it, at most `most`. None at the end.
    ///
    /// # Errors
    /// When the next line is no job. There are no further ones then.
    pub fn next(&mut self, most: usize) -> Result<Vec<JobSpec>, BadJobFile> {
        if let Some(bad) = self.bad.take() {
            return Err(bad);
        }
        let mut jobs = Vec::new();
        while jobs.len() < most && (jobs.is_empty() || self.from.buffer().contains(&b'\n')) {
            let job = self.read_line().and_then(|there_is| match there_is {
                true => self.job().map(Some),
                false => Ok(None),
            });
            match job {
                Ok(Some(Some(job))) => jobs.push(job),
                Ok(Some(None)) => {}
                Ok(None) => break,
                Err(problem) => {
                    let bad = BadJobFile::at(STDIN, self.number, problem);
                    if jobs.is_empty() {
                        return Err(bad);
                    }
                    self.bad = Some(bad);
                    break;
                }
            }
        }
        Ok(jobs)
    }

    /// Reads a line without its end. False at the end of everything.
    fn read_line(&mut self) -> Result<bool, Problem> {
        self.line.clear();
        let mut some = false;
        loop {
            let piece = match self.from.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                piece => piece?,
            };
            if piece.is_empty() {
                self.number += usize::from(some);
                return Ok(some);
            }
            some = true;
            let end = piece.find_byte(b'\n');
            let (line, _) = piece.split_at(end.unwrap_or(piece.len()));
            let length = self.line.len() + line.len();
            if length > LONGEST_LINE {
                self.number += 1;
                return Err(Problem::LongLine(length));
            }
            self.line.extend_from_slice(line);
            let used = line.len() + usize::from(end.is_some());
            self.from.consume(used);
            if end.is_some() {
                self.number += 1;
                return Ok(true);
            }
        }
    }

    /// The job in the line, if it holds one.
    fn job(&mut self) -> Result<Option<JobSpec>, Problem> {
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        let line = if self.number == 1 { without_mark(line) } else { line };
        if line.contains(&0) {
            return Err(Problem::Binary);
        }
        if line.trim_ascii().is_empty() {
            return Ok(None);
        }
        match self.format.get_or_insert_with(|| look(line)) {
            Format::Text => Ok(text::job(line)),
            Format::Json => Reader::new(&self.rules).read(line).map(Some).map_err(|bad| bad.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pipe(bytes: &[u8]) -> Pipe<&[u8]> {
        let rules = Rules {
            here: "/".into(),
            cwd_exists: false,
        };
        Pipe::new(bytes, &rules)
    }

    fn shown(jobs: &[JobSpec]) -> Vec<String> {
        jobs.iter().map(|job| job.command.to_string()).collect()
    }

    #[test]
    fn a_mark_of_other_systems_is_no_part_of_a_job() {
        let mut text = pipe(b"\xef\xbb\xbfa\r\n\xef\xbb\xbfb\n");
        assert_eq!(shown(&text.next(9).unwrap()), ["a", "\u{feff}b"]);
        let mut json = pipe(b"\xef\xbb\xbf{\"cmd\": \"a\"}\n");
        assert_eq!(shown(&json.next(9).unwrap()), ["a"]);
    }

    #[test]
    fn jobs_come_in_order_and_no_more_than_wanted() {
        let mut pipe = pipe(b"# a remark\n\na\nb\r\nc");
        assert_eq!(shown(&pipe.next(1).unwrap()), ["a"]);
        assert_eq!(shown(&pipe.next(9).unwrap()), ["b"]);
        assert_eq!(shown(&pipe.next(9).unwrap()), ["c"]);
        assert_eq!(pipe.next(9).unwrap(), []);
        assert_eq!(pipe.next(9).unwrap(), []);
    }

    #[test]
    fn the_first_line_says_what_all_are() {
        let mut pipe = pipe(b"{\"cmd\": \"a\"}\n{\"cmd\": [\"b\", \"c\"]}\nno\n");
        assert_eq!(shown(&pipe.next(2).unwrap()), ["a", "b c"]);
        let error = pipe.next(2).unwrap_err();
        insta::assert_snapshot!(error, @"standard input:3: this is not one JSON object");
    }

    #[test]
    fn what_came_before_a_bad_line_is_kept() {
        let mut pipe = pipe(b"a\nb\0\nc\n");
        assert_eq!(shown(&pipe.next(9).unwrap()), ["a"]);
        assert!(pipe.next(9).is_err());
    }

    #[test]
    fn a_line_without_end_is_not_held() {
        let endless = Pipe::new(
            io::repeat(b'x'),
            &Rules {
                here: "/".into(),
                cwd_exists: false,
            },
        )
        .next(1);
        assert!(
            endless
                .unwrap_err()
                .to_string()
                .starts_with("standard input:1: the line is")
        );
    }
}
