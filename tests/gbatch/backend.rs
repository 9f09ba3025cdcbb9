//! The Batch that a test uses, and runs that go through it.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    path::{Path, PathBuf},
};

use xqute_tests::{Scratch, Xqute, built, machine::skip};

/// What `batch.sh env` says, as the shell that starts the tests has it.
const VARIABLES: [&str; 6] = [
    "CLOUDSDK_API_ENDPOINT_OVERRIDES_BATCH",
    "CLOUDSDK_AUTH_DISABLE_CREDENTIALS",
    "CLOUDSDK_CORE_PROJECT",
    "CLOUDSDK_CONFIG",
    "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING",
    "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK",
];

/// A Batch.
pub(crate) struct Batch<'a> {
    scratch: &'a Scratch,
    variables: BTreeMap<String, String>,
    /// Where it keeps its things, if it belongs to one test.
    own: Option<Own>,
}

struct Own {
    folder: PathBuf,
    port: u16,
}

impl<'a> Batch<'a> {
    /// The one that all tests share; `None` if there is none.
    pub(crate) fn shared(test: &str, scratch: &'a Scratch) -> Option<Self> {
        let variables: BTreeMap<_, _> = VARIABLES
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
            .collect();
        if !variables.contains_key(VARIABLES[0]) {
            let why = "there is no Google Batch (CLOUDSDK_API_ENDPOINT_OVERRIDES_BATCH is not set); start one with \
                       tests/services/batch.sh up";
            skip(test, why);
            return None;
        }
        Some(Self {
            scratch,
            variables,
            own: None,
        })
    }

    /// One of its own, which may fail; `None` if there is not even a shared one.
    pub(crate) fn own(test: &str, scratch: &'a Scratch) -> Option<Self> {
        let shared = Self::shared(test, scratch)?;
        // Nobody else takes the port in the moment until the server does, or else the server says so.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = scratch.path("batch");
        let address = format!("http://127.0.0.1:{port}/");
        let mut variables = shared.variables.clone();
        variables.insert(VARIABLES[0].to_owned(), address);
        let batch = Self {
            scratch,
            variables,
            own: Some(Own { folder, port }),
        };
        batch.service(&["up"]);
        Some(batch)
    }

    /// Does something with the service; returns what it said.
    #[track_caller]
    pub(crate) fn service(&self, what: &[&str]) -> String {
        self.script(what).run().exits(0).stdout
    }

    fn script(&self, what: &[&str]) -> Xqute {
        let script = built::repository().join("tests/services/batch.sh");
        let mut bash = self.scratch.program(Path::new("/bin/bash")).args([script]).args(what);
        // To try whether gcloud works takes some seconds, and was done.
        bash = bash.env("SMOKE", "0");
        if let Some(own) = &self.own {
            bash = bash
                .env("BATCH_DIR", &own.folder)
                .env("BATCH_PORT", own.port.to_string());
        }
        if let Ok(place) = std::env::var("XQUTE_SERVICES_DIR") {
            bash = bash.env("XQUTE_SERVICES_DIR", place);
        }
        bash
    }

    /// The folder of a bucket.
    pub(crate) fn bucket(&self, name: &str) -> PathBuf {
        let own = self
            .own
            .as_ref()
            .expect("the buckets of the shared one belong to nobody");
        own.folder.join("buckets").join(name)
    }

    /// How often something was asked for, such as `POST jobs`, of a job whose name has this in it.
    pub(crate) fn requests(&self, method: &str, part: &str) -> usize {
        let all = self.service(&["ask", "count"]);
        all.lines()
            .filter(|line| line.starts_with(method) && line.contains(part))
            .count()
    }

    fn in_environment(&self, mut program: Xqute) -> Xqute {
        for (name, value) in &self.variables {
            program = program.env(name, value);
        }
        program
    }

    /// `xqute run -s gbatch` with these arguments. Jobs start where xqute does, as the machines see its folder.
    pub(crate) fn run<'b>(&self, args: impl IntoIterator<Item = &'b str>) -> Xqute {
        self.run_somewhere(["--opt", "shared-workdir=true"])
            .args(["--cwd".as_ref(), self.scratch.path("").as_os_str()])
            .args(args)
    }

    /// The same, but nothing is said of folders.
    pub(crate) fn run_somewhere<'b>(&self, args: impl IntoIterator<Item = &'b str>) -> Xqute {
        self.run_anyhow(["--opt", "location=us-central1"]).args(args)
    }

    /// `xqute run -s gbatch` with these arguments and no others.
    pub(crate) fn run_anyhow<'b>(&self, args: impl IntoIterator<Item = &'b str>) -> Xqute {
        let run = ["-v", "run", "-s", "gbatch"];
        self.in_environment(self.scratch.with_plugins(&["gbatch"], run).args(args))
    }

    /// `gcloud batch` with these arguments; returns what it printed.
    pub(crate) fn gcloud(&self, args: &[&str]) -> String {
        let gcloud = self
            .scratch
            .program(Path::new("/usr/bin/env"))
            .args(["gcloud", "batch"]);
        let gcloud = gcloud.args(args).args(["--location=us-central1", "--quiet"]);
        self.in_environment(gcloud).run().exits(0).stdout
    }

    /// The state of the job of Batch that holds this job.
    pub(crate) fn state_of(&self, index: u32) -> String {
        let (job, _) = self.task_of(index);
        self.gcloud(&["jobs", "describe", &job, "--format=value(status.state)"])
            .trim()
            .to_owned()
    }

    /// The job of Batch that holds this job, and the number of its task.
    pub(crate) fn task_of(&self, index: u32) -> (String, String) {
        let id = self.scratch.job(index).id();
        let (job, task) = id.split_once('/').unwrap();
        (job.to_owned(), task.to_owned())
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        if self.own.is_some() {
            // A test that fails must not fail twice.
            let _whatever_came = self.script(&["clean"]).run();
        }
    }
}
