//! Processes that bear a mark: a variable in the environment that they were started with. They are found by it whoever
//! started them, and whatever became of him. What is done about them is others' business.

use std::{
    fs,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::Path,
};

use rustix::{
    fd::OwnedFd,
    io::Errno,
    process::{Pid, PidfdFlags, geteuid, pidfd_open},
};

use super::stat::Stat;

/// A process that bears a mark, as it was found.
#[derive(Clone, Debug)]
pub struct Marked {
    process: Pid,
    started: u64,
    group: i32,
    session: i32,
    environment: Vec<u8>,
}

/// Finds all processes of this user that live and were started with this environment variable. This takes some
/// microseconds for each process of the user, and waits for nothing.
///
/// # Errors
/// When the system does not tell what runs.
pub fn find(name: &str, value: &str) -> io::Result<Vec<Marked>> {
    let entries = fs::read_dir("/proc")?.filter_map(Result::ok);
    let ours = geteuid().as_raw();
    let found = entries.filter_map(|entry| {
        let process = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
        // Others may end, or turn out to be somebody else's, at any moment.
        let environment = is_of_user(&entry.path(), ours).then(|| environment_of(process))??;
        if variable(&environment, name)? != value.as_bytes() {
            return None;
        }
        let stat = Stat::of(process).filter(|stat| !stat.is_zombie())?;
        Some(Marked {
            process,
            started: stat.started()?,
            group: stat.group()?,
            session: stat.session()?,
            environment,
        })
    });
    Ok(found.collect())
}

impl Marked {
    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.as_raw_nonzero().get().unsigned_abs()
    }

    pub(super) const fn process(&self) -> Pid {
        self.process
    }

    /// When it started, in ticks since the machine did.
    pub const fn started(&self) -> u64 {
        self.started
    }

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

    /// Holds on to it by a pidfd, unless it has ended since.
    ///
    /// # Errors
    /// When the system has no room for that: whether it has ended is not known then.
    pub(super) fn hold(&self) -> io::Result<Option<OwnedFd>> {
        let pidfd = match pidfd_open(self.process, PidfdFlags::empty()) {
            Err(Errno::SRCH) => return Ok(None),
            pidfd => pidfd?,
        };
        // Its number may be another one's by now.
        let is_it = live_since(self.process) == Some(self.started);
        Ok(is_it.then_some(pidfd))
    }
}

/// When a live process started.
pub(super) fn live_since(process: Pid) -> Option<u64> {
    Stat::of(process).filter(|stat| !stat.is_zombie())?.started()
}

/// The session that a process is in.
pub fn session_of(process: u32) -> Option<i32> {
    Stat::of(Pid::from_raw(i32::try_from(process).ok()?)?)?.session()
}

/// How often a process that shows no environment is looked at. Each look takes some microseconds.
const LOOKS: usize = 10_000;

/// What a live process was started with. One that is about to become another program shows nothing for a moment.
fn environment_of(process: Pid) -> Option<Vec<u8>> {
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
fn variable<'a>(environment: &'a [u8], name: &str) -> Option<&'a [u8]> {
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
fn is_of_user(process: &Path, user: u32) -> bool {
    fs::metadata(process).is_ok_and(|process| process.uid() == user)
}

#[cfg(test)]
mod tests {
    use rustix::process::Signal;

    use super::*;
    use crate::adapters::process::child::{Child, Launch};

    const MARK: &str = "XQUTE_TEST_MARK";

    #[tokio::test]
    async fn one_that_becomes_another_program_is_found_at_any_moment() {
        let mark = format!("becomes-{}", std::process::id());
        let again = "if (( $1 )); then exec /bin/bash -c \"$0\" \"$0\" $(( $1 - 1 )); fi; sleep 1000; :";
        let launch = Launch::new("/bin/bash", ["-c", again, again, "200"]).env(MARK, &mark);
        let child = launch.start().unwrap().0;
        let last = |child: &Child| {
            fs::read(format!("/proc/{}/cmdline", child.id()))
                .unwrap()
                .ends_with(b"\x000\0")
        };
        while !last(&child) {
            assert!(!find(MARK, &mark).unwrap().is_empty());
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
}
