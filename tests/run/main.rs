//! One job file on this machine: from reading it to the exit code.

mod commands;
mod configuration;
mod dry_run;
mod environment;
mod forms;
mod job_directories;
mod job_files;
mod order;
mod outcomes;
mod scripts;
mod strategies;
mod summary;
mod timeouts;
