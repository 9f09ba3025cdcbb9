//! Programs that another process started and left: how they are found, watched and ended.
//!
//! Their numbers are not kept for us as those of our own children are, so each is looked at twice: a signal goes to a group
//! only while its leader lives, or when nobody has borne its number since.

use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::OwnedFd,
    process::{Pid, Signal, kill_process_group, test_kill_process},
};
use tokio::io::unix::AsyncFd;

use super::{
    child::Exit,
    exit_info::exit_of,
    marked::{self, Marked},
};
use crate::adapters::readable::readable;

/// A process that leads its group, as it was found.
#[derive(Clone, Debug)]
pub struct Found(Marked);

/// Finds all processes of this user that lead their group and were started with this environment variable.
///
/// # Errors
/// When the system does not tell what runs.
pub fn find(name: &str, value: &str) -> io::Result<Vec<Found>> {
    let marked = marked::find(name, value)?.into_iter();
    Ok(marked.filter(|one| one.is_led_by(one.id())).map(Found).collect())
}

impl Found {
    /// The process id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// When it started, in ticks since the machine did.
    pub const fn started(&self) -> u64 {
        self.0.started()
    }

    /// What a variable of its environment held when it was started.
    pub fn variable(&self, name: &str) -> Option<&[u8]> {
        self.0.variable(name)
    }

    /// Keeps an eye on it from now on, unless it has ended since. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When the system has no room for one more eye: whether it has ended is not known then.
    pub fn adopt(&self) -> io::Result<Option<Orphan>> {
        let Some(pidfd) = self.0.hold()? else { return Ok(None) };
        Ok(Some(Orphan {
            leader: self.0.process(),
            started: self.0.started(),
            pidfd: readable(pidfd)?,
            signalled: AtomicBool::new(false),
        }))
    }
}

/// A running program that is not our child. It goes on when this is dropped.
#[derive(Debug)]
pub struct Orphan {
    leader: Pid,
    started: u64,
    pidfd: AsyncFd<OwnedFd>,
    /// Somebody sent a signal to the group: nothing of it is to be left when the leader has ended.
    signalled: AtomicBool,
}

impl Orphan {
    /// The process id, which is the group's id as well.
    pub fn id(&self) -> u32 {
        self.leader.as_raw_nonzero().get().unsigned_abs()
    }

    /// Returns when it has ended.
    ///
    /// # Errors
    /// When the runtime shuts down.
    pub async fn ended(&self) -> io::Result<()> {
        self.pidfd.readable().await.map(|_guard| ())
    }

    /// Waits for its end, and says how it ended where the kernel tells that of a process that is not ours. If a signal was
    /// sent to the group, what is left of it is killed; else it goes on.
    ///
    /// # Errors
    /// When the runtime shuts down.
    pub async fn wait(&self) -> io::Result<Option<Exit>> {
        self.ended().await?;
        let exit = exit_of(&self.pidfd, self.leader, self.started);
        if self.signalled.load(Ordering::Relaxed) {
            self.signal_group(Signal::KILL);
        }
        Ok(exit)
    }

    /// Sends a signal to the whole group, unless that might be another one by now.
    pub fn signal_group(&self, signal: Signal) {
        // The kernel gives no number to a new process that a group still bears.
        if self.leader_lives() || test_kill_process(self.leader).is_err() {
            let _ = kill_process_group(self.leader, signal);
            self.signalled.store(true, Ordering::Relaxed);
        }
    }

    fn leader_lives(&self) -> bool {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let mut end = [PollFd::new(&self.pidfd, PollFlags::IN)];
        matches!(poll(&mut end, Some(&now)), Ok(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::process::child::{Child, Launch};

    fn bash(script: &str, mark: &str) -> Child {
        let launch = Launch::new("/bin/bash", ["-c", script]).env("XQUTE_TEST_ORPHAN", mark);
        launch.start().unwrap().0
    }

    fn only(mark: &str) -> Option<Found> {
        let mut all = find("XQUTE_TEST_ORPHAN", mark).unwrap();
        assert!(all.len() <= 1, "{all:?}");
        all.pop()
    }

    #[tokio::test]
    async fn leaders_are_found_by_what_they_were_started_with() {
        let mark = format!("found-{}", std::process::id());
        assert!(only(&mark).is_none());
        // The one in the background has the variable too, but leads no group.
        let child = bash("sleep 1000 & wait; :", &mark);
        let found = only(&mark).unwrap();
        assert_eq!(found.id(), child.id());
        assert_eq!(found.variable("XQUTE_TEST_ORPHAN"), Some(mark.as_bytes()));
        assert_eq!(found.variable("XQUTE_TEST"), None);
        child.signal_group(Signal::KILL);
        child.ended().await.unwrap();
        // It has not been reaped, but lives no more.
        assert!(only(&mark).is_none());
        assert!(found.adopt().unwrap().is_none());
    }

    #[tokio::test]
    async fn an_orphan_can_be_watched_and_ended() {
        let mark = format!("ended-{}", std::process::id());
        let child = bash("sleep 1000 & wait; :", &mark);
        let orphan = only(&mark).unwrap().adopt().unwrap().unwrap();
        assert_eq!(orphan.id(), child.id());
        orphan.signal_group(Signal::TERM);
        assert_eq!(orphan.wait().await.unwrap(), Some(Exit::Signal(15)));
        assert_eq!(child.wait().await.unwrap().exit, Exit::Signal(15));
        // Its number may be somebody else's from here on.
        orphan.signal_group(Signal::KILL);
    }
}
