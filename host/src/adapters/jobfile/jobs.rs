//! What was read: jobs in order, and where each stands.

use crate::model::job::JobSpec;

/// Jobs of all files.
#[derive(Debug, Default)]
pub struct Jobs {
    pub(super) specs: Vec<JobSpec>,
    places: Places,
}

/// Where each job stands, for what turns out to be wrong with it later.
#[derive(Debug, Default)]
pub struct Places {
    /// The name of each file, and how many jobs were read before it.
    files: Vec<(usize, String)>,
    /// The line of each job in its file.
    lines: Vec<u32>,
}

impl Jobs {
    /// Jobs that are pushed from now on stand in this file.
    pub(super) fn open(&mut self, file: &str) {
        self.places.files.push((self.specs.len(), file.to_owned()));
    }

    /// Adds a job and says in which line it stands.
    pub(super) fn push(&mut self, line: usize, job: JobSpec) {
        self.specs.push(job);
        self.places.lines.push(u32::try_from(line).unwrap_or(u32::MAX));
    }

    /// The jobs by themselves, and where they stand.
    pub fn split(self) -> (Vec<JobSpec>, Places) {
        (self.specs, self.places)
    }
}

impl Places {
    /// The file and line of a job; none for one that was not read from a file.
    pub fn of(&self, job: usize) -> Option<String> {
        let line = self.lines.get(job)?;
        let (_, file) = self.files.iter().rfind(|(first, _)| *first <= job)?;
        Some(format!("{file}:{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_job_is_found_again() {
        let mut jobs = Jobs::default();
        for (file, lines) in [("a", vec![2, 5]), ("empty", vec![]), ("b", vec![1])] {
            jobs.open(file);
            lines.into_iter().for_each(|line| jobs.push(line, "true".into()));
        }
        let (specs, places) = jobs.split();
        let places: Vec<_> = (0..4).map(|job| places.of(job)).collect();
        assert_eq!(specs.len(), 3);
        assert_eq!(
            places,
            [Some("a:2".into()), Some("a:5".into()), Some("b:1".into()), None]
        );
    }
}
