//! Others that run many small programs on one machine and keep their output. What is not installed is said.

use std::{fs::File, path::Path, process::Stdio};

use super::{measure::Side, place::Place, throughput::IN_FLIGHT};
use crate::program::{is_installed, program, read};

/// One client for each job, as one uses it; then waits until the queue is empty, and ends the server.
const TASK_SPOOLER: &str = r#"
export TS_SOCKET=$1/socket TMPDIR=$1 TS_MAXFINISHED=$2
tsp -S "$3"
for ((job = 0; job < $2; job++)); do tsp true > /dev/null; done
while [[ $(tsp) == *" running "* || $(tsp) == *" queued "* ]]; do tsp -w; done
tsp -K
"#;

/// Those that are installed, with `jobs` times the program `true`.
pub(super) fn sides(place: &Place, jobs: usize) -> Vec<Side<'_>> {
    let mut sides = Vec::new();
    if has_gnu_parallel() {
        sides.push(Side::new("GNU parallel -j4 --results", move || {
            let numbers = place.path("numbers");
            let lines: Vec<String> = (0..jobs).map(|job| format!("{job}\n")).collect();
            std::fs::write(&numbers, lines.concat())?;
            let mut parallel = program("parallel");
            let results = place.empty("results")?;
            parallel
                .args(["--will-cite", "-j", IN_FLIGHT, "--results"])
                .arg(results);
            parallel
                .args(["true", "{}"])
                .stdin(File::open(numbers)?)
                .stdout(Stdio::null());
            Ok(parallel)
        }));
    } else {
        println!("GNU parallel: NOT MEASURED, it is not installed (Debian: parallel)");
    }
    if is_installed("tsp") {
        sides.push(Side::new("task-spooler, 4 slots", move || {
            let mut bash = program("bash");
            let folder = place.empty("spool")?;
            bash.args(["-c", TASK_SPOOLER, "bash"]).arg(Path::new(&folder));
            bash.args([jobs.to_string().as_str(), IN_FLIGHT]).stdout(Stdio::null());
            Ok(bash)
        }));
    } else {
        println!("task-spooler: NOT MEASURED, it is not installed (Debian: task-spooler)");
    }
    sides
}

/// Another program of this name is about.
pub(super) fn has_gnu_parallel() -> bool {
    let says = || read(program("parallel").arg("--version")).unwrap_or_default();
    is_installed("parallel") && String::from_utf8_lossy(&says()).starts_with("GNU parallel")
}
