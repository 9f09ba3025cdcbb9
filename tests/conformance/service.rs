//! The services behind backends: where they are, and how they are stopped and started in the middle of a test. What is
//! started here outlives the test, so it must not bear the test's mark: everything that does is killed at its end.

use std::{
    env,
    ffi::{OsStr, OsString},
    process::{Command, Stdio},
};

use xqute_tests::{built, machine};

/// A service that tests need.
pub(crate) struct Service {
    /// The variables that say where it is; all of them are there, or it is not. They are handed on to xqute.
    pub(crate) variables: &'static [&'static str],
    /// The script in `tests/services` that starts it.
    pub(crate) script: &'static str,
}

impl Service {
    /// Whether it is there; if not it is said aloud.
    pub(crate) fn is_there(&self, test: &str) -> bool {
        let missing = self.variables.iter().find(|name| env::var_os(name).is_none());
        if let Some(name) = missing {
            let script = format!("tests/services/{}", self.script);
            machine::skip(
                test,
                &format!("{name} is not set; start the service with {script} up, and see {script} env"),
            );
        }
        missing.is_none()
    }

    /// Its variables, with their values.
    pub(crate) fn address(&self) -> impl Iterator<Item = (&'static str, OsString)> {
        let all = self.variables.iter();
        all.filter_map(|name| env::var_os(name).map(|value| (*name, value)))
    }
}

/// Runs the script of a service, with these settings.
pub(crate) fn script(name: &str, args: &[&str], settings: &[(&str, &str)]) {
    let script = built::repository().join("tests/services").join(name);
    let mut command = command("bash");
    command.arg(script).args(args).envs(settings.iter().copied());
    run(command);
}

/// Starts a daemon, which goes into the background by itself.
pub(crate) fn daemon(program: &str, args: &[&str]) {
    let mut command = command(program);
    command.args(args);
    run(command);
}

fn run(mut command: Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "what outlives the test is started apart from all that does not"
)]
fn command(program: impl AsRef<OsStr>) -> Command {
    let path = format!("{}:/usr/sbin:/sbin", env::var("PATH").unwrap_or_default());
    let mut command = Command::new(program);
    // A daemon that kept these open would keep the whole test from being over.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.env("PATH", path);
    command
}

/// The value of a variable that [`Service::is_there`] has looked for.
pub(crate) fn variable(name: &str) -> String {
    env::var(name).unwrap()
}
