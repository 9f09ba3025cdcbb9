//! Programs that another process started and left: how they are found, watched and ended.
//!
//! Their numbers are not kept for us as those of our own children are, so each is looked at twice: a signal goes to a group
//! only while its leader lives, or when nobody has borne its number since.

use std::{
    fs,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::OwnedFd,
    io::Errno,
    process::{Pid, PidfdFlags, Signal, geteuid, kill_process_group, pidfd_open, test_kill_process},
};
use tokio::io::unix::AsyncFd;

use super::{
    child::{Exit, watch},
    exit_info::exit_of,
};

/// A process that leads its group, as it was found.
#[derive(Clone, Debug)]
pub struct Found {
    leader: Pid,
    /// When it started, in ticks since the machine did.
    pub started: u64,
    /// The environment that it was started with.
    environment: Vec<u8>,
}

/// Finds all processes of this user that lead their group and were started with this environment variable.
///
/// # Errors
/// When the system does not tell what runs.
pub fn find(name: &str, value: &str) -> io::Result<Vec<Found>> {
    let entries = fs::read_dir("/proc")?.filter_map(Result::ok);
    let ours = geteuid().as_raw();
    let found = entries.filter_map(|entry| {
        let leader = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
        let started = leader_started(leader)?;
        let process = entry.path();
        // Others may end, or turn out to be somebody else's, at any moment.
        let environment = is_of_user(&process, ours).then(|| environment_of(leader))??;
        let found = Found {
            leader,
            started,
            environment,
        };
        (found.variable(name)? == value.as_bytes()).then_some(found)
    });
    Ok(found.collect())
}

impl Found {
    /// The process id.
    pub fn id(&self) -> u32 {
        self.leader.as_raw_nonzero().get().unsigned_abs()
    }

    /// What a variable of its environment held when it was started.
    pub fn variable(&self, name: &str) -> Option<&[u8]> {
        variable(&self.environment, name)
    }

    /// Keeps an eye on it from now on, unless it has ended since. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When the system has no room for one more eye: whether it has ended is not known then.
    pub fn adopt(&self) -> io::Result<Option<Orphan>> {
        let pidfd = match pidfd_open(self.leader, PidfdFlags::empty()) {
            Err(Errno::SRCH) => return Ok(None),
            pidfd => watch(pidfd?)?,
        };
        let orphan = Orphan {
            leader: self.leader,
            started: self.started,
            pidfd,
            signalled: AtomicBool::new(false),
        };
        Ok((leader_started(self.leader) == Some(self.started)).then_some(orphan))
    }
}

/// How often a process that shows no environment is looked at. Each look takes some microseconds.
const LOOKS: usize = 10_000;

/// What a live process was started with. One that is about to become another program shows nothing for a moment.
pub(super) fn environment_of(process: Pid) -> Option<Vec<u8>> {
    for _ in 0..LOOKS {
        let environment = at_once(&format!("/proc/{}/environ", process.as_raw_nonzero())).ok()?;
        if !environment.is_empty() {
            return Some(environment);
        }
        let stat = Stat::of(process)?;
        if stat.is_zombie() || stat.has_empty_environment() {
            break;
        }
        std::thread::yield_now();
    }
    None
}

/// What a file holds at one moment: what is read later may be another program's.
fn at_once(file: &str) -> io::Result<Vec<u8>> {
    let mut size = 64 << 10;
    loop {
        let mut content = vec![0; size];
        let read = fs::File::open(file)?.read(&mut content)?;
        if read < size {
            content.truncate(read);
            return Ok(content);
        }
        size *= 2;
    }
}

/// What a variable holds in an environment as the kernel shows it. A bash that starts puts an end behind each name for a
/// moment, where the equals sign was.
pub(super) fn variable<'a>(environment: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut parts = environment.split(|byte| *byte == 0);
    while let Some(part) = parts.next() {
        match part.strip_prefix(name.as_bytes()) {
            Some([]) => return parts.next(),
            Some([b'=', value @ ..]) => return Some(value),
            _ => {}
        }
    }
    None
}

/// Whether a folder of `/proc` is about a process of this user.
pub(super) fn is_of_user(process: &Path, user: u32) -> bool {
    fs::metadata(process).is_ok_and(|process| process.uid() == user)
}

/// When a live process that leads its group started.
fn leader_started(process: Pid) -> Option<u64> {
    let stat = Stat::of(process)?;
    let leads = stat.group() == Some(process.as_raw_nonzero().get());
    (leads && !stat.is_zombie()).then(|| stat.started())?
}

/// What `/proc/PID/stat` says of a process, behind its name.
pub(super) struct Stat(Vec<String>);

impl Stat {
    pub(super) fn of(process: Pid) -> Option<Self> {
        let stat = fs::read(format!("/proc/{}/stat", process.as_raw_nonzero())).ok()?;
        // The second field is a name with anything in it, in parentheses.
        let end_of_name = stat.iter().rposition(|byte| *byte == b')')?;
        let rest = std::str::from_utf8(stat.get(end_of_name.checked_add(1)?..)?).ok()?;
        Some(Self(rest.split_ascii_whitespace().map(str::to_owned).collect()))
    }

    /// Whether it has ended.
    pub(super) fn is_zombie(&self) -> bool {
        matches!(self.0.first().map(String::as_str), Some("Z" | "X"))
    }

    pub(super) fn group(&self) -> Option<i32> {
        self.0.get(2)?.parse().ok()
    }

    pub(super) fn session(&self) -> Option<i32> {
        self.0.get(3)?.parse().ok()
    }

    /// When it started, in ticks since the machine did.
    pub(super) fn started(&self) -> Option<u64> {
        self.0.get(19)?.parse().ok()
    }

    /// Whether its program was started with no environment at all. The kernel lays out the environment first, and notes
    /// where the code is when the program is in place.
    fn has_empty_environment(&self) -> bool {
        let address = |field: usize| self.0.get(field)?.parse::<u64>().ok();
        address(23) > Some(1) && address(47) == address(48)
    }

    /// How it ended, as `wait` tells it. None before Linux 3.5, or of somebody else's process.
    pub(super) fn exit_code(&self) -> Option<i32> {
        self.0.get(49)?.parse().ok()
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
    async fn one_that_becomes_another_program_is_found_at_any_moment() {
        let mark = format!("becomes-{}", std::process::id());
        let again = "if (( $1 )); then exec /bin/bash -c \"$0\" \"$0\" $(( $1 - 1 )); fi; sleep 1000; :";
        let launch = Launch::new("/bin/bash", ["-c", again, again, "200"]).env("XQUTE_TEST_ORPHAN", &mark);
        let child = launch.start().unwrap().0;
        let last = |child: &Child| {
            fs::read(format!("/proc/{}/cmdline", child.id()))
                .unwrap()
                .ends_with(b"\x000\0")
        };
        while !last(&child) {
            assert!(only(&mark).is_some());
        }
        child.signal_group(Signal::KILL);
    }

    #[tokio::test]
    async fn a_process_without_an_environment_is_seen_as_such() {
        let launch = Launch::new("/usr/bin/env", ["-i", "/bin/sleep", "1000"]);
        let child = launch.start().unwrap().0;
        let id = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        while !Stat::of(id).unwrap().has_empty_environment() {
            tokio::task::yield_now().await;
        }
        assert_eq!(environment_of(id), None);
        child.signal_group(Signal::KILL);
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
