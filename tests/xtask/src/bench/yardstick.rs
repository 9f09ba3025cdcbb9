//! What throughput is compared with: a bare loop that runs scripts which lie ready.

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

/// Removes what a run left in its workdir, but for the jobs' scripts. Returns a file that lists them.
pub(crate) fn keep_scripts(workdir: &Path, count: usize) -> Result<PathBuf> {
    let mut list = String::new();
    for job in 0..count {
        let own = workdir.join(job.to_string());
        for file in ["job.status", "job.jid", "job.stdout", "job.stderr", "job.rc"] {
            fs::remove_file(own.join(file)).with_context(|| format!("job {job} has no {file}"))?;
        }
        writeln!(list, "{}/job.wrapped.local", own.display())?;
    }
    let file = workdir.join("list");
    fs::write(&file, list)?;
    Ok(file)
}

/// The loop: runs the listed scripts, some at once, each slot in a thread of its own. That is the fastest way: a program's
/// start blocks, and one thread alone was measured to be a tenth slower.
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
