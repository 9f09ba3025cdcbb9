//! Starts programs: compilers and package managers. Nothing else in this crate does.

use std::{
    ffi::OsStr,
    io,
    process::{Command, Output, Stdio},
};

use anyhow::{Context, Result, anyhow, bail};

/// A program that will be started with the environment of this process.
#[expect(
    clippy::disallowed_methods,
    reason = "a build tool has no host whose process module it could use"
)]
pub(crate) fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.stdin(Stdio::null());
    command
}

/// Runs it to its end and returns what it printed, if it succeeded. All that it said is part of the error.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let output = run(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    if !output.status.success() {
        let said = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).trim().to_owned());
        bail!("{} ({}): {}", shown(command), output.status, said.join("\n").trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The same for a program that may not be installed; `remedy` says how to get it.
pub(crate) fn read_installed(command: &mut Command, remedy: &str) -> Result<String> {
    read(command).map_err(|error| match error.downcast_ref::<io::Error>() {
        Some(cause) if cause.kind() == io::ErrorKind::NotFound => {
            anyhow!(
                "`{}` is not installed: {remedy}",
                command.get_program().to_string_lossy()
            )
        }
        _ => error,
    })
}

/// Runs it to its end.
pub(crate) fn run(command: &mut Command) -> Result<Output> {
    command
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .with_context(|| format!("cannot run {}", shown(command)))
}

/// The program and its arguments, for messages.
pub(crate) fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(OsStr::to_string_lossy));
    format!("`{}`", words.join(" "))
}
