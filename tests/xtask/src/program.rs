//! Starts programs. Nothing else in this crate does.

use std::{
    ffi::OsStr,
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Command, ExitStatus, Stdio},
};

use anyhow::{Context as _, Error, Result, bail};

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

/// The cargo that runs this.
pub(crate) fn cargo() -> Command {
    program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Whether PATH leads to it.
pub(crate) fn is_installed(name: &str) -> bool {
    on_path(name).is_some()
}

/// Where PATH leads to.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Shows the command, runs it to its end with our own output, and wants it to succeed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    println!("xtask: {}", shown(command));
    let status = status(command)?;
    succeeded(command, status)
}

/// Runs it to its end.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    command
        .status()
        .with_context(|| format!("cannot run {}", shown(command)))
}

/// Runs it to its end and returns what it printed. Its stderr stays ours.
pub(crate) fn read(command: &mut Command) -> Result<Vec<u8>> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {}", shown(command)))?;
    succeeded(command, output.status)?;
    Ok(output.stdout)
}

/// Shows the command and becomes it, so that signals and the exit code are its own. Returns only when that failed.
pub(crate) fn become_it(command: &mut Command) -> Error {
    println!("xtask: {}", shown(command));
    let error = command.exec();
    Error::new(error).context(format!("cannot run {}", shown(command)))
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("{} failed: {status}", shown(command));
    }
    Ok(())
}

/// The environment that was set for it, the program and its arguments.
pub(crate) fn shown(command: &Command) -> String {
    let set = command
        .get_envs()
        .filter_map(|(name, value)| Some(format!("{}={}", name.to_string_lossy(), value?.to_string_lossy())));
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let words = words.map(|word| word.to_string_lossy().into_owned());
    format!("`{}`", set.chain(words).collect::<Vec<_>>().join(" "))
}
