//! What it means when a client of Grid Engine fails: which of the sentences that it wrote matters, and whether to ask again.

use xqute_plugin::{Error, Exit, Output};

/// How a call of a client failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The qmaster could not be reached; nothing happened.
    Unreachable(String),
    /// The connection broke in the middle: Grid Engine may or may not have done what it was asked to do.
    InDoubt(String),
    /// Grid Engine wants to have fewer jobs just now.
    Busy,
    /// The client did not understand its options.
    Usage(String),
    /// Grid Engine said no.
    Refusal(String),
}

const UNREACHABLE: [&str; 10] = [
    "unable to send message to qmaster",
    "unable to contact qmaster",
    "got select error",
    "got send error",
    "can't open communication",
    "Connection refused",
    "No route to host",
    "unable to read qmaster name",
    "failed receiving gdi request: no acknowledge",
    "qmaster is going down",
];
const IN_DOUBT: [&str; 6] = [
    "got read error",
    "got read timeout error",
    "failed receiving gdi request",
    "Error reading answer list from qmaster",
    "got send timeout error",
    "Broken pipe",
];
const BUSY: [&str; 4] = [
    "jobs are allowed per user",
    "jobs are allowed per cluster",
    "could not be scheduled, try again later",
    "max_aj_instances",
];
/// Exit codes of clients that did not understand how they were called.
const USAGE: [i32; 2] = [2, 7];

/// Judges a failed call; none if it did not fail.
pub(crate) fn of(output: &Output) -> Option<Trouble> {
    let code = match output.exit {
        Exit::Code(0) => return None,
        Exit::Code(code) => code,
        Exit::Signal(signal) => {
            let said = sentence(output);
            return Some(Trouble::InDoubt(format!(
                "its client was ended by signal {signal}: {said}"
            )));
        }
    };
    let said = sentence(output);
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    Some(if has(&UNREACHABLE) {
        Trouble::Unreachable(said)
    } else if has(&IN_DOUBT) {
        Trouble::InDoubt(said)
    } else if has(&BUSY) {
        Trouble::Busy
    } else if USAGE.contains(&code) {
        Trouble::Usage(said)
    } else if said.is_empty() {
        Trouble::Refusal(format!("it ended with exit code {code} and said nothing"))
    } else {
        Trouble::Refusal(said)
    })
}

/// Whether a question was answered.
pub(crate) fn check(client: &str, output: &Output) -> Result<(), Error> {
    match of(output) {
        None => Ok(()),
        Some(Trouble::Unreachable(said) | Trouble::InDoubt(said)) => Err(unavailable(&said)),
        Some(Trouble::Busy) => Err(Error::RateLimited(None)),
        Some(Trouble::Usage(said) | Trouble::Refusal(said)) => {
            Err(Error::Unavailable(format!("{client} failed: {said}")))
        }
    }
}

pub(crate) fn unavailable(said: &str) -> Error {
    Error::Unavailable(format!("Grid Engine cannot be reached: {said}"))
}

/// What a client wrote, in one line and without the decoration of each of its lines. Some speak on stdout.
fn sentence(output: &Output) -> String {
    let (stderr, stdout) = (output.stderr_text(), output.stdout_text());
    let mut said: Vec<&str> = Vec::new();
    for line in stderr.lines().chain(stdout.lines().take(20)) {
        let mut text = line.trim();
        for prefix in ["Unable to run job: ", "qsub: ", "error: ", "denied: "] {
            text = text.strip_prefix(prefix).unwrap_or(text);
        }
        let text = text.trim_end_matches('.');
        if !matches!(text, "" | "Exiting") && !text.starts_with('<') && !said.contains(&text) {
            said.push(text);
        }
    }
    // The lower half of the client says why as well, in words of its own.
    if said.len() > 1 {
        said.retain(|text| !text.starts_with("commlib error"));
    }
    said.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(code: i32, stderr: &str) -> Option<Trouble> {
        of(&Output {
            exit: Exit::Code(code),
            stdout: Vec::new(),
            stderr: stderr.into(),
        })
    }

    #[test]
    fn an_unreachable_master_is_no_refusal() {
        let down = include_str!("../fixtures/submit-master-down.stderr");
        let said = "unable to send message to qmaster using port 26444 on host \"vm\": got send error";
        assert_eq!(failed(1, down), Some(Trouble::Unreachable(said.to_owned())));
        for text in [
            include_str!("../fixtures/poll-master-down.stderr"),
            include_str!("../fixtures/cancel-master-down.stderr"),
            include_str!("../fixtures/submit-not-configured.stderr"),
        ] {
            assert!(matches!(failed(1, text), Some(Trouble::Unreachable(_))), "{text}");
        }
    }

    #[test]
    fn a_refusal_carries_the_words_of_grid_engine() {
        let refused = |text| match failed(1, text) {
            Some(Trouble::Refusal(said)) => said,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            refused(include_str!("../fixtures/submit-unknown-queue.stderr")),
            "Job was rejected because job requests unknown queue \"nope\""
        );
        assert_eq!(
            refused(include_str!("../fixtures/submit-unknown-resource.stderr")),
            "unknown resource \"nores\""
        );
        assert_eq!(
            refused(include_str!("../fixtures/submit-unknown-project.stderr")),
            "job rejected: the requested project \"nope\" does not exist"
        );
        assert_eq!(
            refused(include_str!("../fixtures/submit-never.stderr")),
            "no suitable queues"
        );
        assert_eq!(refused(""), "it ended with exit code 1 and said nothing");
    }

    #[test]
    fn bad_options_are_told_from_refusals() {
        let text = include_str!("../fixtures/submit-bad-priority.stderr");
        let said = "invalid priority \"5000\".  Must be an integer from -1023 to 1024".to_owned();
        assert_eq!(failed(7, text), Some(Trouble::Usage(said)));
        let text = include_str!("../fixtures/submit-bad-option.stderr");
        let said = "invalid option argument \"-nosuch\"".to_owned();
        assert_eq!(failed(2, text), Some(Trouble::Usage(said)));
        let text = include_str!("../fixtures/submit-bad-date.stderr");
        assert!(matches!(failed(7, text), Some(Trouble::Usage(_))));
    }

    #[test]
    fn a_broken_connection_leaves_doubt() {
        let text = "Unable to run job: failed receiving gdi request response for mid=1 (got syncron message receive \
                    timeout error).\nExiting.\n";
        assert!(matches!(failed(1, text), Some(Trouble::InDoubt(_))));
        let killed = Output {
            exit: Exit::Signal(9),
            stdout: Vec::new(),
            stderr: Vec::new(),
        };
        assert!(matches!(of(&killed), Some(Trouble::InDoubt(_))));
    }

    #[test]
    fn limits_on_jobs_ask_for_patience() {
        let text =
            "Unable to run job: job rejected: Only 2 jobs are allowed per user (current job count: 2)\nExiting.\n";
        assert_eq!(failed(1, text), Some(Trouble::Busy));
    }

    #[test]
    fn success_is_no_trouble() {
        assert_eq!(failed(0, "warning: no suitable queues\n"), None);
    }
}
