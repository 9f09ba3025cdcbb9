//! Tests of a plugin's native half against the real backend: its programs are started, and where it is not there the test
//! says so loudly.
//!
//! ```
//! use xqute_plugin::{process, testing::{Host, real}};
//!
//! let Some(_path) = real::backend("PATH", "programs") else { return };
//! let host = Host::new();
//! host.on_program("echo", real::start);
//! assert_eq!(process::run("echo", ["hello"]).unwrap().stdout_text(), "hello\n");
//! ```

use std::{
    collections::hash_map::RandomState,
    env,
    hash::BuildHasher as _,
    io::{self, Write as _},
    os::unix::process::ExitStatusExt as _,
    process::{ExitStatus, Stdio},
    thread,
};

use super::Call;
use crate::{Error, Exit, Job, JobRef, Output};

/// The value of the environment variable by which tests find the backend; `what` names the backend, and may say how to start
/// one. Without a value the test is to be skipped, which is said on stderr even where the output of tests is hidden.
///
/// # Panics
/// Without a value where `CI` is `true`: there a test that is skipped is a failure.
pub fn backend(variable: &str, what: &str) -> Option<String> {
    let value = env::var(variable).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        let missing = format!("no {what} ({variable} is unset)");
        assert!(env::var("CI").as_deref() != Ok("true"), "{missing}, but CI is true");
        // Not by a macro: what those print is hidden when a test passes. Nobody may be there to read it.
        let _unread = writeln!(io::stderr(), "SKIPPED: {missing}");
    }
    value
}

/// Sixteen hexadecimal digits as in [`RunInfo::tag`](crate::RunInfo::tag), other ones each time.
pub fn tag() -> String {
    format!("{:016x}", RandomState::new().hash_one("tag"))
}

/// Starts the program that a plugin called, and waits until nobody can write to its outputs any more.
///
/// # Errors
/// [`Error::Rejected`] if it cannot be started, and what went wrong when it was read from.
pub fn start(call: &Call) -> Result<Output, Error> {
    run(call).map_err(|error| Error::Rejected(format!("{}: {error}", call.program)))
}

#[expect(
    clippy::disallowed_methods,
    reason = "stands in for the host, which starts programs for plugins"
)]
fn run(call: &Call) -> io::Result<Output> {
    let mut child = std::process::Command::new(&call.program)
        .args(&call.args)
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let stdin = child.stdin.take();
    let output = thread::scope(|scope| {
        // Who does not read all of it need not.
        scope.spawn(|| stdin.map(|mut stdin| stdin.write_all(&call.stdin)));
        child.wait_with_output()
    })?;
    Ok(Output {
        exit: exit(output.status),
        stdout: output.stdout,
        stderr: output.stderr,
    })
}

fn exit(status: ExitStatus) -> Exit {
    let signal = || Exit::Signal(status.signal().unwrap_or_default());
    status.code().map_or_else(signal, Exit::Code)
}

/// The attempts that were submitted, by what the backend calls them.
///
/// # Panics
/// If the backend did not take one of them.
#[expect(clippy::panic, reason = "that is how a test fails")]
pub fn accepted(jobs: &[Job], ids: &[Result<String, Error>]) -> Vec<JobRef> {
    assert_eq!(jobs.len(), ids.len(), "there is an answer for each job");
    let name = |(job, id): (&Job, &Result<String, Error>)| match id {
        Ok(id) => JobRef {
            index: job.index,
            attempt: job.attempt,
            backend_id: id.clone(),
        },
        Err(error) => panic!("the backend did not take job {}: {error:?}", job.index),
    };
    jobs.iter().zip(ids).map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(script: &str, stdin: &[u8]) -> Result<Output, Error> {
        start(&Call {
            program: "sh".to_owned(),
            args: vec!["-c".to_owned(), script.to_owned()],
            stdin: stdin.to_vec(),
        })
    }

    #[test]
    fn what_a_program_does_comes_back() {
        let output = call("cat; echo oh >&2; exit 3", b"in").unwrap();
        assert_eq!(
            (output.stdout, output.stderr, output.exit),
            (b"in".into(), b"oh\n".into(), Exit::Code(3))
        );
        assert_eq!(call("kill -9 $$", b"").unwrap().exit, Exit::Signal(9));
        let much = vec![b'x'; 1 << 20];
        assert!(call("exit 0", &much).unwrap().succeeded(), "who reads nothing");
        assert_eq!(call("cat", &much).unwrap().stdout, much, "more than a pipe holds");
    }

    #[test]
    fn a_program_that_is_missing_is_named() {
        let missing = Call {
            program: "no-such-program".to_owned(),
            args: Vec::new(),
            stdin: Vec::new(),
        };
        assert!(matches!(start(&missing), Err(Error::Rejected(said)) if said.starts_with("no-such-program: ")));
    }

    #[test]
    fn tags_differ() {
        assert_eq!(tag().len(), 16);
        assert_ne!(tag(), tag());
    }
}
