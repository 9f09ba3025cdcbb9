//! What is said over the socket of a run, version 1. A client says what is to be done in a line of JSON; the run answers in
//! one line and closes.
//!
//! ```json
//! {"xqute":1,"do":"feed","count":2}         then as many lines as there are jobs, as in JSON job files; then the end
//! {"xqute":1,"do":"stop-feeding"}
//! {"xqute":1,"do":"kill","jobs":[3,5]}      by index
//! {"xqute":1,"do":"kill","all":true}
//! ```
//!
//! Answers: `{"accepted":2,"first":12}`, `{"stopped":true}`, `{"killing":[3,5]}`, `{"killing":"all"}`, or
//! `{"error":"..."}`; with `"line":N` where it is about one job of a feed, from 1. After an error nothing was changed.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::model::job::JobIndex;

/// The version of this language.
pub const VERSION: u64 = 1;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Jobs follow, this many.
    Feed {
        /// How many.
        count: u32,
    },
    /// No more jobs come.
    StopFeeding,
    /// These jobs are to end.
    Kill(Which),
}

/// Which jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// All that are not over.
    All,
    /// These.
    Jobs(Vec<JobIndex>),
}

/// Why a request was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// It is in no language that we know.
    #[error("this is no request; expected a line such as {{\"xqute\":{VERSION},\"do\":\"stop-feeding\"}}")]
    Garbage,
    /// It is for another xqute.
    #[error(
        "the request is in version {0}, but this run understands version {VERSION}; use the xqute that started the run"
    )]
    Version(String),
    /// It asks for something unknown.
    #[error("this run cannot `{}`; it can feed, stop-feeding and kill", .0.escape_debug())]
    Unknown(String),
    /// It lacks something, or has something that does not belong there.
    #[error("a request to {of} takes {takes}")]
    Parts {
        /// What is to be done.
        of: &'static str,
        /// What it takes.
        takes: &'static str,
    },
}

impl Request {
    /// Understands a line.
    ///
    /// # Errors
    /// Why it is no request.
    pub fn parse(line: &[u8]) -> Result<Self, BadRequest> {
        let Ok(Value::Object(mut said)) = serde_json::from_slice(line) else {
            return Err(BadRequest::Garbage);
        };
        match said.remove("xqute") {
            Some(version) if version.as_u64() == Some(VERSION) => {}
            Some(version @ Value::Number(_)) => return Err(BadRequest::Version(version.to_string())),
            _ => return Err(BadRequest::Garbage),
        }
        let Some(Value::String(what)) = said.remove("do") else {
            return Err(BadRequest::Garbage);
        };
        match what.as_str() {
            "feed" => parts(said, "feed", "a `count`, the number of jobs, and nothing else")
                .map(|Count { count }| Self::Feed { count }),
            "stop-feeding" => parts(said, "stop-feeding", "nothing else").map(|Nothing {}| Self::StopFeeding),
            "kill" if said.contains_key("all") => {
                parts(said, "kill", KILL).map(|All { all: () }| Self::Kill(Which::All))
            }
            "kill" => parts(said, "kill", KILL).map(|Jobs { jobs }| Self::Kill(Which::Jobs(jobs))),
            _ => Err(BadRequest::Unknown(what)),
        }
    }

    /// The line, with its end.
    pub fn line(&self) -> String {
        let said = match self {
            Self::Feed { count } => json!({"xqute": VERSION, "do": "feed", "count": count}),
            Self::StopFeeding => json!({"xqute": VERSION, "do": "stop-feeding"}),
            Self::Kill(Which::All) => json!({"xqute": VERSION, "do": "kill", "all": true}),
            Self::Kill(Which::Jobs(jobs)) => json!({"xqute": VERSION, "do": "kill", "jobs": jobs}),
        };
        format!("{said}\n")
    }
}

const KILL: &str = "`jobs`, a list of numbers, or `all`, which is true, and nothing else";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    count: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Jobs {
    jobs: Vec<JobIndex>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct All {
    #[serde(deserialize_with = "truth")]
    all: (),
}

fn truth<'de, D: serde::Deserializer<'de>>(from: D) -> Result<(), D::Error> {
    match bool::deserialize(from)? {
        true => Ok(()),
        false => Err(serde::de::Error::custom("not all")),
    }
}

fn parts<T: for<'de> Deserialize<'de>>(
    said: Map<String, Value>,
    of: &'static str,
    takes: &'static str,
) -> Result<T, BadRequest> {
    serde_json::from_value(Value::Object(said)).map_err(|_| BadRequest::Parts { of, takes })
}

/// What a run says to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// The jobs are in, and recorded.
    Accepted {
        /// How many.
        #[serde(rename = "accepted")]
        count: u32,
        /// The index of the first; the others follow it.
        first: JobIndex,
    },
    /// No more jobs are taken.
    Stopped {
        /// Always true.
        stopped: bool,
    },
    /// These jobs are told to end, those of them that are not over.
    Killing {
        /// Which.
        killing: Killing,
    },
    /// Nothing was done.
    Refused {
        /// Why, and what to do.
        #[serde(rename = "error")]
        why: String,
        /// Which job of a feed it is about, from 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        line: Option<u32>,
    },
}

/// Which jobs are told to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Killing {
    /// These.
    Jobs(Vec<JobIndex>),
    /// Those that this word stands for, which is `all`.
    Word(String),
}

impl Answer {
    /// Nothing was done, for this reason.
    pub fn refused(why: impl Into<String>) -> Self {
        Self::Refused {
            why: why.into(),
            line: None,
        }
    }

    /// These are told to end.
    pub fn killing(which: Which) -> Self {
        let killing = match which {
            Which::All => Killing::Word("all".to_owned()),
            Which::Jobs(jobs) => Killing::Jobs(jobs),
        };
        Self::Killing { killing }
    }

    /// The line, with its end.
    pub fn line(&self) -> String {
        // Numbers, texts and a list: nothing of that can fail.
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }

    /// Understands an answer.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(line: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(line)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn why(line: &str) -> String {
        Request::parse(line.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_request_is_told_so() {
        let garbage = why("hello");
        insta::assert_snapshot!(garbage, @r#"this is no request; expected a line such as {"xqute":1,"do":"stop-feeding"}"#);
        for line in [
            "",
            "[]",
            "{}",
            "{\"xqute\":\"1\",\"do\":\"feed\"}",
            "{\"xqute\":1}",
            "{\"do\":\"kill\"}",
            "{\"xqute\":1,",
        ] {
            assert_eq!(why(line), garbage, "{line}");
        }
        insta::assert_snapshot!(why(r#"{"xqute":2,"do":"dance"}"#), @"the request is in version 2, but this run understands version 1; use the xqute that started the run");
        insta::assert_snapshot!(why(r#"{"xqute":1,"do":"dance\n"}"#), @r"this run cannot `dance\n`; it can feed, stop-feeding and kill");
        insta::assert_snapshot!(why(r#"{"xqute":1,"do":"feed"}"#), @"a request to feed takes a `count`, the number of jobs, and nothing else");
        insta::assert_snapshot!(why(r#"{"xqute":1,"do":"stop-feeding","now":true}"#), @"a request to stop-feeding takes nothing else");
        let kill = format!("a request to kill takes {KILL}");
        for parts in [
            r#""jobs":["x"]"#,
            r#""jobs":[-1]"#,
            r#""all":false"#,
            r#""all":true,"jobs":[1]"#,
        ] {
            assert_eq!(why(&format!(r#"{{"xqute":1,"do":"kill",{parts}}}"#)), kill);
        }
    }

    fn requests() -> impl Strategy<Value = Request> {
        let jobs = prop::collection::vec(any::<u32>().prop_map(JobIndex), 0..9);
        prop_oneof![
            any::<u32>().prop_map(|count| Request::Feed { count }),
            Just(Request::StopFeeding),
            Just(Request::Kill(Which::All)),
            jobs.prop_map(|jobs| Request::Kill(Which::Jobs(jobs))),
        ]
    }

    fn answers() -> impl Strategy<Value = Answer> {
        prop_oneof![
            any::<(u32, u32)>().prop_map(|(count, first)| Answer::Accepted {
                count,
                first: JobIndex(first)
            }),
            Just(Answer::Stopped { stopped: true }),
            Just(Answer::killing(Which::All)),
            Just(Answer::killing(Which::Jobs(vec![JobIndex(3)]))),
            any::<(String, Option<u32>)>().prop_map(|(why, line)| Answer::Refused { why, line }),
        ]
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_request_or_an_error(bytes: Vec<u8>, text in r#"\{"xqute":1,"do":"(feed|kill)"[^}]{0,20}\}?"#) {
            let _either_way = Request::parse(&bytes);
            let _either_way = Request::parse(text.as_bytes());
            let _either_way = Answer::parse(&bytes);
        }

        #[test]
        fn requests_and_answers_are_single_lines_that_read_back(request in requests(), answer in answers()) {
            for line in [request.line(), answer.line()] {
                prop_assert_eq!(line.find('\n'), Some(line.len() - 1));
            }
            prop_assert_eq!(Request::parse(request.line().trim_end().as_bytes()), Ok(request));
            prop_assert_eq!(Answer::parse(answer.line().trim_end().as_bytes()).unwrap(), answer);
        }
    }
}
