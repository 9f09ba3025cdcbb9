//! One run with jobs of all kinds. It is made once for each backend, and many tests look at what came of it: where a job
//! takes a second to start, fifty jobs in one run take little more.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::OnceLock,
};

use serde_json::Value;
use xqute_tests::JobDir;

use crate::{
    backend::Backend,
    bench::{Bench, Job},
    cases::{ends, output, refusals, strategies, surroundings},
};

/// The medley of one backend, made when it is first looked at.
pub(crate) struct Once(OnceLock<Result<Medley, String>>);

/// What came of it.
pub(crate) struct Medley {
    pub(crate) backend: &'static Backend,
    jobs: BTreeMap<String, Ended>,
    /// The folder in which it was run, which is gone.
    pub(crate) here: String,
    /// Where jobs found their workdir.
    pub(crate) workdir: String,
}

/// All that one job left.
pub(crate) struct Ended {
    /// What `xqute status --json` has of it.
    pub(crate) record: Value,
    /// The files of its directory, by their paths in it.
    files: BTreeMap<String, Vec<u8>>,
}

impl Once {
    pub(crate) const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// The medley; `None` if the backend is not there. All tests that look at one that failed, fail.
    #[track_caller]
    pub(crate) fn get(&self, backend: &'static Backend, test: &str) -> Option<&Medley> {
        if !backend.is_there(test) {
            return None;
        }
        let made = self.0.get_or_init(|| {
            let bench = Bench::beside_others(backend, test).unwrap();
            catch_unwind(AssertUnwindSafe(|| make(&bench))).map_err(|panic| {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                text.or_else(|| panic.downcast_ref::<&str>().copied())
                    .unwrap_or("it panicked")
                    .to_owned()
            })
        });
        match made {
            Ok(medley) => Some(medley),
            Err(why) => panic!("the run with jobs of all kinds failed: {why}"),
        }
    }
}

/// The jobs, each with a key that no other has.
fn jobs(backend: &Backend) -> Vec<Job> {
    let jobs = [
        ends::jobs(backend),
        output::jobs(),
        surroundings::jobs(backend),
        strategies::jobs(),
        refusals::jobs(backend),
    ];
    jobs.concat()
}

fn make(bench: &Bench) -> Medley {
    let backend = bench.backend;
    fs::create_dir_all(bench.scratch.path(surroundings::ELSEWHERE)).unwrap();
    let jobs = jobs(backend);
    let run = bench.run(&jobs).args(["-j", &backend.forks.to_string()]);
    // Only those that say so are tried again.
    let run = run.args(["-e", "retry", "-r", "0", "--env", surroundings::OF_THE_RUN]);
    run.args(["--"])
        .args(["printf", "%s\\0"].map(OsString::from))
        .args(surroundings::arguments())
        .start()
        .wait_while_it_talks()
        .exits(1);
    let keys = jobs.iter().map(|job| job.key.clone());
    let keys = keys.chain([surroundings::ARGUMENTS.to_owned()]);
    let records = bench.records(".xqute");
    assert_eq!(records.len(), jobs.len() + 1);
    let dirs = bench.job_dirs();
    let ended = records.into_iter().enumerate().map(|(index, record)| {
        let dir = JobDir::new(dirs.join(index.to_string()));
        let files = dir.files().into_iter().map(|name| (name.clone(), dir.bytes(&name)));
        let files = files.collect();
        Ended { record, files }
    });
    let here = bench.scratch.path("").display().to_string();
    Medley {
        backend,
        jobs: keys.zip(ended).collect(),
        here: here.trim_end_matches('/').to_owned(),
        workdir: bench.seen(".xqute").display().to_string(),
    }
}

impl Medley {
    /// What the job with this key left.
    #[track_caller]
    pub(crate) fn job(&self, key: &str) -> &Ended {
        let job = self.jobs.get(key);
        job.unwrap_or_else(|| panic!("there is no job {key:?} in the medley"))
    }
}

impl Ended {
    /// The bytes of one of its files.
    #[track_caller]
    pub(crate) fn bytes(&self, file: &str) -> &[u8] {
        let bytes = self.files.get(file);
        bytes.unwrap_or_else(|| panic!("{file} is not among {:?} of {}", self.files.keys(), self.record))
    }

    /// The text of one of its files.
    #[track_caller]
    pub(crate) fn text(&self, file: &str) -> &str {
        str::from_utf8(self.bytes(file)).unwrap()
    }

    /// What the command printed.
    #[track_caller]
    pub(crate) fn stdout(&self) -> &str {
        self.text("job.stdout")
    }

    /// Checks that it succeeded, everywhere where that is told.
    #[track_caller]
    pub(crate) fn succeeded(&self) -> &Self {
        self.ended(0, &Value::from("succeeded"))
    }

    /// Checks its exit code and outcome, everywhere where they are told.
    #[track_caller]
    pub(crate) fn ended(&self, rc: i32, outcome: &Value) -> &Self {
        let state = if rc == 0 { "6\n" } else { "7\n" };
        let stderr = self.files.get("job.stderr").map_or(&[][..], Vec::as_slice);
        assert_eq!(
            (&self.record["outcome"], self.text("job.rc"), self.text("job.status")),
            (outcome, &*format!("{rc}\n"), state),
            "{}\n{}",
            self.record,
            String::from_utf8_lossy(stderr)
        );
        self
    }
}
