//! A program in our own process group: whoever signals the group, as backends do, reaches both.

use std::{
    io,
    process::{Command, Stdio},
};

use super::child::Exit;

/// A program that was started beside us.
#[derive(Debug)]
pub struct Beside(std::process::Child);

impl Beside {
    /// Starts a program. It reads nothing, and prints where we do.
    ///
    /// # Errors
    /// When it cannot be started.
    #[expect(clippy::disallowed_methods, reason = "nobody but the backend is to end it")]
    pub fn start(program: &str, args: &[String]) -> io::Result<Self> {
        Command::new(program).args(args).stdin(Stdio::null()).spawn().map(Self)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When the system does not tell.
    pub async fn wait(mut self) -> io::Result<Exit> {
        let ended = tokio::task::spawn_blocking(move || self.0.wait()).await;
        Ok(ended.map_err(io::Error::other)??.into())
    }
}
