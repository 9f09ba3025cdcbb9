//! A backend in use by one test: a folder of its own, its turn at the backend, runs there, and questions about them.

use std::{
    ffi::{OsStr, OsString},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
};

use rustix::process::{Pid, Signal};
use serde_json::{Map, Value, json};
use xqute_tests::{JobDir, Output, Running, Scratch, Store, Turn, Xqute, machine, plugin, wait_for, wait_until};

use crate::backend::{Access, Backend};

/// The variable by which the processes of jobs are known, wherever the backend started them.
const MARK: &str = "CONFORMANCE_TEST";

/// Where containers have workdirs that are mounted.
const MOUNTED: &str = "/mnt/disks/xqute";

/// Leaves a line with the attempt in a file of its own: who ran how often can be read there.
pub(crate) const TRACE: &str = "echo \"$XQUTE_JOB_ATTEMPT\" >> \"ran.$XQUTE_JOB_INDEX\"";

/// One test's use of a backend. Processes of jobs that are left are killed when it is dropped.
pub(crate) struct Bench {
    pub(crate) backend: &'static Backend,
    pub(crate) scratch: Scratch,
    store: Option<Store>,
    _turn: Turn,
}

impl Bench {
    /// For a test that lets others use the backend at the same time. `None` if the backend is not there.
    pub(crate) fn beside_others(backend: &'static Backend, test: &str) -> Option<Self> {
        Self::new(backend, test, Turn::shared)
    }

    /// For a test that must be the only one at the backend.
    pub(crate) fn undisturbed(backend: &'static Backend, test: &str) -> Option<Self> {
        Self::new(backend, test, Turn::alone)
    }

    fn new(backend: &'static Backend, test: &str, wait: fn(&str) -> Turn) -> Option<Self> {
        if !backend.is_there(test) {
            return None;
        }
        let mut address = DefaultHasher::new();
        backend.address().for_each(|variable| variable.hash(&mut address));
        let title = backend.title();
        let scratch = Scratch::new();
        let store = match backend.store {
            None => None,
            Some(service) => Some(Store::new(&format!("{title}::{test}"), service, &scratch)?),
        };
        Some(Self {
            backend,
            scratch,
            store,
            _turn: wait(&format!("conformance-{title}-{:016x}", address.finish())),
        })
    }

    /// `xqute run` with these jobs, in the workdir `workdir`. More flags can be added.
    pub(crate) fn run_in(&self, workdir: &str, jobs: &[Job]) -> Xqute {
        let file = format!("{workdir}.jsonl");
        self.scratch.write(&file, lines(jobs));
        let run = self.xqute_run().args(["-w", &self.workdir(workdir), &file]);
        match self.backend.access {
            Access::Shared => run,
            Access::Mounted => run
                .args(["--opt"])
                .args([option("mounted-workdir", &Path::new(MOUNTED).join(workdir))]),
            Access::Staged => run
                .args(["--opt"])
                .args([option("stage-dir", &self.scratch.path("stage"))]),
        }
    }

    /// The same in the usual workdir.
    pub(crate) fn run(&self, jobs: &[Job]) -> Xqute {
        self.run_in(".xqute", jobs)
    }

    fn xqute_run(&self) -> Xqute {
        let Backend { name, flags, .. } = self.backend;
        let mut xqute = self.xqute(["-v", "run", "-s", name, "--recheck-interval", "1"]);
        if self.backend.service.is_none() {
            // Jobs that need no script are started without one; here they are to be like those of other backends.
            xqute = xqute.args(["--wrapper", "always"]);
        }
        let mark = format!("{MARK}={}", self.mark());
        let xqute = xqute
            .args(["--env", &mark])
            .args(["--cwd"])
            .args([self.scratch.path("")]);
        xqute.args(flags(&self.scratch))
    }

    /// `xqute` with what it needs to know the backend.
    pub(crate) fn xqute(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Xqute {
        let name = self.backend.name;
        let mut xqute = self.scratch.xqute([""; 0]);
        if self.backend.service.is_some() {
            xqute = xqute.args(["--plugin"]).args([plugin(name)]).args(["--allow", name]);
        }
        self.addressed(xqute).args(args)
    }

    /// A command about the run in the usual workdir.
    pub(crate) fn tell(&self, command: &str, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Xqute {
        self.xqute([command, "-w", &self.workdir(".xqute")]).args(args)
    }

    /// One of the backend's own tools, to its end.
    #[track_caller]
    pub(crate) fn tool(&self, program: &str, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
        self.addressed(self.scratch.program(Path::new(program)))
            .args(args)
            .run()
    }

    fn addressed(&self, program: Xqute) -> Xqute {
        let program = match &self.store {
            None => program,
            Some(store) => store.addressed(program),
        };
        let variables = self.backend.address();
        variables.fold(program, |program, (name, value)| program.env(name, value))
    }

    /// What users call this workdir.
    pub(crate) fn workdir(&self, workdir: &str) -> String {
        match &self.store {
            None => workdir.to_owned(),
            Some(store) => store.url(workdir),
        }
    }

    /// Where this machine keeps the files of this workdir.
    pub(crate) fn home(&self, workdir: &str) -> PathBuf {
        if self.store.is_none() {
            return self.scratch.path(workdir);
        }
        let status = self.status(workdir);
        self.scratch.meant(status["run"]["home"].as_str().unwrap())
    }

    fn status(&self, workdir: &str) -> Value {
        let status = || {
            let workdir = self.workdir(workdir);
            let status = self.scratch.xqute(["status", "--json", "-w", &workdir]).run();
            serde_json::from_str(&status.stdout).ok()
        };
        wait_for("there is a run", status)
    }

    /// Where jobs find this workdir.
    pub(crate) fn seen(&self, workdir: &str) -> PathBuf {
        match self.backend.access {
            Access::Shared => self.home(workdir),
            Access::Mounted => Path::new(MOUNTED).join(workdir),
            Access::Staged => {
                let tag = self.status(workdir)["run"]["tag"].as_str().unwrap().to_owned();
                self.scratch.path(format!("stage/xqute-{tag}"))
            }
        }
    }

    /// Where tests find what jobs wrote into this workdir beside their own directories.
    pub(crate) fn found(&self, workdir: &str) -> PathBuf {
        match self.store {
            Some(_) => self.seen(workdir),
            None => self.scratch.path(workdir),
        }
    }

    /// All that is in the usual workdir.
    pub(crate) fn job_dirs(&self) -> PathBuf {
        match &self.store {
            None => self.scratch.path(".xqute"),
            Some(store) => store.get(&self.scratch, ".xqute"),
        }
    }

    /// A job directory in the usual workdir.
    pub(crate) fn job(&self, index: u32) -> JobDir {
        self.job_in(".xqute", index)
    }

    /// A job directory in another workdir.
    pub(crate) fn job_in(&self, workdir: &str, index: u32) -> JobDir {
        let name = format!("{workdir}/{index}");
        JobDir::new(match &self.store {
            None => self.scratch.path(name),
            Some(store) => store.get(&self.scratch, &name),
        })
    }

    /// The ids by which the backend knows these jobs, once it does.
    pub(crate) fn ids(&self, workdir: &str, jobs: impl IntoIterator<Item = u32>) -> Vec<String> {
        let home = self.home(workdir);
        let id = |job: u32| JobDir::new(home.join(job.to_string())).id();
        jobs.into_iter().map(id).collect()
    }

    /// What is recorded of all jobs of a workdir.
    #[track_caller]
    pub(crate) fn records(&self, workdir: &str) -> Vec<Value> {
        let status = self.scratch.xqute(["status", "--json", "-w", &self.workdir(workdir)]);
        let status = status.run().exits(0);
        let status: Value = serde_json::from_str(&status.stdout).unwrap();
        status["jobs"].as_array().unwrap().clone()
    }

    /// How the jobs of the usual workdir ended.
    #[track_caller]
    pub(crate) fn outcomes(&self) -> Vec<Value> {
        let records = self.records(".xqute");
        records.iter().map(|record| record["outcome"].clone()).collect()
    }

    /// Which attempts of a job ran, in the order of their starts.
    #[track_caller]
    pub(crate) fn ran(&self, job: u32) -> Vec<u32> {
        let name = format!("ran.{job}");
        let text = if self.scratch.has(&name) {
            self.scratch.read(&name)
        } else {
            String::new()
        };
        text.lines().map(|line| line.parse().unwrap()).collect()
    }

    /// Waits until all of these jobs have left a line.
    #[track_caller]
    pub(crate) fn wait_until_started(&self, jobs: impl IntoIterator<Item = u32>) {
        jobs.into_iter()
            .for_each(|job| self.scratch.wait_for_file(format!("ran.{job}")));
    }

    /// Waits until the backend has nothing more to do with these ids.
    #[track_caller]
    pub(crate) fn wait_until_gone(&self, ids: &[String]) {
        wait_until(&format!("{} is done with {ids:?}", self.backend.name), || {
            (self.backend.live)(self, ids).is_empty()
        });
    }

    /// Waits until no process of a job is left on this machine.
    #[track_caller]
    pub(crate) fn has_no_jobs(&self) {
        wait_until("no process of a job is left", || self.processes().is_empty());
    }

    fn processes(&self) -> Vec<Pid> {
        machine::processes_with(&format!("{MARK}={}", self.mark()))
    }

    fn mark(&self) -> String {
        self.scratch.path("").display().to_string()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        for process in self.processes() {
            machine::signal(process, Signal::KILL);
        }
    }
}

/// Kills xqute, and nothing that it started.
pub(crate) fn crash(running: Running) {
    running.signal(Signal::KILL);
    // Shown if the test fails.
    println!("--- stderr of what was killed\n{}---", running.wait().stderr);
}

/// One line of a job file.
#[derive(Clone)]
pub(crate) struct Job {
    line: Map<String, Value>,
    /// What tests call it. xqute does not know.
    pub(crate) key: String,
}

impl Job {
    /// A line of bash.
    pub(crate) fn new(line: impl Into<String>) -> Self {
        let line = Map::from_iter([("cmd".to_owned(), Value::String(line.into()))]);
        Self {
            line,
            key: String::new(),
        }
    }

    /// With this key.
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.line.insert(key.to_owned(), value.into());
        self
    }

    /// With these options for the scheduler.
    pub(crate) fn opts(self, options: &[(&str, &str)]) -> Self {
        let options: Map<_, _> = options
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        self.with("opts", options)
    }

    /// Tests look for it by this key.
    pub(crate) fn key(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
        self
    }
}

/// Jobs that are all alike.
pub(crate) fn alike(job: impl Into<String>, count: u32) -> Vec<Job> {
    let job = Job::new(job);
    (0..count).map(|_| job.clone()).collect()
}

fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(format!("{name}="));
    option.push(path);
    option
}

fn lines(jobs: &[Job]) -> String {
    let lines: Vec<_> = jobs
        .iter()
        .map(|job| format!("{}\n", Value::Object(job.line.clone())))
        .collect();
    lines.concat()
}
