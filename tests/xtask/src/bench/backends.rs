//! Many small jobs on real backends: how long they take beside what one would type without xqute, and how often the backend's
//! clients are started for them.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};

use super::{
    Effort,
    measure::{Samples, Side, side_by_side},
    others,
    place::Place,
    table::{self, Target},
    yardstick::write_scripts,
};
use crate::program::{on_path, program};

/// A backend, as it is measured.
struct Backend {
    name: &'static str,
    /// Without this variable it is not there.
    sign: &'static str,
    rivals: &'static [Rival],
    flags: fn(&Place) -> Result<Vec<String>>,
    /// The most jobs in flight; none: all of them.
    forks: Option<usize>,
    /// The programs that talk to it.
    clients: &'static [&'static str],
    /// How much of the time of the fastest rival it may take.
    target: f64,
    /// How many jobs are measured in full, and quickly.
    jobs: (usize, usize),
}

/// What is typed without xqute.
struct Rival {
    name: &'static str,
    /// Bash, given a file that lists the scripts of the jobs.
    script: &'static str,
    is_there: fn() -> bool,
}

impl Rival {
    /// Takes no more than the backend's own clients.
    const fn new(name: &'static str, script: &'static str) -> Self {
        Self {
            name,
            script,
            is_there: || true,
        }
    }
}

/// Waits for the last but one thing that each script writes.
macro_rules! and_wait {
    ($start:literal) => {
        concat!(
            $start,
            r#"
while read -r script; do until [ -e "${script%/*}/job.rc" ]; do sleep 0.01; done; done < "$1"
"#
        )
    };
}

const SLURM: Backend = Backend {
    name: "slurm",
    sign: "SLURM_CONF",
    rivals: &[
        Rival::new(
            "sbatch, one by one, and waiting",
            and_wait!(
                r#"
while read -r script; do sbatch --parsable --output=/dev/null "$script" > /dev/null || exit; done < "$1"
"#
            ),
        ),
        Rival::new(
            "sbatch --array, and waiting",
            and_wait!(
                r##"
printf '#!/bin/bash\nexec "$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" "%s")"\n' "$1" > array.sh
chmod +x $(< "$1") && sbatch --parsable --output=/dev/null --array="0-$(($(wc -l < "$1") - 1))" array.sh > /dev/null || exit
"##
            ),
        ),
    ],
    flags: |_| Ok(Vec::new()),
    forks: None,
    clients: &["sbatch", "squeue", "scancel", "sacct", "scontrol"],
    target: 1.2,
    jobs: (1000, 200),
};

const SGE: Backend = Backend {
    name: "sge",
    sign: "SGE_ROOT",
    rivals: &[
        Rival::new(
            "qsub, one by one, and waiting",
            and_wait!(
                r#"
PATH=/usr/lib/gridengine:$PATH
while read -r script; do qsub -terse -o /dev/null -j y "$script" > /dev/null || exit; done < "$1"
"#
            ),
        ),
        Rival::new(
            "qsub -t, and waiting",
            and_wait!(
                r##"
PATH=/usr/lib/gridengine:$PATH
printf '#!/bin/bash\nexec "$(sed -n "${SGE_TASK_ID}p" "%s")"\n' "$1" > array.sh
chmod +x $(< "$1") && qsub -terse -o /dev/null -j y -t "1-$(wc -l < "$1")" array.sh > /dev/null || exit
"##
            ),
        ),
    ],
    flags: |_| Ok(Vec::new()),
    forks: None,
    clients: &["qsub", "qstat", "qdel", "qacct"],
    target: 1.2,
    jobs: (1000, 200),
};

const SSH: Backend = Backend {
    name: "ssh",
    sign: "SSH_CONFIG",
    rivals: &[
        Rival {
            name: "parallel -S, over open connections",
            script: r#"parallel --will-cite --ssh "ssh -F $SSH_CONFIG" -S 4/n1,4/n2 bash < "$1" > /dev/null"#,
            is_there: others::has_gnu_parallel,
        },
        Rival::new(
            "xargs -P 8 ssh, over open connections",
            r#"
for host in n1 n2; do ssh -n -F "$SSH_CONFIG" "$host" true 2> /dev/null; done
awk '{ print (NR % 2 ? "n1" : "n2"), "bash", $0 }' "$1" | xargs -P 8 -L 1 ssh -n -F "$SSH_CONFIG" > /dev/null
"#,
        ),
    ],
    flags: ssh_flags,
    forks: Some(8),
    clients: &["ssh"],
    target: 1.25,
    jobs: (500, 100),
};

const CONTAINER: Backend = Backend {
    name: "container",
    sign: "XQUTE_TEST_IMAGE",
    rivals: &[Rival::new(
        "xargs -P 4 podman run --rm",
        r#"wc -l < "$1" | xargs seq | xargs -P 4 -I{} podman run --rm --pull=never "$XQUTE_TEST_IMAGE" true"#,
    )],
    flags: |_| {
        let image = env::var("XQUTE_TEST_IMAGE")?;
        Ok(vec!["bin=podman".to_owned(), format!("image={image}")])
    },
    forks: Some(4),
    clients: &["podman"],
    target: 1.11,
    jobs: (100, 20),
};

fn ssh_flags(place: &Place) -> Result<Vec<String>> {
    let sockets = place.path("sockets");
    if !sockets.exists() {
        fs::create_dir(&sockets)?;
        fs::set_permissions(&sockets, fs::Permissions::from_mode(0o700))?;
    }
    Ok(vec![
        format!("config={}", env::var("SSH_CONFIG")?),
        format!("ctrl-dir={}", sockets.display()),
        "server=n1,slots=4".to_owned(),
        "server=n2,slots=4".to_owned(),
    ])
}

/// Each backend that is there, beside its rivals.
pub(super) fn run(place: &Place, effort: Effort) -> Result<()> {
    let mut calls = Vec::new();
    for backend in [SLURM, SGE, SSH, CONTAINER] {
        if env::var_os(backend.sign).is_none() {
            println!(
                "\n{}: NOT MEASURED; --services starts one (as root, on Debian)",
                backend.name
            );
            continue;
        }
        calls.extend(beside_rivals(place, effort, &backend)?);
    }
    let header = ["", "jobs", "client", "starts in a run"];
    table::print("How often the clients of a backend are started", &header, &calls);
    Ok(())
}

/// Returns how often its clients were started.
fn beside_rivals(place: &Place, effort: Effort, backend: &Backend) -> Result<Vec<Vec<String>>> {
    let jobs = if effort.full { backend.jobs.0 } else { backend.jobs.1 };
    let counting = Counting::make(place, backend.clients)?;
    let ours = format!("xqute run -s {}", backend.name);
    let mut sides = vec![Side::new(ours, || xqute(place, backend, &counting, jobs))];
    for missing in backend.rivals.iter().filter(|rival| !(rival.is_there)()) {
        println!("{}: NOT MEASURED, it is not installed", missing.name);
    }
    let rivals = backend.rivals.iter().filter(|rival| (rival.is_there)());
    sides.extend(rivals.map(|Rival { name, script, .. }| {
        Side::new(*name, move || {
            let list = write_scripts(&place.path("scripts"), jobs)?;
            let mut bash = program("bash");
            bash.args(["-c", script, "bash"])
                .arg(list)
                .current_dir(place.folder())
                .stdout(Stdio::null());
            Ok(bash)
        })
    }));
    let samples = side_by_side(effort.backend_rounds, sides)?;
    let Some((ours, rivals)) = samples.split_first() else {
        return Ok(Vec::new());
    };
    let seconds = |samples: &Samples| format!("{:.2} s", samples.seconds());
    let mut rows = vec![vec![ours.name.clone(), jobs.to_string(), seconds(ours)]];
    let fastest = rivals.iter().map(Samples::seconds).fold(f64::INFINITY, f64::min);
    for rival in rivals {
        let ratio = ours.against(rival, |ours, theirs| {
            ours.wall.as_secs_f64() / theirs.wall.as_secs_f64()
        });
        let mut row = vec![
            rival.name.clone(),
            jobs.to_string(),
            seconds(rival),
            format!("{ratio:.2}"),
        ];
        if rival.seconds() <= fastest {
            row.push(Target::AtMost(backend.target).judge(ratio));
        }
        rows.push(row);
    }
    let header = ["", "jobs", "time", "xqute takes, times this", "target, of the fastest"];
    table::print(&format!("{}: `true`", backend.name), &header, &rows);
    let counted = counting.take()?.into_iter().map(|(client, starts)| {
        let name = backend.name.to_owned();
        let each = starts.div_ceil(effort.backend_rounds);
        vec![name, jobs.to_string(), client, each.to_string()]
    });
    Ok(counted.collect())
}

fn xqute(place: &Place, backend: &Backend, counting: &Counting, jobs: usize) -> Result<Command> {
    let file = place.job_file(jobs)?;
    let forks = backend.forks.unwrap_or(jobs).to_string();
    let mut xqute = place.xqute(&[backend.name])?;
    xqute
        .env("PATH", &counting.path)
        .args(["--scheduler", backend.name, "--forks", &forks]);
    for flag in (backend.flags)(place)? {
        xqute.args(["--opt", &flag]);
    }
    xqute.arg(file);
    Ok(xqute)
}

/// A PATH on which programs count how often they are started.
struct Counting {
    path: OsString,
    calls: PathBuf,
}

impl Counting {
    fn make(place: &Place, clients: &[&str]) -> Result<Self> {
        let folder = place.empty("counting")?;
        let calls = place.path("calls");
        fs::write(&calls, "")?;
        for client in clients {
            if let Some(real) = on_path(client) {
                let script = format!(
                    "#!/bin/sh\necho {client} >> '{}'\nexec '{}' \"$@\"\n",
                    calls.display(),
                    real.display()
                );
                write_program(&folder.join(client), &script)?;
            }
        }
        let old = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([folder].into_iter().chain(env::split_paths(&old)))?;
        Ok(Self { path, calls })
    }

    /// How often each was.
    fn take(&self) -> Result<BTreeMap<String, usize>> {
        let calls = fs::read_to_string(&self.calls).context("what was counted is gone")?;
        let mut counts = BTreeMap::new();
        for client in calls.lines() {
            *counts.entry(client.to_owned()).or_default() += 1;
        }
        Ok(counts)
    }
}

fn write_program(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text)?;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))?;
    Ok(())
}
