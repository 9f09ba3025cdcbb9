//! Tests a plugin natively, without a host and without WebAssembly: what the plugin imports is answered from here, and what
//! it did can be looked at.
//!
//! ```
//! use xqute_plugin::{process, testing::Host};
//!
//! let host = Host::new();
//! host.on_program("squeue", |call| Host::prints(if call.args.is_empty() { "all" } else { "some" }));
//! assert_eq!(process::run("squeue", ["-j", "1"]).unwrap().stdout_text(), "some");
//! assert_eq!(host.calls()[0].to_string(), "squeue -j 1");
//! ```
//!
//! Each thread, and so each test, has its own; [`Host::new`] starts afresh. Tests against a real backend are helped by
//! [`real`].

pub(crate) mod fakes;
#[cfg(unix)]
pub mod real;

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    fmt,
    rc::Rc,
    time::Duration,
};

use crate::{
    Command, Error, Exit, FailureCause, Job, JobEvent, JobFact, Output, Path, RunInfo,
    log::Level,
    mounts::{Mount, Mounted},
};

type Program = Rc<dyn Fn(&Call) -> Result<Output, Error>>;

/// The host of the tests.
pub struct Host(Rc<RefCell<State>>);

struct State {
    programs: HashMap<String, Program>,
    calls: Vec<Call>,
    log: Vec<(Level, String)>,
    values: BTreeMap<String, Vec<u8>>,
    options: Vec<(String, String)>,
    jobs: HashMap<u32, Job>,
    /// What users write about mounts: what that mounts, and what becomes of it.
    mounts: HashMap<String, (String, Mounted)>,
    /// Places that jobs see.
    places: Vec<Path>,
    run: RunInfo,
    now: Duration,
    elapsed: Duration,
}

thread_local! {
    static HOST: RefCell<Rc<RefCell<State>>> = RefCell::new(Rc::new(RefCell::new(State::new())));
}

impl State {
    fn new() -> Self {
        let run = RunInfo {
            tag: "0123456789abcdef".to_owned(),
            workdir: path("/data/.xqute"),
            scheduler: "local".to_owned(),
            forks: 4,
            attributes: Vec::new(),
        };
        Self {
            programs: HashMap::new(),
            calls: Vec::new(),
            log: Vec::new(),
            values: BTreeMap::new(),
            options: Vec::new(),
            jobs: HashMap::new(),
            mounts: HashMap::new(),
            places: Vec::new(),
            run,
            now: Duration::from_secs(1_700_000_000),
            elapsed: Duration::ZERO,
        }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host")
            .field("calls", &self.calls())
            .field("log", &self.log())
            .finish_non_exhaustive()
    }
}

impl Default for Host {
    fn default() -> Self {
        Self::new()
    }
}

impl Host {
    /// A fresh host, in use from now on in this thread.
    pub fn new() -> Self {
        let state = Rc::new(RefCell::new(State::new()));
        HOST.with(|host| host.replace(Rc::clone(&state)));
        Self(state)
    }

    /// From now on this program exists and is granted; it answers what the function says.
    pub fn on_program(&self, program: &str, answer: impl Fn(&Call) -> Result<Output, Error> + 'static) {
        self.0.borrow_mut().programs.insert(program.to_owned(), Rc::new(answer));
    }

    /// The answer of a program that prints this and succeeds.
    ///
    /// # Errors
    /// Never; the type is that of an answer.
    pub fn prints(stdout: &str) -> Result<Output, Error> {
        Ok(Output {
            exit: Exit::Code(0),
            stdout: stdout.into(),
            stderr: Vec::new(),
        })
    }

    /// The answer of a program that prints this to stderr and fails.
    ///
    /// # Errors
    /// Never; the type is that of an answer.
    pub fn fails(code: i32, stderr: &str) -> Result<Output, Error> {
        Ok(Output {
            exit: Exit::Code(code),
            stdout: Vec::new(),
            stderr: stderr.into(),
        })
    }

    /// The user gave this option to the plugin.
    pub fn option(&self, name: &str, value: &str) {
        self.0.borrow_mut().options.push((name.to_owned(), value.to_owned()));
    }

    /// The run has this job, see [`run::job`](crate::run::job).
    pub fn add_job(&self, job: Job) {
        self.0.borrow_mut().jobs.insert(job.index, job);
    }

    /// A user may write this about a mount: it mounts `source`, and this becomes of it. The rules by which the host reads
    /// such texts are not here; a text that no test told about is refused.
    pub fn on_mount(&self, text: &str, source: &str, mounted: Mounted) {
        let known = (source.to_owned(), mounted);
        self.0.borrow_mut().mounts.insert(text.to_owned(), known);
    }

    /// Jobs see this place, see [`mounts::seen`](crate::mounts::seen) and [`mounts::meant`](crate::mounts::meant). They see no
    /// others.
    pub fn add_place(&self, place: Path) {
        self.0.borrow_mut().places.push(place);
    }

    /// Changes the facts about the run.
    pub fn set_run(&self, run: RunInfo) {
        self.0.borrow_mut().run = run;
    }

    /// Time goes by.
    pub fn advance(&self, time: Duration) {
        let mut state = self.0.borrow_mut();
        state.now += time;
        state.elapsed += time;
    }

    /// The programs that the plugin ran, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.0.borrow().calls.clone()
    }

    /// What the plugin wrote to the log.
    pub fn log(&self) -> Vec<(Level, String)> {
        self.0.borrow().log.clone()
    }

    /// The messages that the plugin wrote to the log, one a line.
    pub fn log_text(&self) -> String {
        self.0
            .borrow()
            .log
            .iter()
            .map(|(_, message)| format!("{message}\n"))
            .collect()
    }
}

/// A program that the plugin ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its name.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// What it was given to read.
    pub stdin: Vec<u8>,
}

/// As one would type it.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut argv = vec![self.program.clone()];
        argv.extend(self.args.iter().cloned());
        Command::Argv(argv).fmt(f)
    }
}

/// A job with this index and this line of bash. Everything else is as plain as can be; change what matters.
pub fn job(index: u32, line: &str) -> Job {
    let dir = format!("/data/.xqute/{index}");
    Job {
        index,
        attempt: 1,
        name: format!("xqute.{index}"),
        command: Command::Shell(line.to_owned()),
        env: Vec::new(),
        cwd: None,
        script: path(&format!("{dir}/job.wrapped.local")),
        dir: path(&dir),
        timeout_seconds: None,
        options: Vec::new(),
        attributes: Vec::new(),
    }
}

/// A path that both sides see as the same.
pub fn path(text: &str) -> Path {
    Path {
        spec: text.to_owned(),
        mounted: text.to_owned(),
    }
}

/// A mount that jobs can write to.
pub fn mount(source: &str, target: &str) -> Mount {
    Mount {
        source: source.to_owned(),
        target: target.to_owned(),
        read_only: false,
    }
}

/// This happened to the first attempt of a job.
pub fn fact(job: u32, event: JobEvent) -> JobFact {
    JobFact {
        event,
        job,
        attempt: 1,
        cause: None,
        will_retry: false,
    }
}

/// The first attempt of a job failed, and no other follows.
pub fn failure(job: u32, cause: FailureCause) -> JobFact {
    JobFact {
        cause: Some(cause),
        ..fact(job, JobEvent::Failed)
    }
}
