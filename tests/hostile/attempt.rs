//! One attempt of a hostile plugin: a run of twenty jobs with it, and what has to hold afterwards whatever it tried.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use xqute_tests::{JobDir, Output, Running, Scratch, Xqute, built, machine};

/// How many jobs each run has.
pub(crate) const JOBS: u32 = 20;

/// How many files xqute may have open: as many as it usually may.
const FILES: u32 = 1024;

/// The jobs: each says its number; those with an odd one fail.
fn jobs() -> String {
    (0..JOBS)
        .map(|job| format!("echo {job}; exit {}\n", own_rc(job)))
        .collect()
}

/// The exit code that a job has by itself.
const fn own_rc(job: u32) -> i32 {
    if job.is_multiple_of(2) { 0 } else { 3 }
}

/// An attempt that is about to be made.
pub(crate) struct Attempt {
    /// Where it is made.
    pub(crate) scratch: Scratch,
    plugin: PathBuf,
    name: &'static str,
    settings: String,
    flags: Vec<String>,
    run_flags: Vec<String>,
    path: Option<OsString>,
    at_once: u32,
}

impl Attempt {
    /// By one of the plugins in `guests/`.
    pub(crate) fn of(name: &str) -> Self {
        let plugin = built::plugin(&format!("hostile/{name}"));
        Self::by(Scratch::new(), plugin, "hostile")
    }

    /// By the guest that does what its options say.
    pub(crate) fn of_misbehaves(place: &str, how: &str) -> Self {
        Self::by(Scratch::new(), built::plugin("misbehaves"), "misbehaves")
            .allowed("script")
            .with(&format!("options = {{ in = \"{place}\", how = \"{how}\" }}"))
    }

    /// The same, as the scheduler of the run.
    pub(crate) fn of_scheduler(place: &str, how: &str) -> Self {
        let (place, how) = (format!("in={place}"), format!("how={how}"));
        Self::by(Scratch::new(), built::plugin("misbehaves"), "misbehaves")
            .allowed("script")
            .scheduling()
            .flags(["--opt", &place, "--opt", &how])
    }

    /// By a component that was made by hand.
    pub(crate) fn of_component(wasm: &[u8]) -> Self {
        let scratch = Scratch::new();
        let plugin = scratch.write("hostile.wasm", wasm);
        Self::by(scratch, plugin, "hostile")
    }

    fn by(scratch: Scratch, plugin: PathBuf, name: &'static str) -> Self {
        Self {
            scratch,
            plugin,
            name,
            settings: String::new(),
            flags: Vec::new(),
            run_flags: Vec::new(),
            path: None,
            at_once: 2,
        }
    }

    /// With a line about the plugin in `xqute.toml`.
    pub(crate) fn with(mut self, line: &str) -> Self {
        self.settings.push_str(line);
        self.settings.push('\n');
        self
    }

    /// With so little time for each call that a test has it too.
    pub(crate) fn hurried(self) -> Self {
        self.with("limits = { call-ms = 1500 }")
    }

    /// With a right that the user grants.
    pub(crate) fn allowed(mut self, right: &str) -> Self {
        self.flags
            .extend(["--allow".to_owned(), format!("{}:{right}", self.name)]);
        self
    }

    /// As the scheduler of the run.
    pub(crate) fn scheduling(self) -> Self {
        let name = self.name;
        self.flags(["-s", name, "--recheck-interval", "0.05"])
    }

    /// With these flags of `run`.
    pub(crate) fn flags<'a>(mut self, flags: impl IntoIterator<Item = &'a str>) -> Self {
        self.run_flags.extend(flags.into_iter().map(str::to_owned));
        self
    }

    /// With so many jobs at once.
    pub(crate) fn at_once(mut self, jobs: u32) -> Self {
        self.at_once = jobs;
        self
    }

    /// With the folder of the run in front of all others on PATH, by a name that is not absolute.
    pub(crate) fn with_path_from_here(mut self) -> Self {
        let mut path = OsString::from(".:");
        path.push(env::var_os("PATH").unwrap_or_default());
        self.path = Some(path);
        self
    }

    fn xqute(&self) -> Xqute {
        self.scratch
            .write("xqute.toml", format!("[plugins.{}]\n{}", self.name, self.settings));
        let few_files = format!("ulimit -n {FILES}; exec \"$@\"");
        let bash = self.scratch.program(Path::new("/bin/bash"));
        let xqute = bash.args(["-c", &few_files, "bash"]).args([built::xqute()]);
        let mut xqute = xqute.args(["-v", "--plugin"]).args([&self.plugin]);
        if let Some(path) = &self.path {
            xqute = xqute.env("PATH", path);
        }
        let at_once = self.at_once.to_string();
        xqute
            .args(&self.flags)
            .args(["run", "-j", &at_once])
            .args(&self.run_flags)
    }

    /// Makes it, to the end of the run.
    #[track_caller]
    pub(crate) fn run(self) -> Tried {
        self.scratch.write("jobs.txt", jobs());
        let output = self.xqute().args(["jobs.txt"]).run();
        self.tried(output)
    }

    /// Makes it with one command instead of the jobs.
    pub(crate) fn start(&self, command: &[&str]) -> Running {
        self.xqute().args(["--"]).args(command).start()
    }

    /// Makes it, and checks that the host had a modest amount of memory when it had said this.
    #[track_caller]
    pub(crate) fn run_within_memory(self, word: &str) -> Tried {
        let mut run = self.xqute().args(["-"]).piped().start();
        run.write(&jobs());
        run.wait_for_word(word);
        let peak = machine::peak_memory_kib(run.pid()) >> 10;
        assert!(peak < 512, "{peak} MiB");
        run.end_input();
        let output = run.wait();
        self.tried(output)
    }

    /// Makes it, and checks that it is refused before any job runs. Returns what was said.
    #[track_caller]
    pub(crate) fn refused(self) -> String {
        let output = self.xqute().args(["--", "touch", "ran"]).run().exits(3);
        assert!(!self.scratch.has("ran"), "a job has run");
        check_terminal(&output);
        assert!(output.stderr.len() < 1 << 16, "{} bytes", output.stderr.len());
        output.stderr
    }

    fn tried(self, output: Output) -> Tried {
        check_terminal(&output);
        let Self { scratch, name, .. } = self;
        Tried { scratch, name, output }.ended()
    }
}

/// Nothing that a plugin says may move the cursor, or look as if xqute said it.
#[track_caller]
fn check_terminal(output: &Output) {
    for text in [&output.stdout, &output.stderr] {
        let obeyed = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
        assert_eq!(obeyed, None, "{text}");
        assert!(!text.lines().any(|line| line.starts_with("error: owned")), "{text}");
    }
}

/// An attempt that was made.
pub(crate) struct Tried {
    pub(crate) scratch: Scratch,
    name: &'static str,
    pub(crate) output: Output,
}

impl Tried {
    /// The run ended by itself, and knows what became of each job.
    #[track_caller]
    fn ended(self) -> Self {
        let code = self.output.code();
        assert!(matches!(code, Some(0 | 1 | 3)), "{code:?}\n{}", self.output.stderr);
        self.says(&format!("{JOBS} jobs in "))
    }

    /// The run said this.
    #[track_caller]
    pub(crate) fn says(mut self, text: &str) -> Self {
        self.output = self.output.says(text);
        self
    }

    /// The run did not say this.
    #[track_caller]
    pub(crate) fn does_not_say(mut self, text: &str) -> Self {
        self.output = self.output.does_not_say(text);
        self
    }

    /// A message names the plugin and this call.
    #[track_caller]
    pub(crate) fn blames(self, call: &str) -> Self {
        let blame = format!("plugin {}, call {call}", self.name);
        self.says(&blame)
    }

    /// One of the jobs.
    pub(crate) fn job(&self, job: u32) -> JobDir {
        self.scratch.job(job)
    }

    /// Each job ran as if the plugin were not there.
    #[track_caller]
    pub(crate) fn harmed_no_job(self) -> Self {
        for job in 0..JOBS {
            let dir = self.job(job).ended(own_rc(job));
            assert_eq!(dir.stdout(), format!("{job}\n"));
        }
        self.nothing_is_left()
    }

    /// No job was called a success, and no command ran. A scheduler that fails too often is given up before all jobs are
    /// tried; the others were not started.
    #[track_caller]
    pub(crate) fn kept_all_jobs_from_running(self) -> Self {
        for job in 0..JOBS {
            let dir = self.job(job);
            if job == 0 || dir.path("job.rc").exists() {
                assert_ne!(dir.text("job.rc"), "0\n", "job {job}");
                assert_eq!(dir.text("job.status"), "7\n", "job {job}");
            }
            assert!(!dir.path("job.stdout").exists(), "the command of job {job} ran");
        }
        self.nothing_is_left().says(": 0 succeeded")
    }

    /// No process is left.
    #[track_caller]
    pub(crate) fn nothing_is_left(self) -> Self {
        self.scratch.has_no_processes();
        self
    }

    /// There is no such file where the run was.
    #[track_caller]
    pub(crate) fn without(self, file: &str) -> Self {
        assert!(!self.scratch.has(file), "{file} is there\n{}", self.output.stderr);
        self
    }
}
