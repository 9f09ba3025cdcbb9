//! What throughput is compared with: scripts that do the least that a wrapper has to do, and a bare loop that spawns them.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    program::{program, status},
    project,
};

/// Writes scripts for `true`, each in a folder of its own: state, output, exit code, state. Returns a file that lists them.
pub(crate) fn write_scripts(folder: &Path, count: usize) -> Result<PathBuf> {
    project::empty(folder)?;
    let mut list = String::new();
    for job in 0..count {
        let own = folder.join(job.to_string());
        fs::create_dir(&own)?;
        let own = own.display();
        let script = format!(
            "#!/bin/bash\n\
             echo 4 > {own}/job.status\n\
             true > {own}/job.stdout 2> {own}/job.stderr\n\
             rc=$?\n\
             echo $rc > {own}/job.rc\n\
             echo 6 > {own}/job.status\n"
        );
        fs::write(format!("{own}/job.sh"), script)?;
        writeln!(list, "{own}/job.sh")?;
    }
    let file = folder.join("list");
    fs::write(&file, list)?;
    Ok(file)
}

/// The loop: runs the listed scripts, some at once.
pub(crate) fn run(list: &Path, in_flight: usize) -> Result<()> {
    let list = fs::read_to_string(list).with_context(|| format!("cannot read {}", list.display()))?;
    let scripts: Vec<&str> = list.lines().collect();
    let next = AtomicUsize::new(0);
    let work = || -> Result<()> {
        while let Some(script) = scripts.get(next.fetch_add(1, Ordering::Relaxed)) {
            ensure!(status(program("/bin/bash").arg(script))?.success(), "{script} failed");
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..in_flight).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| match worker.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })
}
