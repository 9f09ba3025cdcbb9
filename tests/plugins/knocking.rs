//! How a scheduler's backend is treated: not asked more often, or by more at a time, than the user allows, and left in peace
//! while it is down. The backend is a few lines of shell that run job scripts; the real ones have tests of their own.

use std::os::unix::fs::PermissionsExt as _;

use rustix::process::Signal;
use xqute_tests::{Scratch, Xqute, wait_until};

/// Answers as long as there is no file `down`; leaves a line in `log` each time, and one in `overlaps` when it was asked by two
/// at once.
const SBATCH: &str = r#"#!/bin/bash
echo asked >> log
mkdir busy 2>/dev/null || echo overlap >> overlaps
[ -e slow ] && sleep 0.05
rmdir busy 2>/dev/null
while [ -e held ]; do sleep 0.02; done
if [ -e down ]; then
    echo 'sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)' >&2
    exit 1
fi
setsid "${!#}" >/dev/null 2>&1 </dev/null &
echo $!
"#;

struct Backend {
    scratch: Scratch,
}

impl Backend {
    fn new() -> Self {
        let scratch = Scratch::new();
        let nothing = "#!/bin/sh\nexit 0\n";
        for (name, text) in [("sbatch", SBATCH), ("squeue", nothing), ("scancel", nothing)] {
            let program = scratch.write(&format!("bin/{name}"), text);
            std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { scratch }
    }

    /// A run of so many jobs, each submitted by a call of its own.
    fn run(&self, jobs: usize) -> Xqute {
        let scratch = &self.scratch;
        scratch.write("jobs.txt", "echo done >> ran\n".repeat(jobs));
        let path = format!("{}:{}", scratch.path("bin").display(), std::env::var("PATH").unwrap());
        let args = ["run", "-s", "slurm", "-j", "20", "--submission-batch", "1", "jobs.txt"];
        scratch.with_plugins(&["slurm"], args).env("PATH", path)
    }

    fn lines(&self, file: &str) -> usize {
        match self.scratch.has(file) {
            true => self.scratch.read(file).lines().count(),
            false => 0,
        }
    }
}

#[test]
fn a_backend_that_is_down_is_left_in_peace_and_nothing_is_lost() {
    let backend = Backend::new();
    backend.scratch.write("down", "");
    let run = backend.run(20).start();
    // The first calls of all instances find out; then there is one at a time, after longer and longer pauses.
    wait_until("it was tried again", || backend.lines("log") > 8);
    let asked = backend.lines("log");
    assert!(asked < 20, "20 jobs asked {asked} times");
    std::fs::remove_file(backend.scratch.path("down")).unwrap();
    let output = run.wait().exits(0).says("20 succeeded");
    let told = output
        .stderr
        .matches("has to be waited for, and is tried again")
        .count();
    assert_eq!(told, 1, "{}", output.stderr);
    output.says("slurm works again, after");
    assert_eq!(backend.lines("ran"), 20);
}

#[test]
fn no_more_calls_at_once_than_the_user_allows() {
    let backend = Backend::new();
    backend.scratch.write("slow", "");
    backend.scratch.configure("slurm", "", "limits = { max-in-flight = 1 }");
    backend.run(12).run().exits(0).says("12 succeeded");
    assert_eq!((backend.lines("log") >= 12, backend.lines("overlaps")), (true, 0));
}

#[test]
fn waiting_for_a_turn_is_no_part_of_a_calls_time() {
    let backend = Backend::new();
    let limits = "limits = { max-rate = 1, call-ms = 1500 }";
    backend.scratch.configure("slurm", "", limits);
    // The calls wait for their turns together, the last of them for several seconds.
    backend.run(4).run().exits(0).says("4 succeeded");
}

#[test]
fn what_is_on_its_way_when_the_host_is_killed_is_waited_for() {
    let backend = Backend::new();
    backend.scratch.write("held", "");
    let run = backend.run(1).start();
    wait_until("a submission is on its way", || backend.lines("log") > 0);
    let asked = backend.lines("log");
    run.signal(Signal::KILL);
    run.wait();
    let resumed = backend.run(1).args(["--resume"]).start();
    // It could submit the job again, and must not before the first submission is over.
    std::fs::remove_file(backend.scratch.path("held")).unwrap();
    resumed.wait().exits(0).says("1 succeeded");
    assert!(backend.lines("log") >= asked);
    assert_eq!(backend.lines("ran"), 1, "{}", backend.scratch.read("log"));
}
