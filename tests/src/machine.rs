//! The machine that tests run on: waiting for things to happen, processes, and small or read-only disks.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Once,
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, geteuid, getpid, kill_process, kill_process_group, set_child_subreaper};

const PAUSE: Duration = Duration::from_millis(10);
/// About ten minutes, as some tests compile a lot: only a test that fails anyhow waits that long.
const PAUSES: u32 = 60_000;

/// Waits until there is something, and returns it. Waits long; panics when nothing comes.
#[track_caller]
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..PAUSES {
        if let Some(found) = look() {
            return found;
        }
        thread::sleep(PAUSE);
    }
    panic!("waited in vain until {what}");
}

/// Waits until something holds. Waits long; panics when it never does.
#[track_caller]
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    wait_for(what, || holds().then_some(()));
}

/// The processes that have this text in their environment.
pub fn processes_with(mark: &str) -> Vec<Pid> {
    let is_marked = |process: &Pid| {
        let environment = fs::read(format!("/proc/{}/environ", process.as_raw_nonzero())).unwrap_or_default();
        environment.windows(mark.len()).any(|part| part == mark.as_bytes())
    };
    processes().filter(is_marked).collect()
}

fn processes() -> impl Iterator<Item = Pid> {
    let numbers = fs::read_dir("/proc").expect("this is Linux");
    let numbers = numbers.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    numbers.filter_map(Pid::from_raw)
}

/// The process that has started a process.
pub fn parent(child: Pid) -> Option<Pid> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.as_raw_nonzero())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
    Pid::from_raw(line.trim().parse().ok()?)
}

/// The processes that a process has started and that live.
pub fn children(of: Pid) -> Vec<Pid> {
    processes().filter(|child| parent(*child) == Some(of)).collect()
}

/// Makes sure that xqute can tell the exit code of a process whose starter is gone. The kernel keeps it since Linux 6.15;
/// before that only until the process is reaped, which here nobody does: such processes become those of this one.
pub fn keep_exit_codes() {
    static ONCE: Once = Once::new();
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("this is Linux");
    let mut numbers = release
        .split(['.', '-'])
        .map_while(|number| number.trim().parse::<u32>().ok());
    if (numbers.next(), numbers.next()) >= (Some(6), Some(15)) {
        return;
    }
    ONCE.call_once(|| {
        eprintln!(
            "this kernel forgets how processes ended; jobs that outlive their xqute are not reaped by these tests"
        );
        set_child_subreaper(Some(getpid())).expect("it is allowed to everybody");
    });
}

/// Sends a signal; the process may be gone.
pub fn signal(process: Pid, signal: Signal) {
    let _gone = kill_process(process, signal);
}

/// Sends a signal to the group that a process leads; it may be gone.
pub fn signal_group(leader: Pid, signal: Signal) {
    let _gone = kill_process_group(leader, signal);
}

/// Whether a process is stopped.
pub fn is_stopped(process: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", process.as_raw_nonzero())).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:\tT"))
}

/// The most memory that a process has had, in KiB.
pub fn peak_memory_kib(process: Pid) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.as_raw_nonzero())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Whether tests may mount things and become somebody else.
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// Says that a test cannot do its work here, past the capture of what tests print. On a machine that has to have
/// everything (`CI=true`) that is a failure.
pub fn skip(test: &str, why: &str) {
    use std::io::Write as _;
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "{test}: {why}, but CI is true"
    );
    let _nobody_listens = writeln!(std::io::stderr(), "\nSKIPPED {test}: {why}");
}

/// A small disk in memory, gone when dropped. Needs root.
pub struct Disk {
    place: PathBuf,
}

impl Disk {
    /// Mounts one at `place`, with these mount options.
    pub fn mount(place: &Path, options: &str) -> Self {
        fs::create_dir_all(place).unwrap();
        command("mount", &["-t", "tmpfs", "-o", options, "xqute-test"], place);
        Self {
            place: place.to_owned(),
        }
    }

    /// Nothing can be written to it any more.
    pub fn make_read_only(&self) {
        command("mount", &["-o", "remount,ro"], &self.place);
    }

    /// It can be written to again.
    pub fn make_writable(&self) {
        command("mount", &["-o", "remount,rw"], &self.place);
    }

    /// It gets another size, and keeps what is on it.
    pub fn resize(&self, size: &str) {
        command("mount", &["-o", &format!("remount,size={size}")], &self.place);
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.place
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        command("umount", &["--lazy"], &self.place);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tests' own programs; they end by themselves"
)]
fn command(program: &str, args: &[&str], place: &Path) {
    let status = Command::new(program)
        .args(args)
        .arg(place)
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{program} {args:?} {}: {status}", place.display());
}
