//! A run on real servers, as the tests of the plugin's native half need it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use xqute_plugin::prelude::*;
use xqute_plugin::testing::{Host, job, path, real};
use xqute_ssh::Ssh;

/// A run of its own: a tag, a folder, and a host that starts real programs. Its jobs are cancelled at the end.
pub(crate) struct Run {
    pub(crate) host: Host,
    pub(crate) info: RunInfo,
    pub(crate) dir: PathBuf,
    pub(crate) config: String,
}

impl Run {
    /// None if there are no servers here.
    pub(crate) fn new() -> Option<Self> {
        let config = real::backend("SSH_CONFIG", "servers, see tests/services/sshd.sh")?;
        let tag = real::tag();
        // Letters that a shell or ssh could take for something else.
        let dir = std::env::temp_dir().join(format!("xq it's 5% [{tag}]"));
        fs::create_dir(&dir).unwrap();
        let run = Self {
            host: Host::new(),
            info: RunInfo {
                tag,
                workdir: path(dir.to_str().unwrap()),
                ..run::info()
            },
            dir,
            config,
        };
        run.prepare(&run.host, &[("servers", "n1,n2")]);
        Some(run)
    }

    /// Makes a host know the run, and these options beside those that every test needs.
    pub(crate) fn prepare(&self, host: &Host, options: &[(&str, &str)]) {
        host.on_program("ssh", real::start);
        host.on_program("pwd", |_| {
            Host::prints(&format!("{}\n", std::env::temp_dir().display()))
        });
        host.set_run(self.info.clone());
        host.option("config", &self.config);
        host.option("ctrl-dir", self.dir.to_str().unwrap());
        host.option("ctrl-persist", "2");
        options.iter().for_each(|(name, value)| host.option(name, value));
    }

    /// A job with a script as the host would write it.
    pub(crate) fn job(&self, index: u32, line: &str) -> Job {
        let dir = self.dir.join(index.to_string());
        fs::create_dir(&dir).unwrap();
        let script = dir.join("job.wrapped.ssh");
        let mut job = job(index, line);
        job.dir = path(dir.to_str().unwrap());
        job.script = path(script.to_str().unwrap());
        job.options = run::options();
        let text = format!("#!/bin/bash -u\n{line}\necho $? >\"${{0%/*}}/job.rc\"\n");
        fs::write(script, text).unwrap();
        fs::write(self.dir.join(index.to_string()).join("job.status"), "3\n").unwrap();
        job
    }

    /// Asks again and again until the observations are as wanted.
    pub(crate) fn wait(refs: &[JobRef], wanted: impl Fn(&[Observation]) -> bool) -> Vec<Observation> {
        let mut seen = Vec::new();
        for _ in 0..600 {
            seen = Ssh::poll(refs).expect("the servers must answer: SSH_CONFIG is set");
            if wanted(&seen) {
                return seen;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("not what was waited for: {seen:?}");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir.join(name)).unwrap_or_default()
    }

    /// Waits until a file has a line.
    pub(crate) fn wait_for(&self, name: &str) -> String {
        for _ in 0..1500 {
            let text = self.read(name);
            if text.ends_with('\n') {
                return text;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("there is no {name}");
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Ok(refs) = Ssh::find(&self.info.tag) {
            Ssh::cancel(&refs);
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

pub(crate) fn submit(jobs: &[Job]) -> Vec<JobRef> {
    real::accepted(jobs, &Ssh::submit(jobs))
}

pub(crate) fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.trim()).join("stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}
