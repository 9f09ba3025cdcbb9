//! Attempts that were killed → which of them used too much memory. Pure functions.
//!
//! Where Slurm enforces memory limits by looking now and then and not by cgroups, all that it knows of such a job is signal 9.
//! Only the file into which it writes its own messages has the reason, in words that are the same in every locale.

use xqute_plugin::{Job, Output};

/// So many names of logs fit into one command line, however long they are.
pub(crate) const MOST_LOGS: usize = 200;

/// `Exceeded job memory limit`, `StepId=2.batch exceeded memory limit (225071104 > 20971520), being killed`: without a space, as
/// the right to run `grep` names it.
pub(crate) const WORDS: &str = "xceeded.(job.)?memory.limit";

/// The log of Slurm's own messages about a job.
pub(crate) fn log(job: &Job) -> String {
    format!("{}/job.slurm", job.dir.spec)
}

/// The arguments of a `grep` that prints which of these logs have the reason in them.
pub(crate) fn argv(logs: &[String]) -> Vec<String> {
    let mut argv = vec!["-lsE".to_owned(), WORDS.to_owned(), "--".to_owned()];
    argv.extend_from_slice(logs);
    argv
}

/// Whether this log was printed.
pub(crate) fn is_listed(log: &str, output: &Output) -> bool {
    output.stdout_text().lines().any(|listed| listed == log)
}

#[cfg(test)]
mod tests {
    use super::*;
    use xqute_plugin::Exit;

    #[test]
    fn only_logs_that_were_named_count() {
        let output = Output {
            exit: Exit::Code(0),
            stdout: b"/data/7/job.slurm\n/data/17/job.slurm\n".to_vec(),
            stderr: Vec::new(),
        };
        assert!(is_listed("/data/7/job.slurm", &output));
        assert!(!is_listed("/data/1/job.slurm", &output));
    }
}
