//! Processes that left the group of the program that started them, but not its session. `timeout` makes a group of its own
//! for what it runs, and so does a shell with job control. Whoever makes a session of his own wants to be left alone.
//!
//! Each is held by a pidfd, so a signal cannot hit strangers.

use std::io;

use rustix::{
    fd::OwnedFd,
    process::{Signal, pidfd_send_signal},
};

use super::marked::Marked;

/// A process that may have left its group.
#[derive(Debug)]
pub struct Stray(OwnedFd);

impl Stray {
    /// Holds on to a process, unless it has ended since it was found.
    ///
    /// # Errors
    /// When the system has no room for that.
    pub fn hold(process: &Marked) -> io::Result<Option<Self>> {
        Ok(process.hold()?.map(Self))
    }

    /// Sends it a signal, if it lives.
    pub fn signal(&self, signal: Signal) {
        let _ended = pidfd_send_signal(&self.0, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::process::{
        child::{Child, Launch},
        marked::{find, session_of},
    };

    const MARK: &str = "XQUTE_TEST_STRAY";

    #[tokio::test]
    async fn they_are_found_in_other_groups_and_sessions_and_can_be_ended() {
        let value = std::process::id().to_string();
        let script = "timeout 1000 sleep 1000 & setsid sleep 1000 & wait";
        let launch = Launch::new("/bin/bash", ["-c", script]).env(MARK, &value);
        let child: Child = launch.start().unwrap().0;
        let session = session_of(child.id()).unwrap();
        let all = loop {
            let all = find(MARK, &value).unwrap();
            let elsewhere = |stray: &&Marked| stray.session() != session;
            let strays = |stray: &&Marked| stray.session() == session && !stray.is_led_by(child.id());
            if all.iter().filter(elsewhere).count() == 1 && all.iter().filter(strays).count() == 2 {
                break all;
            }
            tokio::task::yield_now().await;
        };
        assert!(
            all.iter()
                .all(|stray| stray.variable(MARK) == Some(value.as_bytes()) && stray.variable("XQUTE_TEST").is_none())
        );
        let held: Vec<_> = all.iter().filter_map(|stray| Stray::hold(stray).unwrap()).collect();
        assert_eq!(held.len(), all.len());
        child.signal_group(Signal::KILL);
        child.ended().await.unwrap();
        held.iter().for_each(|stray| stray.signal(Signal::KILL));
        while !find(MARK, &value).unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        held.iter().for_each(|stray| stray.signal(Signal::KILL));
        assert!(all.iter().all(|stray| Stray::hold(stray).unwrap().is_none()));
    }
}
