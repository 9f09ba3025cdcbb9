//! Writes a job as a line of a JSON job file that reads back as the same job, whatever bytes it has.

use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::command;
use crate::model::job::{Command, JobExtras, JobSpec};

/// The line of a job, without its end.
pub fn line(job: &JobSpec) -> String {
    // Strings, numbers and maps with strings as keys: nothing of that can fail.
    serde_json::to_string(&Line(job)).unwrap_or_default()
}

/// A command as JSON has it, to be part of something larger.
pub fn command(command: &Command) -> impl Serialize + '_ {
    command::Written(command)
}

struct Line<'a>(&'a JobSpec);

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let JobExtras {
            name,
            env,
            cwd,
            timeout,
            num_retries,
            options,
            priority,
            after,
        } = self.0.extras();
        let mut line = to.serialize_map(None)?;
        line.serialize_entry("cmd", &command::Written(&self.0.command))?;
        if let Some(name) = name {
            line.serialize_entry("name", name)?;
        }
        if !env.is_empty() {
            line.serialize_entry(
                "env",
                &Pairs(
                    env.iter()
                        .map(|(name, value)| (name.as_str(), value.as_str()))
                        .collect(),
                ),
            )?;
        }
        if let Some(cwd) = cwd {
            line.serialize_entry("cwd", cwd)?;
        }
        if let Some(timeout) = timeout {
            line.serialize_entry("timeout", &humantime::format_duration(*timeout).to_string())?;
        }
        if let Some(retries) = num_retries {
            line.serialize_entry("num_retries", retries)?;
        }
        if !options.is_empty() {
            line.serialize_entry("opts", &Pairs(options.iter().collect()))?;
        }
        if *priority != 0 {
            line.serialize_entry("priority", priority)?;
        }
        if !after.is_empty() {
            line.serialize_entry("after", after)?;
        }
        line.end()
    }
}

/// Names and values in their order. A name that comes twice is written twice, as it was given.
struct Pairs<'a>(Vec<(&'a str, &'a str)>);

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bstr::BString;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        adapters::jobfile::{Rules, json::Reader},
        model::job::{JobIndex, Predecessor},
    };

    fn read(line: &str) -> JobSpec {
        let rules = Rules {
            here: "/".into(),
            cwd_exists: false,
        };
        Reader::new(&rules).read(line.as_bytes()).unwrap()
    }

    fn bytes() -> impl Strategy<Value = BString> {
        prop_oneof![
            "[^\0]{0,9}".prop_map(BString::from),
            prop::collection::vec(1..=255_u8, 0..9).prop_map(BString::from)
        ]
    }

    fn commands() -> impl Strategy<Value = Command> {
        let argv = prop::collection::vec(bytes(), 0..5).prop_map(|mut args| {
            args.insert(0, "x".into());
            Command::Argv(args)
        });
        let shell = bytes().prop_map(|mut line| {
            line.push(b'x');
            Command::Shell(line)
        });
        prop_oneof![argv, shell]
    }

    fn predecessors() -> impl Strategy<Value = Predecessor> {
        prop_oneof![
            any::<u32>().prop_map(|index| Predecessor::Index(JobIndex(index))),
            "[a-z]{1,9}".prop_map(Predecessor::Name),
        ]
    }

    #[test]
    fn a_job_is_written_in_one_line() {
        assert_eq!(line(&"echo 1\necho 2".into()), r#"{"cmd":"echo 1\necho 2"}"#);
        assert_eq!(
            line(&vec![b"a".to_vec(), vec![255, 10]].into()),
            r#"{"cmd":["a",[255,10]]}"#
        );
        assert_eq!(
            line(&JobSpec::new(Command::shell([255_u8]))),
            r#"{"cmd":{"shell":[255]}}"#
        );
    }

    proptest! {
        #[test]
        fn what_was_written_reads_back_the_same(
            command in commands(),
            name in prop::option::of("[a-z]{1,9}"),
            env in prop::collection::vec(("[A-C]", "[^\0]{0,9}"), 0..4),
            opts in prop::collection::vec(("[a-c]", "[^\0]{0,9}"), 0..4),
            timeout in prop::option::of(1..u64::MAX),
            num_retries: Option<u32>,
            priority: i32,
            after in prop::collection::vec(predecessors(), 0..4),
        ) {
            let job = JobSpec::new(command).with(JobExtras {
                name,
                env,
                cwd: Some("/a b".into()),
                timeout: timeout.map(Duration::from_nanos),
                num_retries,
                options: opts.into_iter().collect(),
                priority,
                after,
            });
            let line = line(&job);
            prop_assert!(!line.contains('\n'));
            prop_assert_eq!(read(&line), job);
        }
    }
}
