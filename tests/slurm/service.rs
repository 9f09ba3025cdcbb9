//! The Slurm that all tests share. Most run side by side; those that take it down, or need all of it, wait for the others and
//! keep them waiting.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use xqute_tests::{JobDir, Scratch, Turn, Xqute, built, machine::skip, wait_until};

/// A turn with the Slurm that `SLURM_CONF` names.
pub(crate) struct Slurm {
    conf: OsString,
    _turn: Turn,
}

impl Slurm {
    /// Beside other tests; none if there is no Slurm.
    pub(crate) fn shared(test: &str) -> Option<Self> {
        Self::turn(test, Turn::shared)
    }

    /// While no other test uses it; none if there is no Slurm.
    pub(crate) fn alone(test: &str) -> Option<Self> {
        Self::turn(test, Turn::alone)
    }

    fn turn(test: &str, wait: fn(&str) -> Turn) -> Option<Self> {
        let Some(conf) = std::env::var_os("SLURM_CONF") else {
            skip(
                test,
                "there is no Slurm (SLURM_CONF is not set); start one with tests/services/slurm.sh up",
            );
            return None;
        };
        Some(Self {
            conf,
            _turn: wait("slurm"),
        })
    }

    /// `xqute run -s slurm` with these arguments.
    pub(crate) fn run(&self, scratch: &Scratch, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Xqute {
        let run = scratch.with_plugins(&["slurm"], ["-v", "run", "-s", "slurm", "--recheck-interval", "1"]);
        run.env("SLURM_CONF", &self.conf).args(args)
    }

    /// A client of Slurm.
    pub(crate) fn client(&self, scratch: &Scratch, program: &str, args: &[&str]) -> Xqute {
        let client = scratch.program(program.as_ref()).env("SLURM_CONF", &self.conf);
        client.args(args)
    }

    /// What a client of Slurm prints.
    #[track_caller]
    pub(crate) fn ask(&self, scratch: &Scratch, program: &str, args: &[&str]) -> String {
        let output = self.client(scratch, program, args).run();
        output.exits(0).stdout.trim().to_owned()
    }

    /// The state of a job, in Slurm's words.
    pub(crate) fn state(&self, scratch: &Scratch, id: &str) -> String {
        self.ask(
            scratch,
            "squeue",
            &["-h", "-a", "-r", "-t", "all", "-o", "%T", "-j", id],
        )
    }

    pub(crate) fn wait_for_state(&self, scratch: &Scratch, id: &str, state: &str) {
        wait_until(&format!("Slurm says {state} of {id}"), || {
            self.state(scratch, id) == state
        });
    }

    /// Has `tests/services/slurm.sh` do something with the Slurm that it started. What it starts outlives the test, so it must not
    /// be taken for one of the test's own processes.
    #[track_caller]
    pub(crate) fn service(&self, scratch: &Scratch, what: &str) {
        let script = built::repository().join("tests/services/slurm.sh");
        let variable = |name: &str, value: &OsStr| [name.as_ref(), value].join("=".as_ref());
        let path = variable("PATH", &std::env::var_os("PATH").unwrap());
        let folder = variable("SLURM_DIR", self.folder().as_os_str());
        let clean = [
            "-i".into(),
            path,
            folder,
            "bash".into(),
            script.into_os_string(),
            what.into(),
        ];
        scratch.program("env".as_ref()).args(clean).run().exits(0);
    }

    /// Where that script keeps all that belongs to it.
    pub(crate) fn folder(&self) -> PathBuf {
        Path::new(&self.conf).parent().unwrap().to_owned()
    }
}

/// Who ended so, and left nothing half done.
#[track_caller]
pub(crate) fn ended(job: &JobDir, rc: &str) {
    assert_eq!(job.text("job.rc"), format!("{rc}\n"), "{:?}", job.files());
}
