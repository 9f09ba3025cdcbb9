//! The workdir goes while its run lives.

use std::fs;

use xqute_tests::Scratch;

use crate::host::{SHORT, WAITS};

#[test]
fn a_run_whose_workdir_is_removed_stops_and_says_so() {
    for args in [&[][..], &["--wrapper", "always"]] {
        let scratch = Scratch::new();
        scratch.write("jobs.txt", format!("{WAITS}\n{}", format!("{SHORT}\n").repeat(20)));
        let args = ["run", "-j", "1", "--submission-batch", "1", "jobs.txt"]
            .iter()
            .chain(args);
        let running = scratch.xqute(args).start();
        scratch.wait_for_file("ready.0");
        // The last that is made in the workdir for a job that runs.
        scratch.wait_for_file(".xqute/0/job.jid");
        fs::remove_dir_all(scratch.path(".xqute")).unwrap();
        scratch.write("go", "");
        let output = running.wait().exits(4);
        let output = output.says(".xqute` was removed while the run lived; the run stops");
        assert_eq!(output.stderr.matches("error:").count(), 2, "{}", output.stderr);
        // What was in flight may have failed for it; the rest did not start.
        assert!(!scratch.has("ran.20"));
    }
}
