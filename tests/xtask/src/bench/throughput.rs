//! Many small jobs on this machine: jobs per second, processor time per job, memory.

use std::{
    fs::File,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Result, ensure};

use super::{
    Effort,
    measure::{Samples, Side, side_by_side},
    others,
    place::Place,
    table::{self, Target},
    yardstick::{Loop, keep_scripts, name_outputs, write_scripts},
};
use crate::program::{program, status};

/// How many jobs are in flight at once.
pub(super) const IN_FLIGHT: &str = "4";

/// Makes jobs have scripts: something has to be in them.
pub(super) const SCRIPTED: [&str; 2] = ["--prescript", ":"];

/// Measures all of it.
pub(super) fn run(place: &Place, effort: Effort) -> Result<()> {
    direct(place, effort)?;
    against_bare_loop(place, effort)?;
    with_plugins(place, effort)
}

/// Programs without a shell, beside a loop that does nothing but start them with files for their output, and beside others
/// that keep their output.
fn direct(place: &Place, effort: Effort) -> Result<()> {
    let jobs = place.program_file(effort.jobs)?;
    let mut sides = vec![
        Side::new("bare posix_spawn loop, output files", || {
            bare_loop(&name_outputs(&place.path("outputs"), effort.jobs)?, Loop::Programs)
        }),
        Side::new("xqute run, direct", || {
            let mut xqute = place.xqute(&[])?;
            xqute.args(["--forks", IN_FLIGHT]).arg(&jobs);
            Ok(xqute)
        }),
    ];
    sides.extend(others::sides(place, effort.jobs));
    let samples = side_by_side(effort.rounds, sides)?;
    print(
        &format!("Throughput: {} x the program `true`, 4 in flight", effort.jobs),
        "of the bare loop",
        effort.jobs,
        &samples,
        &[Target::AtLeast(0.8)],
    );
    Ok(())
}

/// Beside a loop that does nothing but run scripts that lie ready: those that xqute writes, and the least possible ones,
/// which lose the exit code of a command that leaves the shell. And beside others that run the least possible ones.
fn against_bare_loop(place: &Place, effort: Effort) -> Result<()> {
    let jobs = place.job_file(effort.jobs)?;
    let xqute = || {
        let mut xqute = place.xqute(&[])?;
        xqute.args(SCRIPTED).args(["--forks", IN_FLIGHT]).arg(&jobs);
        Ok(xqute)
    };
    let wrappers = || {
        ensure!(status(&mut xqute()?)?.success(), "xqute run failed");
        keep_scripts(&place.workdir(), effort.jobs)
    };
    let scripts = || write_scripts(&place.path("scripts"), effort.jobs);
    let mut sides = vec![
        Side::new("bare loop, the same scripts", || {
            bare_loop(&wrappers()?, Loop::OneThread)
        }),
        Side::new("xqute run, with scripts", xqute),
        Side::new("bare loop of 4 threads, the same scripts", || {
            bare_loop(&wrappers()?, Loop::ThreadEach)
        }),
        Side::new("bare loop, minimal wrapper", || bare_loop(&scripts()?, Loop::OneThread)),
        Side::new("xargs -P4, minimal wrapper", || {
            fed_with(&scripts()?, "xargs", &["-P", IN_FLIGHT, "-n", "1", "bash"])
        }),
    ];
    if others::has_gnu_parallel() {
        sides.push(Side::new("GNU parallel -j4, minimal wrapper", || {
            fed_with(&scripts()?, "parallel", &["-j", IN_FLIGHT, "bash", "{}"])
        }));
    }
    let samples = side_by_side(effort.rounds, sides)?;
    print(
        &format!("Throughput: {} x `true` in a script, 4 in flight", effort.jobs),
        "of the bare loop",
        effort.jobs,
        &samples,
        &[Target::AtLeast(0.9)],
    );
    Ok(())
}

/// With plugins, beside none; with scripts on all sides, as plugins may have something to say in them.
fn with_plugins(place: &Place, effort: Effort) -> Result<()> {
    let jobs = place.job_file(effort.jobs)?;
    let jobs = &jobs;
    let with = |plugins: &'static [&'static str]| {
        move || {
            let mut xqute = place.xqute(plugins)?;
            xqute.args(SCRIPTED).args(["--forks", IN_FLIGHT]).arg(jobs);
            Ok(xqute)
        }
    };
    const PLUGINS: [(&str, &[&str], f64); 4] = [
        ("all 15 hooks, in Rust", &["all_hooks"], 0.95),
        ("all 15 hooks, in Python", &["all_hooks_python"], 0.8),
        ("all 15 hooks, in JavaScript", &["all_hooks_javascript"], 0.8),
        ("one hook, in Rust", &["hello"], 0.95),
    ];
    let (there, missing): (Vec<_>, Vec<_>) =
        (PLUGINS.into_iter()).partition(|(_, plugins, _)| plugins.iter().all(|plugin| place.has(plugin)));
    for (name, ..) in missing {
        println!("\nHooks: NOT MEASURED: {name}; what it takes to build that plugin is not installed");
    }
    let sides = || {
        let sides = there.iter().map(|(name, plugins, _)| Side::new(*name, with(plugins)));
        [Side::new("no plugin", with(&[]))].into_iter().chain(sides).collect()
    };
    let targets: Vec<Target> = there.iter().map(|(.., least)| Target::AtLeast(*least)).collect();
    // Once for nothing: compiled code is in the cache from then on.
    side_by_side(1, sides())?;
    print(
        &format!("Hooks: {} x `true`, 4 in flight, with a plugin", effort.jobs),
        "of no plugin",
        effort.jobs,
        &side_by_side(effort.rounds, sides())?,
        &targets,
    );
    Ok(())
}

fn bare_loop(scripts: &Path, kind: Loop) -> Result<Command> {
    let mut yardstick = program(std::env::current_exe()?);
    yardstick.arg("yardstick").arg(scripts).args([IN_FLIGHT, kind.word()]);
    Ok(yardstick)
}

/// A program that reads the scripts' names from its standard input.
fn fed_with(scripts: &Path, name: &str, args: &[&str]) -> Result<Command> {
    let mut command = program(name);
    command.args(args).stdin(File::open(scripts)?).stdout(Stdio::null());
    Ok(command)
}

/// The first side is what the others are compared with; the targets are for those after it.
fn print(title: &str, ratio: &str, jobs: usize, samples: &[Samples], targets: &[Target]) {
    let Some(first) = samples.first() else { return };
    #[expect(clippy::cast_precision_loss, reason = "there are not that many jobs")]
    let jobs = jobs as f64;
    let rows = samples.iter().enumerate().map(|(place, side)| {
        let ratio = side.against(first, |ours, theirs| {
            theirs.wall.as_secs_f64() / ours.wall.as_secs_f64()
        });
        vec![
            side.name.clone(),
            format!("{:.0}", jobs / side.seconds()),
            format!("{ratio:.2}"),
            place
                .checked_sub(1)
                .and_then(|place| targets.get(place))
                .map_or_else(String::new, |target| target.judge(ratio)),
            format!(
                "{:.2} ms",
                side.typical(|spent| spent.processor.as_secs_f64()) * 1000.0 / jobs
            ),
            format!(
                "{:.1} MB",
                side.typical(|spent| f64::from(u32::try_from(spent.peak_kib).unwrap_or(u32::MAX))) / 1024.0
            ),
        ]
    });
    let header = ["", "jobs/s", ratio, "target", "processor per job", "largest process"];
    table::print(title, &header, &rows.collect::<Vec<_>>());
}
