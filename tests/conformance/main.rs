//! One suite that every scheduler passes, the one that is built in included. It uses xqute as anybody would, with the real
//! backend behind it; README.md beside this file says which backend has which tests, and how to add one.
//!
//! - `backend` says what the suite has to know about a backend: its flags, its service, what it can do;
//! - `suite` makes the tests of one: a module for each, so that a test is called `slurm::exit_codes_come_back`;
//! - `service` finds what is behind it, and stops and starts that;
//! - `bench` is a backend in use by one test: a folder, its turn at the backend, runs, and questions about them;
//! - `medley` is one run with jobs of all kinds, which many tests look at: backends are slow, and this is cheap;
//! - `backends/` has a file for each backend, `cases/` one for each subject.
//!
//! Tests wait for states and files, never for a time.

#[macro_use]
mod suite;

mod backend;
mod bench;
mod medley;
mod service;

#[path = "backends/container.rs"]
mod container;
#[path = "backends/gbatch.rs"]
mod gbatch;
#[path = "backends/local.rs"]
mod local;
#[path = "backends/local_store.rs"]
mod local_store;
#[path = "backends/sge.rs"]
mod sge;
#[path = "backends/slurm.rs"]
mod slurm;
#[path = "backends/ssh.rs"]
mod ssh;

mod cases {
    pub(crate) mod cancelling;
    pub(crate) mod crashes;
    pub(crate) mod dry_run;
    pub(crate) mod ends;
    pub(crate) mod limits;
    pub(crate) mod lost;
    pub(crate) mod many;
    pub(crate) mod moved;
    pub(crate) mod outage;
    pub(crate) mod output;
    pub(crate) mod refusals;
    pub(crate) mod scripts;
    pub(crate) mod strategies;
    pub(crate) mod surroundings;
}

mod table;
