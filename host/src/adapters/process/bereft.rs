//! Programs that were run for what they print and outlived whoever wanted to know: a killed process leaves them behind, and what
//! they were to do may still happen.

use std::{io, time::Duration};

use super::marked::{self, Marked};
use crate::adapters::readable::readable;

/// What marks them: whoever they were run for. What they start inherits it.
pub const VARIABLE: &str = "XQUTE_CALL_OF";

/// Waits until all of these programs have ended, but no longer than this. Whether they have.
///
/// # Errors
/// When the system does not tell what runs.
pub async fn ended(whose: &str, patience: Duration) -> io::Result<bool> {
    let waiting = async {
        for program in marked::find(VARIABLE, whose)?.iter().filter(|found| is_first(found)) {
            if let Some(pidfd) = program.hold()? {
                readable(pidfd)?.readable().await?.retain_ready();
            }
        }
        Ok(())
    };
    match tokio::time::timeout(patience, waiting).await {
        Ok(done) => done.map(|()| true),
        Err(_) => Ok(false),
    }
}

/// Whether it is the program itself, which leads a group in the session of whoever started it. What lives on in the background
/// has a session of its own: servers, jobs.
fn is_first(found: &Marked) -> bool {
    found.is_led_by(found.id()) && u32::try_from(found.session()) != Ok(found.id())
}

#[cfg(test)]
mod tests {
    use std::{
        os::unix::process::CommandExt as _,
        process::{Command, Stdio},
    };

    use super::*;

    #[tokio::test]
    #[expect(
        clippy::disallowed_methods,
        reason = "stands in for a program that a killed host left behind"
    )]
    async fn only_the_program_itself_is_waited_for() {
        let whose = format!("test-{}", std::process::id());
        // It leaves something in the background, which has a session of its own and goes on until it is ended.
        let mut program = Command::new("bash")
            .args(["-c", "setsid sleep 60 >/dev/null & echo $!; read -r"])
            .env(VARIABLE, &whose)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut said = String::new();
        io::BufRead::read_line(&mut io::BufReader::new(program.stdout.take().unwrap()), &mut said).unwrap();
        assert!(!ended(&whose, Duration::from_millis(20)).await.unwrap());
        assert!(ended("somebody else", Duration::from_millis(20)).await.unwrap());
        drop(program.stdin.take());
        assert!(ended(&whose, Duration::from_secs(60)).await.unwrap());
        program.wait().unwrap();
        let left = rustix::process::Pid::from_raw(said.trim().parse().unwrap()).unwrap();
        rustix::process::kill_process(left, rustix::process::Signal::KILL).unwrap();
    }
}
