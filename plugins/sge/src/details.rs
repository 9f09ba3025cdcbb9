//! What `qstat -j` printed → what Grid Engine says about single jobs: their contexts, why tasks are in the error state, why
//! jobs wait. Pure functions.

use std::collections::HashMap;

use crate::task::{Task, number};

/// One job, as `qstat -j` describes it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Details<'a> {
    pub(crate) job: u32,
    pub(crate) context: &'a str,
    /// By the number of the task.
    errors: HashMap<u32, &'a str>,
    scheduling: Vec<&'a str>,
}

/// The arguments that ask about these jobs.
pub(crate) fn argv(jobs: &[u32]) -> Vec<String> {
    let ids: Vec<String> = jobs.iter().map(ToString::to_string).collect();
    vec!["-j".to_owned(), ids.join(",")]
}

/// Reads all jobs that are described.
pub(crate) fn read(text: &str) -> Vec<Details<'_>> {
    let mut all: Vec<Details<'_>> = Vec::new();
    let mut inside = "";
    for line in text.lines() {
        // `KEY  [TASK]:   VALUE`; a line that starts with spaces goes on with the one above, `====` lies between jobs.
        let (key, value) = match line.split_once(':') {
            _ if line.starts_with(' ') => (inside, line.trim()),
            Some((key, value)) => (key.trim_end(), value.trim()),
            None => ("", ""),
        };
        inside = key;
        if key == "job_number" {
            all.extend(number(value).map(|job| Details {
                job,
                ..Details::default()
            }));
        }
        let Some(details) = all.last_mut() else { continue };
        match key {
            "context" => details.context = value,
            "scheduling info" => details.scheduling.push(value),
            _ => {
                if let Some(task) = key.strip_prefix("error reason").and_then(|task| number(task.trim())) {
                    details.errors.insert(task, value);
                }
            }
        }
    }
    all
}

impl Details<'_> {
    /// Why a task could not be started, for users.
    pub(crate) fn error(&self, task: Task) -> String {
        let said = self.errors.get(&task.number).copied().unwrap_or_default();
        // `11/22/2026 23:39:29 [0:12533]: error: can't chdir to ...`
        let why = said.split_once("]: ").map_or(said, |(_, why)| why);
        let why = why.strip_prefix("error: ").unwrap_or(why);
        match why {
            "" => "Grid Engine put it into the error state and gave no reason".to_owned(),
            // The launcher ends like this.
            _ if why.ends_with("exit_status of job start = 100") => {
                "its machine does not see the job's directory, or cannot go to its working directory; job.sge in its \
                 directory may say more"
                    .to_owned()
            }
            _ => format!("Grid Engine could not start it: {why}"),
        }
    }

    /// Why it waits, if Grid Engine says so.
    pub(crate) fn reason(&self) -> Option<String> {
        const MOST: usize = 3;
        const LONGEST: usize = 300;
        // That queues are full, or out of order, is said to all; what is about this job says more.
        let for_all = |line: &&&str| line.starts_with("queue instance");
        let (general, own): (Vec<&&str>, Vec<&&str>) = self.scheduling.iter().partition(|line| for_all(line));
        let lines = if own.is_empty() { general } else { own };
        let text = lines.into_iter().take(MOST).copied().collect::<Vec<_>>().join("; ");
        (!text.is_empty()).then(|| text.chars().take(LONGEST).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(job: u32, number: u32) -> Task {
        Task { job, number }
    }

    /// One real answer of Grid Engine 8.1.9.
    #[test]
    fn a_real_answer_is_understood() {
        let all = read(include_str!("../fixtures/details.txt"));
        let jobs: Vec<u32> = all.iter().map(|details| details.job).collect();
        assert_eq!(jobs, [138, 139, 140, 141, 142]);
        let [runs, broken, launched, held, never] = &all[..] else {
            unreachable!()
        };
        assert_eq!(runs.context, "a=b,xqute=5f0c2a9be1d40713:1:4-5+9");
        assert_eq!(runs.reason(), None);
        for number in [1, 2] {
            assert_eq!(
                broken.error(task(139, number)),
                "Grid Engine could not start it: can't chdir to /nonexistent: No such file or directory"
            );
        }
        assert!(launched.error(task(140, 1)).starts_with("its machine does not see"));
        assert_eq!(held.reason().unwrap(), "Job is in hold state");
        assert_eq!(
            never.reason().unwrap(),
            "cannot run in PE \"smp\" because it only offers 0 slots"
        );
    }

    #[test]
    fn a_job_that_is_unknown_is_not_described() {
        assert_eq!(read("Following jobs do not exist: \n9999, 8888\n"), []);
        assert_eq!(read(""), []);
    }

    #[test]
    fn reasons_are_sentences() {
        let text = "job_number: 7\nerror reason          1:      11/22/2026 23:39:29 [0:12533]: error: can't chdir to /x: No \
                    such file or directory\nerror reason          2:      11/22/2026 23:47:58 [0:25787]: exit_status of job \
                    start = 100\n";
        let details = &read(text)[0];
        assert_eq!(
            details.error(task(7, 1)),
            "Grid Engine could not start it: can't chdir to /x: No such file or directory"
        );
        assert!(details.error(task(7, 2)).starts_with("its machine does not see"));
        assert!(details.error(task(7, 3)).ends_with("gave no reason"));
        assert_eq!(details.reason(), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_gives_an_answer(text in ".*", wanted: u32) {
            for details in read(&format!("job_number: 7\nerror reason {text}\ncontext: {text}")) {
                let _any = (details.error(task(7, wanted)), details.reason());
            }
        }
    }
}
