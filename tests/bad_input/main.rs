//! What is refused before anything runs, with which words and exit code; and what has to be survived.

mod job_files;
mod plugin_files;
mod settings;
mod survived;
mod workdirs;
