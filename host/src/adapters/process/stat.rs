//! What the kernel tells in one line about a process. Who is asked about, and why, is others' business.

use std::fs;

use rustix::process::Pid;

/// What `/proc/PID/stat` says of a process, behind its name.
#[derive(Clone, Debug)]
pub(super) struct Stat(String);

impl Stat {
    pub(super) fn of(process: Pid) -> Option<Self> {
        let stat = fs::read(format!("/proc/{}/stat", process.as_raw_nonzero())).ok()?;
        // The second field is a name with anything in it, in parentheses.
        let end_of_name = stat.iter().rposition(|byte| *byte == b')')?;
        let rest = std::str::from_utf8(stat.get(end_of_name.checked_add(1)?..)?).ok()?;
        Some(Self(rest.to_owned()))
    }

    /// A field, by its place behind the name.
    fn field(&self, place: usize) -> Option<&str> {
        self.0.split_ascii_whitespace().nth(place)
    }

    /// Whether it has ended.
    pub(super) fn is_zombie(&self) -> bool {
        matches!(self.field(0), Some("Z" | "X"))
    }

    pub(super) fn group(&self) -> Option<i32> {
        self.field(2)?.parse().ok()
    }

    pub(super) fn session(&self) -> Option<i32> {
        self.field(3)?.parse().ok()
    }

    /// Whether it is a copy of the process that started it, and no other program yet: `PF_FORKNOEXEC`, which stays when it
    /// has ended.
    pub(super) fn is_copy(&self) -> bool {
        let flags = self.field(6).and_then(|flags| flags.parse().ok());
        flags.is_some_and(|flags: u32| flags & 0x40 != 0)
    }

    /// When it started, in ticks since the machine did.
    pub(super) fn started(&self) -> Option<u64> {
        self.field(19)?.parse().ok()
    }

    /// Whether its program was started with no environment at all. The kernel lays out the environment first, and notes
    /// where the code is when the program is in place.
    pub(super) fn has_empty_environment(&self) -> bool {
        let address = |place: usize| self.field(place)?.parse::<u64>().ok();
        address(23) > Some(1) && address(47) == address(48)
    }

    /// How it ended, as `wait` tells it. None before Linux 3.5, or of somebody else's process.
    pub(super) fn exit_code(&self) -> Option<i32> {
        self.field(49)?.parse().ok()
    }
}

/// Whether a process of this number runs. One that has ended and waits to be reaped does not.
pub fn lives(process: u32) -> bool {
    let process = i32::try_from(process).ok().and_then(Pid::from_raw);
    let stat = process.and_then(Stat::of);
    stat.is_some_and(|stat| !stat.is_zombie())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::process::child::Launch;

    #[tokio::test]
    async fn a_copy_is_told_from_a_program() {
        let dir = tempfile::tempdir().unwrap();
        let told = dir.path().join("told");
        // What a subshell runs is run by a copy of the shell.
        let script = format!(
            "(echo $BASHPID > {0}.new; mv {0}.new {0}; kill -9 $BASHPID) & sleep 1000",
            told.display()
        );
        let child = Launch::new("/bin/bash", ["-c", &script]).start().unwrap().0;
        while !told.exists() {
            tokio::task::yield_now().await;
        }
        let number = |text: &str| Pid::from_raw(text.trim().parse().unwrap()).unwrap();
        assert!(!Stat::of(number(&child.id().to_string())).unwrap().is_copy());
        // The program `mv` is over, so what is left is the copy.
        let copy = number(&fs::read_to_string(told).unwrap());
        assert!(Stat::of(copy).is_none_or(|stat| stat.is_copy()));
        child.signal_group(rustix::process::Signal::KILL);
        assert!(child.wait().await.unwrap().began);
    }
}
