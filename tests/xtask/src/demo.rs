//! `cargo xtask demo`: real jobs on real files. Each source file of the crate `wasmtime`, which whoever built xqute has, is
//! digested, compressed and searched: by xqute with a plugin that observes, gates and adds snippets, and by bash, one line
//! after the other. Both must leave the same files, byte for byte.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::{
    bench::measure::timed,
    build,
    program::{self, cargo, program},
    project::{self, Project},
};

/// The crate whose sources are worked on.
const CRATE: &str = "wasmtime";

/// Fewer would not be worth showing.
const LEAST_JOBS: usize = 500;

/// Builds, runs the jobs both ways and compares.
pub(crate) fn run() -> Result<()> {
    build::all()?;
    let project = Project::find()?;
    let place = project.target.join("demo");
    project::empty(&place)?;
    let jobs = write_jobs(&project, &place)?;
    let by_xqute = run_with_xqute(&project, &place)?;
    let by_bash = run_with_bash(&place)?;
    let files = compare(&place.join("by-xqute"), &place.join("by-bash"))?;
    ensure!(files == jobs, "{jobs} jobs made {files} files; each should make one");
    let journal = place.join("workdir/journal.tsv");
    let text = fs::read_to_string(&journal).with_context(|| format!("cannot read {}", journal.display()))?;
    let lines = text.lines().count();
    ensure!(
        lines == jobs,
        "the plugin's journal has {lines} lines; each of the {jobs} jobs should add one"
    );

    println!("\n{jobs} jobs, {files} files of results, the same byte for byte:");
    println!("  {:>7.2} s  xqute, with the plugin journal", by_xqute.as_secs_f64());
    println!("  {:>7.2} s  bash, one job after the other", by_bash.as_secs_f64());
    println!(
        "The jobs are tiny on purpose, so most of xqute's time goes into what bash does not do: it keeps a script, both"
    );
    println!("outputs, the exit code and the state of each job, and the plugin its line.");
    println!("Look next at");
    for (path, what) in [
        ("jobs.txt", "the jobs, a shell command line each"),
        ("by-xqute", "their results"),
        (
            "workdir/journal.tsv",
            "what the plugin wrote, by a snippet in each job's script",
        ),
        ("workdir/0", "the first job's script, output, exit code and state"),
    ] {
        println!("  {:<34} {what}", project.short(&place.join(path)).to_string());
    }
    println!("and run jobs of your own: {} run FILE", project.short(&project.xqute()));
    Ok(())
}

/// Writes the job file; returns how many jobs there are. What they write is relative to the folder that they start in.
fn write_jobs(project: &Project, place: &Path) -> Result<usize> {
    let folder = sources_of(project, CRATE)?;
    let mut jobs = format!("# digest, compress, search: for each source file of {CRATE}\n");
    let mut count = 0;
    for (number, file) in project::files_below(&folder)?.iter().enumerate() {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let result = quoted(&format!("{number:03}-{name}"));
        let file = quoted(&file.to_string_lossy());
        writeln!(jobs, "sha256sum < {file} > {result}.sha256")?;
        writeln!(jobs, "gzip -9n < {file} > {result}.gz")?;
        // No match is a result, too; grep's exit code for it is 1.
        writeln!(jobs, "grep -c unsafe {file} > {result}.count || [ $? -eq 1 ]")?;
        count += 3;
    }
    ensure!(
        count >= LEAST_JOBS,
        "{} has files for {count} jobs only",
        folder.display()
    );
    fs::write(place.join("jobs.txt"), jobs)?;
    println!("\nxtask: {count} jobs on the files of {}", folder.display());
    Ok(count)
}

/// The folder in which cargo keeps a dependency.
fn sources_of(project: &Project, name: &str) -> Result<PathBuf> {
    let mut metadata = cargo();
    metadata.args(["metadata", "--format-version", "1", "--locked"]);
    let found: Value = serde_json::from_slice(&program::read(metadata.current_dir(&project.root))?)?;
    let packages = found.get("packages").and_then(Value::as_array).into_iter().flatten();
    let mut named = packages.filter(|package| package.get("name").and_then(Value::as_str) == Some(name));
    let manifest = named.find_map(|package| package.get("manifest_path")?.as_str());
    let manifest = manifest.with_context(|| format!("cargo metadata does not know {name}"))?;
    Ok(Path::new(manifest)
        .parent()
        .context("a manifest lies in a folder")?
        .to_owned())
}

/// As bash wants it, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn run_with_xqute(project: &Project, place: &Path) -> Result<Duration> {
    let results = place.join("by-xqute");
    project::empty(&results)?;
    let mut xqute = program(project.xqute());
    xqute
        .arg("--plugin")
        .arg(project.plugin("journal"))
        .args(["--allow", "journal", "run", "--cwd"])
        .arg(results);
    xqute
        .arg("--workdir")
        .arg(place.join("workdir"))
        .arg(place.join("jobs.txt"));
    let (result, time) = timed(|| program::run(&mut xqute));
    result.map(|()| time)
}

fn run_with_bash(place: &Path) -> Result<Duration> {
    let results = place.join("by-bash");
    project::empty(&results)?;
    let mut bash = program("bash");
    bash.arg("-e").arg(place.join("jobs.txt")).current_dir(results);
    let (result, time) = timed(|| program::run(&mut bash));
    result.map(|()| time)
}

/// Compares all files of two folders; returns how many there are in each.
fn compare(one: &Path, other: &Path) -> Result<usize> {
    let (names, other_names) = (names(one)?, names(other)?);
    let mut differences: Vec<String> = Vec::new();
    for name in names.symmetric_difference(&other_names) {
        differences.push(format!("{} is in one folder only", name.display()));
    }
    for name in names.intersection(&other_names) {
        if fs::read(one.join(name))? != fs::read(other.join(name))? {
            differences.push(format!("{} differs", name.display()));
        }
    }
    if !differences.is_empty() {
        let count = differences.len();
        differences.truncate(10);
        bail!(
            "{count} differences between {} and {}:\n  {}",
            one.display(),
            other.display(),
            differences.join("\n  ")
        );
    }
    Ok(names.len())
}

fn names(folder: &Path) -> Result<BTreeSet<OsString>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    entries.map(|entry| Ok(entry?.file_name())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_found() {
        let place = std::env::temp_dir().join(format!("xtask-compare-{}", std::process::id()));
        let (one, other) = (place.join("one"), place.join("other"));
        project::empty(&one).unwrap();
        project::empty(&other).unwrap();
        fs::write(one.join("same"), "1").unwrap();
        fs::write(other.join("same"), "1").unwrap();
        assert_eq!(compare(&one, &other).unwrap(), 1);
        fs::write(one.join("more"), "").unwrap();
        fs::write(other.join("same"), "2").unwrap();
        let text = compare(&one, &other).unwrap_err().to_string();
        project::remove(&place).unwrap();
        assert!(text.starts_with("2 differences"), "{text}");
        assert!(
            text.contains("more is in one folder only") && text.contains("same differs"),
            "{text}"
        );
    }

    #[test]
    fn quotes_survive_bash() {
        let text = "it's $HOME `x` \"y\"";
        let mut bash = program("bash");
        bash.args(["-c", &format!("printf %s {}", quoted(text))]);
        assert_eq!(program::read(&mut bash).unwrap(), text.as_bytes());
    }
}
