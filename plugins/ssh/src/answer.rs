//! What a server said → what it means. Pure functions.
//!
//! Only lines that begin with `xqute: ` count: login shells print all kinds of things. A line that makes no sense counts as
//! not said.

use std::collections::HashMap;

use crate::id::{Id, is_boot};
use xqute_plugin::{FailureCause, JobRef, Observation};

/// All that a server said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) hello: Option<Hello>,
    /// Why no job can run there.
    pub(crate) unfit: Option<String>,
    /// What became of attempts that were to be started, by index.
    pub(crate) started: HashMap<u32, Started>,
    /// What is known of attempts that were asked about, by index.
    pub(crate) observed: HashMap<u32, Observation>,
    pub(crate) found: Vec<JobRef>,
    /// Whether it came to the end of its program.
    pub(crate) complete: bool,
}

/// How a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) boot: String,
    /// How many jobs ran there when the program began, if it was asked.
    pub(crate) live: Option<u32>,
    /// How many processors it has; 0 if it was not asked.
    pub(crate) slots: u32,
    /// Whether its login shell is one that understands programs itself.
    pub(crate) direct: bool,
}

/// What became of an attempt that was to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Started {
    /// It was.
    Now(Id),
    /// It had been before.
    Before(Id),
    Refused(String),
}

/// Reads what the server with this name printed.
pub(crate) fn read(server: &str, stdout: &str) -> Answer {
    let mut answer = Answer::default();
    for line in stdout.lines().filter_map(|line| line.strip_prefix("xqute: ")) {
        // Nothing of it is believed but what can be made sense of.
        let _understood = answer.take(server, line);
    }
    answer
}

impl Answer {
    fn take(&mut self, server: &str, line: &str) -> Option<()> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let words: Vec<&str> = rest.split(' ').collect();
        let boot = || self.hello.as_ref().map(|hello| hello.boot.as_str());
        match (word, words.as_slice()) {
            ("hello", [boot, live, slots, direct]) if is_boot(boot) => {
                self.hello = Some(Hello {
                    boot: (*boot).to_owned(),
                    live: live.parse().ok(),
                    slots: slots.parse().unwrap_or(0),
                    direct: *direct == "1",
                });
            }
            ("unfit", _) => self.unfit = Some(rest.to_owned()),
            ("started", [index, pid, born]) => {
                let id = Id::of(server, pid, born, boot()?)?;
                self.started.insert(index.parse().ok()?, Started::Now(id));
            }
            ("known", [index, at, pid, born, boot]) => {
                let id = Id::of(at, pid, born, boot)?;
                self.started.insert(index.parse().ok()?, Started::Before(id));
            }
            ("refused", [index, ..]) => {
                let why = rest.split_once(' ').map_or("", |(_, why)| why).to_owned();
                self.started.insert(index.parse().ok()?, Started::Refused(why));
            }
            ("runs", [index]) => self.observe(index, Observation::Running)?,
            ("ended", [index, code]) => self.observe(index, ended(code)?)?,
            ("restarted", [index]) => self.observe(index, Observation::Failed(FailureCause::NodeFailure))?,
            ("gone", [index]) => self.observe(index, Observation::Failed(FailureCause::Lost))?,
            ("found", [index, attempt, at, pid, born, boot]) => self.found.push(JobRef {
                index: index.parse().ok()?,
                attempt: attempt.parse().ok()?,
                backend_id: Id::of(at, pid, born, boot)?.to_string(),
            }),
            ("done", _) => self.complete = true,
            _ => return None,
        }
        Some(())
    }

    fn observe(&mut self, index: &str, observation: Observation) -> Option<()> {
        self.observed.insert(index.parse().ok()?, observation);
        Some(())
    }

    /// How many jobs run there now, if it counted them.
    pub(crate) fn live(&self) -> Option<u32> {
        let before = self.hello.as_ref()?.live?;
        let started = self.started.values();
        let started = started.filter(|started| matches!(started, Started::Now(_))).count();
        Some(before.saturating_add(u32::try_from(started).unwrap_or(u32::MAX)))
    }
}

fn ended(code: &str) -> Option<Observation> {
    Some(match code.parse::<i32>().ok()? {
        0 => Observation::Succeeded,
        code => Observation::Failed(FailureCause::ExitCode(code)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_submission_is_read() {
        let answer = read("n1", include_str!("../fixtures/submit.stdout"));
        assert!(answer.complete && answer.unfit.is_none(), "{answer:?}");
        let hello = answer.hello.clone().unwrap();
        assert_eq!((hello.boot.as_str(), hello.live, hello.slots), ("111db6b0", Some(0), 2));
        assert_eq!(
            answer.started[&0],
            Started::Now(Id::read("n1/4256/8962576/111db6b0").unwrap())
        );
        assert_eq!(
            answer.started[&1],
            Started::Before(Id::read("alice@n2:2222/15034/8754794/3feb9abb").unwrap())
        );
        let Started::Refused(why) = &answer.started[&2] else {
            panic!("{answer:?}")
        };
        assert_eq!(
            why,
            "it cannot read /data/.xqute/2/job.wrapped.ssh; is the workdir on a file system that it shares, and readable \
             there?"
        );
        assert_eq!((answer.live(), hello.direct), (Some(1), true));
    }

    #[test]
    fn a_question_is_answered_for_each_job() {
        let answer = read("n1", include_str!("../fixtures/poll.stdout"));
        let expected = [
            (0, Observation::Running),
            (1, Observation::Succeeded),
            (2, Observation::Failed(FailureCause::ExitCode(3))),
            (3, Observation::Failed(FailureCause::NodeFailure)),
            (4, Observation::Failed(FailureCause::Lost)),
        ];
        assert_eq!(answer.observed, HashMap::from(expected));
        assert!(answer.complete);
    }

    #[test]
    fn marks_are_found() {
        let answer = read("n1", include_str!("../fixtures/find.stdout"));
        let ids: Vec<_> = answer
            .found
            .iter()
            .map(|found| (found.index, found.attempt, found.backend_id.as_str()))
            .collect();
        let expected = [
            (0, 1, "n1/4256/8962576/111db6b0"),
            (1, 2, "alice@n2:2222/15034/8754794/3feb9abb"),
        ];
        assert_eq!(ids, expected);
    }

    #[test]
    fn a_server_may_be_unfit() {
        let answer = read("n1", include_str!("../fixtures/unfit.stdout"));
        assert_eq!(
            answer.unfit.as_deref(),
            Some("it does not see the folder /no/such/folder; the workdir must be on a file system that it shares")
        );
        assert!(!answer.complete);
    }

    #[test]
    fn what_others_print_is_not_looked_at() {
        let noise = "Welcome to n1!\nxqute: \nxqute: started\nxqute: started 0 17 x\nxqute: hello zzzzzzzz 1 1 1\nstarted 1 2 3\n";
        assert_eq!(read("n1", noise), Answer::default());
    }

    proptest! {
        #[test]
        fn any_text_is_an_answer(text in "(?s).*") {
            read("n1", &text);
        }

        #[test]
        fn so_is_any_line_of_ours(words in proptest::collection::vec("(hello|started|known|refused|runs|ended|found|-?[0-9]{1,12}|[0-9a-f]{8}|\\PC*)", 0..8)) {
            let answer = read("n1", &format!("xqute: hello 0a1b2c3d 1 1 1\nxqute: {}\n", words.join(" ")));
            for found in answer.found {
                prop_assert!(Id::read(&found.backend_id).is_some());
            }
        }
    }
}
