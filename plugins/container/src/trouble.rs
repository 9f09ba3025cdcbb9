//! What it means when docker, podman or apptainer fail: which of the sentences that they wrote matters, and whether to ask
//! again.

use xqute_plugin::{Exit, Output};

/// How a call failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The engine cannot be reached or is too busy just now. Whether something happened is not known.
    Unreachable(String),
    /// The image lacks the program that should run.
    NoProgram(String),
    /// The engine said no.
    Refusal(String),
}

const NOT_ALLOWED: &str = "permission denied while trying to connect";
const UNREACHABLE: [&str; 7] = [
    "Cannot connect to the Docker daemon",
    "error during connect",
    "annot connect to Podman",
    "unable to connect to Podman",
    "dial unix",
    "database is locked",
    "esource temporarily unavailable",
];
const NO_PROGRAM: [&str; 3] = [
    "attempted to invoke a command that was not found",
    "executable file not found",
    // exec: "/bin/bash": stat /bin/bash: no such file or directory
    "exec: \"",
];

/// Judges a failed call; none if it did not fail.
pub(crate) fn of(output: &Output) -> Option<Trouble> {
    let stderr = output.stderr_text();
    let said = sentence(&stderr);
    if let Exit::Signal(signal) = output.exit {
        return Some(Trouble::Unreachable(format!("ended by signal {signal}: {said}")));
    }
    if output.succeeded() {
        return None;
    }
    let has = |words: &[&str]| words.iter().any(|word| stderr.contains(word));
    Some(if has(&UNREACHABLE) && !stderr.contains(NOT_ALLOWED) {
        Trouble::Unreachable(said)
    } else if has(&NO_PROGRAM) {
        Trouble::NoProgram(said)
    } else {
        Trouble::Refusal(said)
    })
}

/// The sentence that matters, in one line: the last one that is not advice.
pub(crate) fn sentence(stderr: &str) -> String {
    let advice = |line: &&str| {
        line.is_empty()
            || line.starts_with("time=\"")
            || line.starts_with("Trying to pull")
            || line.starts_with("Run '")
            || line.starts_with("See '")
            || line.starts_with("INFO:")
    };
    let line = stderr.lines().map(str::trim).rfind(|line| !advice(line));
    let mut line = line.unwrap_or("it gave no reason");
    for start in ["docker: ", "Error response from daemon: ", "Error: ", "FATAL:"] {
        line = line.strip_prefix(start).map_or(line, str::trim_start);
    }
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(code: i32, stderr: &str) -> Trouble {
        let output = Output {
            exit: Exit::Code(code),
            stdout: Vec::new(),
            stderr: stderr.into(),
        };
        of(&output).unwrap()
    }

    #[test]
    fn real_failures_are_told_apart() {
        use Trouble::{NoProgram, Refusal, Unreachable};
        let expected = [
            (
                125,
                include_str!("../fixtures/docker-run-no-daemon.stderr"),
                Unreachable(
                    "Cannot connect to the Docker daemon at unix:///tmp/nosuch. Is the docker daemon running?".to_owned(),
                ),
            ),
            (
                127,
                include_str!("../fixtures/docker-run-no-bash.stderr"),
                NoProgram(
                    "runc: runc create failed: unable to start container process: exec: \"/bin/bash\": stat /bin/bash: no \
                     such file or directory: OCI runtime attempted to invoke a command that was not found"
                        .to_owned(),
                ),
            ),
            (
                127,
                include_str!("../fixtures/podman-run-no-bash.stderr"),
                NoProgram(
                    "runc: runc create failed: unable to start container process: exec: \"/bin/bash\": stat /bin/bash: no \
                     such file or directory: OCI runtime attempted to invoke a command that was not found"
                        .to_owned(),
                ),
            ),
            (
                125,
                include_str!("../fixtures/podman-run-bad-flag.stderr"),
                Refusal("unknown flag: --nosuchflag".to_owned()),
            ),
            (
                126,
                include_str!("../fixtures/podman-run-bad-user.stderr"),
                Refusal("unable to find user nobodyx: no matching entries in passwd file".to_owned()),
            ),
            (
                125,
                include_str!("../fixtures/podman-pull-failed.stderr"),
                Refusal(
                    "initializing source docker://localhost/none:1: pinging container registry localhost: Get \
                     \"https://localhost/v2/\": dial tcp 127.0.0.1:443: connect: connection refused"
                        .to_owned(),
                ),
            ),
        ];
        for (code, stderr, trouble) in expected {
            assert_eq!(failed(code, stderr), trouble);
        }
    }

    #[test]
    fn a_missing_right_is_not_waited_out() {
        let stderr = "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: \
                      Get \"http://x/v1.50/containers/json\": dial unix /var/run/docker.sock: connect: permission denied\n";
        assert!(matches!(failed(1, stderr), Trouble::Refusal(_)));
    }

    #[test]
    fn a_killed_client_is_asked_again() {
        let output = Output {
            exit: Exit::Signal(9),
            stdout: Vec::new(),
            stderr: Vec::new(),
        };
        assert!(matches!(of(&output), Some(Trouble::Unreachable(_))));
    }

    proptest::proptest! {
        #[test]
        fn any_words_become_one_line(text in "\\PC*", lines in "([a-z: \n]|Error: ){0,20}") {
            for text in [text, lines] {
                proptest::prop_assert!(!sentence(&text).contains('\n'));
            }
        }
    }
}
