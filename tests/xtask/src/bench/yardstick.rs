//! What throughput is compared with: bare loops that run scripts which lie ready, or a program with files for its output.

use std::{
    fmt::Write as _,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use anyhow::{Context as _, Result, ensure};

use super::measure::wait_for_any;
use crate::{
    program::{on_path, program, status},
    project,
};

/// The program that all jobs are.
const PROGRAM: &str = "true";

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

/// Makes an empty folder for the outputs of programs. Returns a file that lists them, without the ends of their names.
pub(crate) fn name_outputs(folder: &Path, count: usize) -> Result<PathBuf> {
    project::empty(folder)?;
    let mut list = String::new();
    for job in 0..count {
        writeln!(list, "{}/{job}", folder.display())?;
    }
    let file = folder.join("list");
    fs::write(&file, list)?;
    Ok(file)
}

/// What a bare loop runs, and who starts it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Loop {
    /// One thread: starts some, waits for whichever ends first, starts the next.
    OneThread,
    /// A thread for each script in flight: a start blocks, so this is the fastest way to do it.
    ThreadEach,
    /// One thread, which starts programs, each with its standard output and error in files. Nothing is listed but the
    /// names of these files.
    Programs,
}

impl Loop {
    /// As the command line has it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::OneThread => "one-thread",
            Self::ThreadEach => "thread-each",
            Self::Programs => "programs",
        }
    }

    fn from_word(word: &str) -> Result<Self> {
        let known = [Self::OneThread, Self::ThreadEach, Self::Programs].into_iter();
        let mut named = known.filter(|kind| kind.word() == word);
        named.next().with_context(|| format!("there is no loop `{word}`"))
    }
}

/// Runs the listed scripts, some at once.
pub(crate) fn run(list: &Path, in_flight: usize, word: &str) -> Result<()> {
    let list = fs::read_to_string(list).with_context(|| format!("cannot read {}", list.display()))?;
    let scripts: Vec<&str> = list.lines().collect();
    match Loop::from_word(word)? {
        Loop::OneThread => one_thread(&scripts, in_flight, |script| {
            program("/bin/bash").arg(script).spawn()?;
            Ok(())
        }),
        Loop::ThreadEach => thread_each(&scripts, in_flight),
        Loop::Programs => {
            let found = on_path(PROGRAM).with_context(|| format!("there is no `{PROGRAM}`"))?;
            one_thread(&scripts, in_flight, |output| {
                let [stdout, stderr] = [".stdout", ".stderr"].map(|end| File::create(format!("{output}{end}")));
                program(&found).stdout(stdout?).stderr(stderr?).spawn()?;
                Ok(())
            })
        }
    }
}

fn one_thread(listed: &[&str], in_flight: usize, start: impl Fn(&str) -> Result<()>) -> Result<()> {
    let mut running = 0;
    for one in listed {
        if running == in_flight {
            wait_for_any()?;
            running -= 1;
        }
        start(one)?;
        running += 1;
    }
    (0..running).try_for_each(|_| wait_for_any())
}

fn thread_each(scripts: &[&str], in_flight: usize) -> Result<()> {
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
