//! What it means when a Slurm client fails: which of the sentences that it wrote matters, and whether to ask again.

use xqute_plugin::{Exit, Output};

/// How a call of a Slurm client failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Slurm could not be reached; nothing happened.
    Unreachable(String),
    /// The connection broke in the middle: Slurm may or may not have done what it was asked to do.
    InDoubt(String),
    /// Slurm wants to have fewer requests or fewer jobs just now.
    Busy,
    /// The client did not understand its options.
    Usage(String),
    /// Slurm said no.
    Refusal(String),
}

// Written by slurm_strerror() and by the clients; the same in every locale.
const UNREACHABLE: [&str; 12] = [
    "Unable to contact slurm controller",
    "Communication connection failure",
    "Connection refused",
    "Message send failure",
    "Munge encode failed",
    "Munge decode failed",
    "Protocol authentication error",
    "in standby mode",
    "Unable to establish controller machine",
    "Unable to establish configuration source",
    "Could not establish a configuration source",
    "Problem talking to database",
];
const IN_DOUBT: [&str; 4] = [
    "Socket timed out",
    "Zero Bytes were transmitted or received",
    "Message receive failure",
    "Unexpected message received",
];
const BUSY: [&str; 9] = [
    "MaxSubmitJob",
    "GrpSubmitJob",
    "job queue full",
    "temporarily unable to accept job",
    "Resource temporarily unavailable",
    "Unable to create job record, try again",
    "rate limit",
    "RATE_LIMIT",
    "Too many pending",
];

/// Judges a failed call; none if it did not fail.
pub(crate) fn of(output: &Output) -> Option<Trouble> {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let code = match output.exit {
        Exit::Code(0) => return None,
        Exit::Code(code) => code,
        Exit::Signal(signal) => {
            return Some(Trouble::InDoubt(format!(
                "ended by signal {signal}: {}",
                sentence(&stderr)
            )));
        }
    };
    let has = |words: &[&str]| words.iter().any(|word| stderr.contains(word));
    let said = sentence(&stderr);
    Some(if has(&IN_DOUBT) {
        Trouble::InDoubt(said)
    } else if has(&UNREACHABLE) {
        Trouble::Unreachable(said)
    } else if has(&BUSY) {
        Trouble::Busy
    } else if code == 255 {
        Trouble::Usage(said)
    } else if said.is_empty() {
        Trouble::Refusal(format!("it ended with exit code {code} and said nothing"))
    } else {
        Trouble::Refusal(said)
    })
}

/// Whether a client found no configuration at all: there is no Slurm here, or its controller, which hands the configuration out
/// in some clusters, is down.
pub(crate) fn is_not_configured(output: &Output) -> bool {
    let stderr = output.stderr_text();
    let signs = [
        "configuration source",
        "Unable to process configuration file",
        "slurm.conf",
    ];
    !output.succeeded() && signs.iter().any(|sign| stderr.contains(sign))
}

/// What a client wrote, in one line and without the decoration of each of its lines.
pub(crate) fn sentence(stderr: &str) -> String {
    let mut said: Vec<&str> = Vec::new();
    for line in stderr
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("Try \""))
    {
        let mut text = line;
        for prefix in [
            "sbatch: ",
            "squeue: ",
            "scancel: ",
            "error: ",
            "fatal: ",
            "Batch job submission failed: ",
            "allocation failure: ",
        ] {
            text = text.strip_prefix(prefix).unwrap_or(text);
        }
        let text = text.strip_prefix("slurm_load_jobs error: ").unwrap_or(text);
        if !said.contains(&text) {
            said.push(text);
        }
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
    fn an_unreachable_slurm_is_no_refusal() {
        let down = include_str!("../fixtures/submit-controller-down.stderr");
        let said = "Unable to contact slurm controller (connect failure)".to_owned();
        assert_eq!(failed(1, down), Some(Trouble::Unreachable(said)));
        for text in [
            include_str!("../fixtures/poll-controller-down.stderr"),
            include_str!("../fixtures/cancel-controller-down.stderr"),
            include_str!("../fixtures/submit-munge-down.stderr"),
            include_str!("../fixtures/submit-not-configured.stderr"),
        ] {
            assert!(matches!(failed(1, text), Some(Trouble::Unreachable(_))), "{text}");
        }
    }

    #[test]
    fn a_refusal_carries_slurms_words() {
        let text = include_str!("../fixtures/submit-bad-partition.stderr");
        let said = "invalid partition specified: nope; Invalid partition name specified".to_owned();
        assert_eq!(failed(1, text), Some(Trouble::Refusal(said)));
        let text = include_str!("../fixtures/submit-bad-time.stderr");
        assert_eq!(
            failed(255, text),
            Some(Trouble::Usage("Invalid --time specification".to_owned()))
        );
        let text = include_str!("../fixtures/submit-bad-option.stderr");
        assert_eq!(
            failed(255, text),
            Some(Trouble::Usage("unrecognized option '--nope=3'".to_owned()))
        );
        assert_eq!(
            failed(1, ""),
            Some(Trouble::Refusal(
                "it ended with exit code 1 and said nothing".to_owned()
            ))
        );
    }

    #[test]
    fn a_broken_connection_leaves_doubt() {
        let text = "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation\n";
        assert_eq!(
            failed(1, text),
            Some(Trouble::InDoubt("Socket timed out on send/recv operation".to_owned()))
        );
        let killed = Output {
            exit: Exit::Signal(9),
            stdout: Vec::new(),
            stderr: Vec::new(),
        };
        assert!(matches!(of(&killed), Some(Trouble::InDoubt(_))));
    }

    #[test]
    fn limits_on_submissions_ask_for_patience() {
        let text = "sbatch: error: QOSMaxSubmitJobPerUserLimit\nsbatch: error: Batch job submission failed: Job violates \
                    accounting/QOS policy (job submit limit, user's size and/or time limits)\n";
        assert_eq!(failed(1, text), Some(Trouble::Busy));
        let size = "sbatch: error: QOSMaxCpuPerUserLimit\nsbatch: error: Batch job submission failed: Job violates \
                    accounting/QOS policy (job submit limit, user's size and/or time limits)\n";
        assert!(matches!(failed(1, size), Some(Trouble::Refusal(_))));
    }

    #[test]
    fn success_is_no_trouble() {
        assert_eq!(failed(0, "sbatch: some warning\n"), None);
    }
}
