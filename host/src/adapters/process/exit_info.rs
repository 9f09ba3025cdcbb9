//! How a process ended that is not our child. The kernel tells that since Linux 6.15 to whoever holds a pidfd; before, only
//! for the moment in which the process has ended and nobody has reaped it.

use rustix::{
    fd::AsFd,
    ioctl::{Updater, ioctl, opcode},
    process::Pid,
};

use super::{child::Exit, stat::Stat};

/// What `PIDFD_GET_INFO` fills in: `struct pidfd_info` in its first version.
#[repr(C)]
#[derive(Default)]
struct PidfdInfo {
    mask: u64,
    cgroup: u64,
    ids: [u32; 11],
    exit_code: i32,
}

/// Asks for the exit code, and says that it was given.
const EXIT: u64 = 1 << 3;

const GET_INFO: rustix::ioctl::Opcode = opcode::read_write::<PidfdInfo>(0xFF, 11);

/// How the process behind a pidfd ended, which it has; it started at this tick. None, where the kernel does not tell.
pub(super) fn exit_of(pidfd: impl AsFd, leader: Pid, started: u64) -> Option<Exit> {
    // It may be reaped between two of these questions, so the first one comes twice.
    from_pidfd(&pidfd)
        .or_else(|| from_zombie(leader, started))
        .or_else(|| from_pidfd(&pidfd))
}

#[expect(unsafe_code, reason = "rustix has no safe form of this request")]
fn from_pidfd(pidfd: impl AsFd) -> Option<Exit> {
    let mut info = PidfdInfo {
        mask: EXIT,
        ..PidfdInfo::default()
    };
    // SAFETY: the request reads and writes one structure of this size and layout, whatever it answers; a kernel that does
    // not know it, and any file that is no pidfd, answers with an error.
    let asked = unsafe { ioctl(pidfd, Updater::<GET_INFO, PidfdInfo>::new(&mut info)) };
    (asked.is_ok() && info.mask & EXIT != 0).then(|| decoded(info.exit_code))
}

/// A process that has ended and waits to be reaped still has a line in `/proc`.
fn from_zombie(leader: Pid, started: u64) -> Option<Exit> {
    let stat = Stat::of(leader)?;
    let is_it = stat.started() == Some(started) && stat.is_zombie();
    is_it.then(|| stat.exit_code().map(decoded))?
}

/// What `wait` would have said.
const fn decoded(status: i32) -> Exit {
    match status & 0x7f {
        0 => Exit::Code((status >> 8) & 0xff),
        signal => Exit::Signal(signal),
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::{PidfdFlags, pidfd_open};

    use super::*;
    use crate::adapters::process::child::Launch;

    #[tokio::test]
    async fn a_zombie_tells_how_it_ended() {
        for (script, exit) in [("exit 7", Exit::Code(7)), ("kill -9 $$", Exit::Signal(9))] {
            let child = Launch::new("/bin/bash", ["-c", script]).start().unwrap().0;
            let leader = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
            let pidfd = pidfd_open(leader, PidfdFlags::empty()).unwrap();
            let started = Stat::of(leader).unwrap().started().unwrap();
            child.ended().await.unwrap();
            assert_eq!(exit_of(&pidfd, leader, started), Some(exit));
            assert_eq!(from_zombie(leader, started + 1), None);
            assert_eq!(child.wait().await.unwrap().exit, exit);
            assert_eq!(from_zombie(leader, started), None);
            // Where the kernel still knows, it is right.
            assert!(from_pidfd(&pidfd).is_none_or(|told| told == exit));
        }
    }
}
