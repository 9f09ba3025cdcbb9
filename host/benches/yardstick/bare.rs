//! The yardstick: the barest loop that runs jobs through bash and keeps what they print and how they end.

use std::{collections::HashMap, fs, path::Path, process::Stdio};

use rustix::process::{WaitId, WaitIdOptions, waitid};

/// The barest script that does for a job what ours does: state, outputs to files, exit code, state.
fn script(dir: &Path, command: &str) -> String {
    let dir = dir.display();
    format!(
        "#!/bin/bash\n\
         exec >{dir}/stdout 2>{dir}/stderr\n\
         echo 4 1<>{dir}/status\n\
         {command}\n\
         rc=$?\n\
         echo $rc >{dir}/rc\n\
         if [[ $rc == 0 ]]; then echo 6; else echo 7; fi 1<>{dir}/status\n\
         exit $rc\n"
    )
}

/// Runs `command` as many times as there are `jobs`, at most `in_flight` at once, each in a directory of its own in `dir`.
pub(crate) fn run(dir: &Path, command: &str, jobs: usize, in_flight: usize) {
    let mut next = 0;
    let mut running = HashMap::new();
    while next < jobs || !running.is_empty() {
        while next < jobs && running.len() < in_flight {
            let job = dir.join(next.to_string());
            fs::create_dir(&job).unwrap();
            let wrapper = job.join("wrapper");
            fs::write(&wrapper, script(&job, command)).unwrap();
            #[expect(
                clippy::disallowed_methods,
                reason = "the yardstick owes nothing to the code that it measures"
            )]
            let mut bash = std::process::Command::new("/bin/bash");
            bash.arg(wrapper)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            let child = bash.spawn().unwrap();
            running.insert(child.id(), child);
            next += 1;
        }
        // Whichever ends first is left to be reaped by its own handle.
        waitid(WaitId::All, WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).unwrap();
        running.retain(|_, child| child.try_wait().unwrap().is_none());
    }
}
