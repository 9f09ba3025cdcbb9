//! What `qstat -xml` printed → the tasks that Grid Engine has not done with, and their states. Pure functions.
//!
//! This is no reader for any XML, but for what this one program writes: a flat list of flat elements.

use std::collections::HashMap;

use crate::task::{Task, Tasks, number};
use xqute_plugin::Error;

/// The tasks in Grid Engine's hands.
#[derive(Debug, Default)]
pub(crate) struct Queue<'a>(HashMap<u32, Vec<(Tasks, State<'a>)>>);

/// The letters by which Grid Engine writes a state: `qw`, `r`, `dr`, `Eqw`. Meanings: sge_status(5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State<'a>(&'a str);

impl<'a> Queue<'a> {
    /// Reads the whole answer; one that was cut short says nothing about the jobs that are missing.
    pub(crate) fn read(xml: &'a str) -> Result<Self, Error> {
        if !xml.trim_end().ends_with("</job_info>") {
            return Err(Error::Unavailable(
                "qstat did not write a whole list of jobs".to_owned(),
            ));
        }
        let mut queue = Self::default();
        for entry in xml.split("<job_list").skip(1) {
            let entry = entry.split("</job_list>").next().unwrap_or_default();
            let (Some(job), Some(state)) = (field(entry, "JB_job_number").and_then(number), field(entry, "state"))
            else {
                continue;
            };
            // A job that is no array counts as one with one task.
            let tasks = Tasks::read(field(entry, "tasks").unwrap_or("1"));
            queue.0.entry(job).or_default().push((tasks, State(state)));
        }
        Ok(queue)
    }

    /// The state of a task; none if Grid Engine has done with it.
    pub(crate) fn state(&self, task: Task) -> Option<State<'a>> {
        let entries = self.0.get(&task.job)?;
        let (_, state) = entries.iter().find(|(tasks, _)| tasks.has(task.number))?;
        Some(*state)
    }

    /// All jobs in the list, in order, each with the number of lines that it had.
    pub(crate) fn jobs(&self) -> Vec<(u32, usize)> {
        let mut jobs: Vec<_> = self.0.iter().map(|(job, entries)| (*job, entries.len())).collect();
        jobs.sort_unstable();
        jobs
    }
}

impl State<'_> {
    /// Waits in the error state, for ever if nobody does something about it.
    pub(crate) fn is_error(self) -> bool {
        self.0.contains('E')
    }

    pub(crate) fn is_over(self) -> bool {
        self.0.contains('z')
    }

    pub(crate) fn waits(self) -> bool {
        self.0.contains('w') || self.0.contains('q')
    }

    pub(crate) fn is_held(self) -> bool {
        self.0.contains('h')
    }

    pub(crate) fn waits_again(self) -> bool {
        self.0.contains('R') && self.waits()
    }
}

fn field<'a>(entry: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = entry.split_once(&format!("<{name}>"))?;
    let (value, _) = rest.split_once(&format!("</{name}>"))?;
    Some(value.trim()).filter(|value| !value.is_empty())
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
        let queue = Queue::read(include_str!("../fixtures/poll-states.xml")).unwrap();
        let seen = |job, number| queue.state(task(job, number)).map(|state| state.0);
        let expected = [
            (138, [Some("r"), Some("dr"), Some("r"), None]),
            (139, [Some("Eqw"), Some("Eqw"), None, None]),
            (140, [Some("Eqw"), None, None, None]),
            (141, [Some("hqw"); 4]),
            (142, [Some("qw"), None, None, None]),
            (143, [Some("hqw"), None, None, None]),
            (144, [Some("s"), None, None, None]),
            (145, [Some("dr"), None, None, None]),
            (999, [None; 4]),
        ];
        for (job, states) in expected {
            assert_eq!([1, 2, 3, 4].map(|number| seen(job, number)), states, "{job}");
        }
        assert_eq!(queue.jobs()[..2], [(138, 3), (139, 1)]);
    }

    #[test]
    fn half_an_answer_is_none() {
        let whole = include_str!("../fixtures/poll-states.xml");
        for length in [0, 1, whole.len() / 2, whole.len() - 20] {
            assert!(Queue::read(&whole[..length]).is_err());
        }
    }

    #[test]
    fn states_are_told_apart() {
        for state in ["qw", "hqw", "Rq", "hRwq", "Eqw"] {
            assert!(State(state).waits(), "{state}");
        }
        for state in ["r", "t", "Rr", "dr", "s", "S", "T", "dRt", "hr"] {
            assert!(!State(state).waits() && !State(state).is_error(), "{state}");
        }
        assert!(State("Eqw").is_error() && State("EhRqw").is_error());
        assert!(State("hqw").is_held() && State("Rq").waits_again() && !State("Rr").waits_again());
        assert!(State("z").is_over());
    }

    proptest::proptest! {
        #[test]
        fn any_text_gives_an_answer(text in ".*", job: u32, number: u32) {
            let whole = format!("<job_list{text}</job_list></job_info>");
            let _any = Queue::read(&whole).unwrap().state(task(job, number));
        }
    }
}
