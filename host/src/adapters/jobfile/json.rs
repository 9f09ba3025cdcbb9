//! JSON job files: an object on each line. Unknown keys are refused; the slow search for the one that was meant happens
//! only then.

use std::{collections::HashSet, time::Duration};

use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use super::{BadLine, Jobs, Rules, command, error::Problem, lines};
use crate::{
    adapters::written::{fields, read},
    model::job::{Command, JobExtras, JobSpec, Predecessor},
};

/// One line, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(deserialize_with = "command::read")]
    cmd: Command,
    name: Option<String>,
    #[serde(default, deserialize_with = "read::env")]
    env: Vec<(String, String)>,
    cwd: Option<Utf8PathBuf>,
    #[serde(default, deserialize_with = "read::duration")]
    timeout: Option<Duration>,
    #[serde(default, deserialize_with = "read::count")]
    num_retries: Option<u32>,
    #[serde(default, deserialize_with = "read::options")]
    opts: Vec<(String, String)>,
    #[serde(default, deserialize_with = "read::after")]
    after: Vec<Predecessor>,
    #[serde(default, deserialize_with = "read::priority")]
    priority: i32,
}

/// Reads single lines, of whatever they are part of.
pub struct Reader<'a>(Folders<'a>);

impl<'a> Reader<'a> {
    /// Reads by these rules.
    pub fn new(rules: &'a Rules) -> Self {
        Self(Folders {
            rules,
            seen: HashSet::new(),
        })
    }

    /// The job of a line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(&mut self, line: &[u8]) -> Result<JobSpec, BadLine> {
        job(line, &mut self.0).map_err(BadLine)
    }
}

/// Adds the jobs in `bytes`; on an error says in which line.
pub(super) fn parse(bytes: &[u8], rules: &Rules, jobs: &mut Jobs) -> Result<(), (usize, Problem)> {
    let mut folders = Folders {
        rules,
        seen: HashSet::new(),
    };
    for line in lines(bytes) {
        let (number, line) = line?;
        if !line.trim_ascii().is_empty() {
            jobs.push(number, job(line, &mut folders).map_err(|problem| (number, problem))?);
        }
    }
    Ok(())
}

fn job(text: &[u8], folders: &mut Folders<'_>) -> Result<JobSpec, Problem> {
    let line: Line = serde_json::from_slice(text).map_err(|error| explain(text, &error))?;
    let command = line.cmd;
    command.check()?;
    let extras = JobExtras {
        name: line.name.map(checked_name).transpose()?,
        env: line.env,
        cwd: line.cwd.map(|cwd| folders.find(&cwd)).transpose()?,
        timeout: line.timeout,
        num_retries: line.num_retries,
        options: line.opts.into_iter().collect(),
        priority: line.priority,
        after: line.after,
    };
    Ok(JobSpec::new(command).with(extras))
}

fn checked_name(name: String) -> Result<String, Problem> {
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        let message = "a job's name must have a visible character and no control characters".to_owned();
        return Err(Problem::Json(message));
    }
    Ok(name)
}

/// Says what is wrong with a line that could not be read.
fn explain(text: &[u8], error: &serde_json::Error) -> Problem {
    let known = fields::keys::<Line>();
    let typed: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_slice(text);
    let unknown = typed
        .iter()
        .flat_map(|map| map.keys())
        .find(|key| !known.contains(&key.as_str()));
    if let Some(key) = unknown {
        let help = match fields::nearest(key, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known are {}", known.join(", ")),
        };
        let key = key.clone();
        return Problem::UnknownKey { key, help };
    }
    if !text.trim_ascii_start().starts_with(b"{") {
        return Problem::NoObject(String::new());
    }
    // serde_json counts lines from 1 in what it was given, which is this one line.
    let message = error.to_string();
    let message = match message.split_once(" at line 1 column ") {
        Some((what, column)) => format!("{what} (column {column})"),
        None => message,
    };
    match error.is_data() {
        true => Problem::Json(message),
        false => Problem::NoObject(format!(": {message}")),
    }
}

/// Makes working directories absolute, and looks only once whether each exists.
struct Folders<'a> {
    rules: &'a Rules,
    seen: HashSet<Utf8PathBuf>,
}

impl Folders<'_> {
    fn find(&mut self, cwd: &Utf8Path) -> Result<Utf8PathBuf, Problem> {
        let cwd = self.rules.here.join(cwd);
        if self.rules.cwd_exists && !self.seen.contains(&cwd) {
            if !cwd.is_dir() {
                return Err(Problem::NoCwd(cwd));
            }
            self.seen.insert(cwd.clone());
        }
        Ok(cwd)
    }
}

#[cfg(test)]
mod tests {
    use crate::model::job::JobIndex;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn all(text: &str) -> Result<Vec<JobSpec>, (usize, Problem)> {
        let rules = Rules {
            here: "/tmp".into(),
            cwd_exists: true,
        };
        let mut jobs = Jobs::default();
        parse(text.as_bytes(), &rules, &mut jobs).map(|()| jobs.specs)
    }

    #[test]
    fn every_key_is_read() {
        let name = |name: &str| Predecessor::Name(name.to_owned());
        let index = |index| Predecessor::Index(JobIndex(index));
        let jobs = all(
            "{\"cmd\": [\"a\", \"b c\"], \"name\": \"n\", \"env\": {\"A\": \"1\", \"B\": 2}, \"cwd\": \".\", \"timeout\": 1.5, \
             \"num_retries\": 4, \"opts\": {\"mem\": \"4G\", \"license\": [\"x\", \"y\"]}, \"after\": [\"m\", 7], \
             \"priority\": -3}\n\n{\"cmd\": \"a | b\", \"timeout\": \"2m\", \"after\": \"n\"}\n{\"cmd\": \"a\", \"after\": 0}",
        )
        .unwrap();
        assert_eq!(jobs[0].command, Command::argv(["a", "b c"]));
        let extras = jobs[0].extras();
        assert_eq!(extras.name.as_deref(), Some("n"));
        assert_eq!(extras.env, [("A".into(), "1".into()), ("B".into(), "2".into())]);
        assert_eq!(extras.timeout, Some(Duration::from_millis(1500)));
        assert_eq!(extras.num_retries, Some(4));
        assert_eq!(extras.cwd.as_deref(), Some("/tmp/.".into()));
        assert_eq!(extras.options.iter().count(), 3);
        assert_eq!(jobs[1].command, Command::shell("a | b"));
        assert_eq!(extras.after, [name("m"), index(7)]);
        assert_eq!(extras.priority, -3);
        assert_eq!(jobs[1].extras().timeout, Some(Duration::from_secs(120)));
        assert_eq!(jobs[1].extras().after, [name("n")]);
        assert_eq!(jobs[2].extras().after, [index(0)]);
    }

    #[test]
    fn bad_lines_say_what_was_expected() {
        let say = |line: &str| all(line).unwrap_err().1.to_string();
        insta::assert_snapshot!(say("{\"cmd\": \"a\", \"opt\": {}}"), @"unknown key `opt`");
        insta::assert_snapshot!(say("{\"name\": \"a\"}"), @"missing field `cmd` (column 13)");
        insta::assert_snapshot!(say("{\"cmd\": 3}"), @"invalid type: integer `3`, expected a list of texts (a program and its arguments) or a text (a shell line) (column 9)");
        insta::assert_snapshot!(say("{\"cmd\": [\"a\", 3]}"), @"invalid type: integer `3`, expected a text or a list of byte numbers (column 15)");
        insta::assert_snapshot!(say("{\"cmd\": [\"a\", [256]]}"), @"invalid value: integer `256`, expected u8 (column 18)");
        insta::assert_snapshot!(say("{\"cmd\": {\"bash\": \"a\"}}"), @"unknown variant `bash`, expected `shell` (column 15)");
        insta::assert_snapshot!(say("{\"cmd\": {}}"), @"missing field `shell` (column 10)");
        insta::assert_snapshot!(say("{\"cmd\": []}"), @"the command is empty");
        insta::assert_snapshot!(say("{\"cmd\": [\"a\", \"b\\u0000\"]}"), @"the command has a NUL byte in it, which no program can be given");
        insta::assert_snapshot!(say("{\"cmd\": \"a\", \"timeout\": 0}"), @"expected a duration above 0, such as `90` (seconds), `1.5s`, `20m` or `1h 30m` (column 26)");
        insta::assert_snapshot!(say("{\"cmd\": \"a\", \"timeout\": true}"), @r#"invalid type: boolean `true`, expected a number of seconds or a duration such as "1h 30m" (column 28)"#);
        insta::assert_snapshot!(say("{\"cmd\": \"a\", \"env\": {\"A-B\": \"\"}}"), @"`A-B` is not a name for an environment variable: it needs letters, digits and `_`, and no digit first (column 31)");
        insta::assert_snapshot!(say("{\"cmd\": \"a\", \"opts\": {\"x\": {}}}"), @"invalid type: map, expected a text or a list of texts (column 29)");
        insta::assert_snapshot!(say("{\"cmd\": \"a\", \"name\": \" \"}"), @"a job's name must have a visible character and no control characters");
        insta::assert_snapshot!(say("{\"cmd\": \"a\", \"num_retries\": -1}"), @"expected a whole number from 0 (column 31)");
        insta::assert_snapshot!(say("{\"cmd\": \"a\", \"after\": -1}"), @"invalid type: integer `-1`, expected the name or the number of a job, or a list of them (column 24)");
        insta::assert_snapshot!(say("{\"cmd\": \"a\", \"after\": [[1]]}"), @"invalid type: sequence, expected the name or the number of a job (column 24)");
        insta::assert_snapshot!(say("{\"cmd\": \"a\", \"after\": [\"b\", 1.5]}"), @"invalid type: floating point `1.5`, expected the name or the number of a job (column 31)");
        insta::assert_snapshot!(say("{\"cmd\": \"a\", \"priority\": 3000000000}"), @"expected a whole number from -2147483648 to 2147483647 (column 36)");
        insta::assert_snapshot!(say("{\"cmd\": \"a\", \"cwd\": \"/no/such\"}"), @"the working directory /no/such does not exist");
        insta::assert_snapshot!(say("echo 1"), @"this is not one JSON object");
        insta::assert_snapshot!(say("[\"true\"]"), @"this is not one JSON object");
        insta::assert_snapshot!(say("{\"cmd\""), @"this is not one JSON object: EOF while parsing an object (column 6)");
        insta::assert_snapshot!(say("{\"cmd\": \"a\"} {}"), @"this is not one JSON object: trailing characters (column 14)");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text: String) {
            let _either_way = all(&text);
            let _either_way = all(&format!("{{\"cmd\": {text}"));
        }

        #[test]
        fn commands_come_back_as_they_were_written(
            first in "[^\0]*x[^\0]*",
            args in prop::collection::vec("[^\0]*", 0..5),
            shell: bool,
        ) {
            let (cmd, expected) = if shell {
                (json!(first), Command::shell(first.as_str()))
            } else {
                let args: Vec<_> = std::iter::once(first).chain(args).collect();
                (json!(args), Command::argv(args))
            };
            let jobs = all(&json!({"cmd": cmd}).to_string()).unwrap();
            prop_assert_eq!(&jobs[0].command, &expected);
        }
    }
}
