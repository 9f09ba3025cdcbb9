//! Which jobs the store has in full, so that a run which goes on copies what was not copied, and nothing else.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{self, Write as _},
};

use camino::Utf8Path;

use crate::model::job::{Attempt, JobIndex};

/// The file, beside the job directories: on each line a job and the attempt that was its last.
const FILE: &str = "run.mirrored";

/// The file, open to be continued.
#[derive(Debug)]
pub(super) struct Ledger(File);

impl Ledger {
    /// A new one, whatever was there before.
    pub(super) fn create(home: &Utf8Path) -> io::Result<Self> {
        File::create(home.join(FILE)).map(Self)
    }

    /// The one that is there, if there is one, and what it says. The end of a line that was cut off says nothing, and
    /// neither does what is said behind it on the same line.
    pub(super) fn open(home: &Utf8Path) -> io::Result<(Self, HashMap<JobIndex, Attempt>)> {
        let path = home.join(FILE);
        let mut file = OpenOptions::new().append(true).create(true).open(&path)?;
        let text = std::fs::read_to_string(&path)?;
        if !text.is_empty() && !text.ends_with('\n') {
            file.write_all(b"?\n")?;
        }
        Ok((Self(file), text.split_inclusive('\n').filter_map(entry).collect()))
    }

    pub(super) fn add(&mut self, job: JobIndex, attempt: Attempt) -> io::Result<()> {
        self.0.write_all(format!("{job} {attempt}\n").as_bytes())
    }
}

fn entry(line: &str) -> Option<(JobIndex, Attempt)> {
    let (job, attempt) = line.strip_suffix('\n')?.split_once(' ')?;
    Some((JobIndex(job.parse().ok()?), Attempt::new(attempt.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_off_says_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let home = Utf8Path::from_path(dir.path()).unwrap();
        let said = || Ledger::open(home).unwrap().1;
        assert!(said().is_empty());
        let (mut ledger, _) = Ledger::open(home).unwrap();
        ledger.add(JobIndex(7), Attempt::FIRST).unwrap();
        ledger.add(JobIndex(7), Attempt::FIRST.next()).unwrap();
        ledger.0.write_all(b"12 1").unwrap();
        let known = HashMap::from([(JobIndex(7), Attempt::FIRST.next())]);
        assert_eq!(said(), known);
        Ledger::open(home).unwrap().0.add(JobIndex(3), Attempt::FIRST).unwrap();
        assert_eq!(said().len(), 2);
        Ledger::create(home).unwrap();
        assert!(said().is_empty());
    }
}
