//! Processes that left the group of the program that started them, but not its session. `timeout` makes a group of its own
//! for what it runs, and so does a shell with job control. Whoever makes a session of his own wants to be left alone.
//!
//! Each is held by a pidfd, so a signal cannot hit strangers.

use std::{fs, io};

use rustix::{
    fd::OwnedFd,
    process::{Pid, PidfdFlags, Signal, geteuid, pidfd_open, pidfd_send_signal},
};

use super::orphan::{Stat, environment_of, is_of_user, variable};

/// A process that may have left its group.
#[derive(Debug)]
pub struct Stray {
    pidfd: OwnedFd,
    group: i32,
    session: i32,
    environment: Vec<u8>,
}

/// Finds all processes of this user that were started with this environment variable, wherever they went.
///
/// # Errors
/// When the system does not tell what runs.
pub fn find(name: &str, value: &str) -> io::Result<Vec<Stray>> {
    let entries = fs::read_dir("/proc")?.filter_map(Result::ok);
    let ours = geteuid().as_raw();
    let found = entries.filter_map(|entry| {
        let process = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
        if !is_of_user(&entry.path(), ours) {
            return None;
        }
        // Others may end at any moment. What is read while the pidfd is open and the process lives is about it.
        let pidfd = pidfd_open(process, PidfdFlags::empty()).ok()?;
        let environment = environment_of(process)?;
        if variable(&environment, name)? != value.as_bytes() {
            return None;
        }
        let stat = Stat::of(process)?;
        Some(Stray {
            pidfd,
            group: stat.group()?,
            session: stat.session()?,
            environment,
        })
    });
    Ok(found.collect())
}

/// The session that a process is in.
pub fn session_of(process: u32) -> Option<i32> {
    Stat::of(Pid::from_raw(i32::try_from(process).ok()?)?)?.session()
}

impl Stray {
    /// Whether it is in the group that this process leads.
    pub fn is_led_by(&self, leader: u32) -> bool {
        u32::try_from(self.group) == Ok(leader)
    }

    /// The session that it is in.
    pub const fn session(&self) -> i32 {
        self.session
    }

    /// What a variable of its environment held when it was started.
    pub fn variable(&self, name: &str) -> Option<&[u8]> {
        variable(&self.environment, name)
    }

    /// Sends it a signal, if it lives.
    pub fn signal(&self, signal: Signal) {
        let _ended = pidfd_send_signal(&self.pidfd, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::process::child::{Child, Launch};

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
            let elsewhere = |stray: &&Stray| stray.session() != session;
            let strays = |stray: &&Stray| stray.session() == session && !stray.is_led_by(child.id());
            if all.iter().filter(elsewhere).count() == 1 && all.iter().filter(strays).count() == 2 {
                break all;
            }
            tokio::task::yield_now().await;
        };
        assert!(
            all.iter()
                .all(|stray| stray.variable(MARK) == Some(value.as_bytes()) && stray.variable("XQUTE_TEST").is_none())
        );
        child.signal_group(Signal::KILL);
        child.ended().await.unwrap();
        all.iter().for_each(|stray| stray.signal(Signal::KILL));
        while !find(MARK, &value).unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        all.iter().for_each(|stray| stray.signal(Signal::KILL));
    }
}
