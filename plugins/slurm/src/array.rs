//! Jobs that differ in their index alone → one job array: which they are, the arguments of the one `sbatch`, and the script
//! that starts the right job in each task. Pure functions.
//!
//! Arrays start where the index is a multiple of a power of ten, so that Slurm itself can make the path of a job's directory
//! from the number of a task: the log of job 12007, task 7 of the array that starts at 12000, is `12%3a/job.slurm`.

use std::collections::HashMap;

use crate::id;
use crate::identity::Jobs;
use crate::submit;
use xqute_plugin::{Error, Job, quote};

/// How many jobs one array spans at most. Slurm's own limit, `MaxArraySize`, is 1001 where nobody changed it.
pub(crate) const LARGEST_SPAN: u32 = 1000;

/// With fewer jobs the time that is won is not worth that they are no jobs of their own any more. On Slurm 22.05 one `sbatch`
/// takes 15 ms, whatever it submits.
const FEWEST: usize = 4;

/// Options that mean something else for an array: mail is sent once for all tasks, `singleton` lets only one of them run,
/// `aftercorr` looks at tasks, and burst buffers are shared.
const ONLY_ALONE: [&str; 4] = ["bb", "bbf", "dependency", "mail-type"];

/// What the jobs of an array have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Shape<'a> {
    /// The name of each job is this, `-` or `.` at its end, and its index.
    name: &'a str,
    /// The directory of each job is this, `/` at its end, and its index.
    dir: &'a str,
    /// The file name of each script.
    script: &'a str,
    cwd: Option<&'a str>,
    options: &'a [(String, String)],
    attempt: u32,
}

impl<'a> Shape<'a> {
    /// None for a job that is submitted alone.
    fn of(job: &'a Job) -> Option<Self> {
        let index = job.index.to_string();
        let name = job.name.strip_suffix(&index)?;
        let dir = job.dir.mounted.strip_suffix(&index)?;
        let script = job.script.mounted.strip_prefix(&job.dir.mounted)?.strip_prefix('/')?;
        let has_name = name.len() > 1 && name.ends_with(['-', '.']);
        // In a path with a backslash Slurm replaces nothing.
        let has_dir = dir.ends_with('/') && !dir.contains('\\');
        let alone = job.options.iter().any(|(name, _)| ONLY_ALONE.contains(&name.as_str()));
        (has_name && has_dir && !script.contains('/') && !alone).then(|| Shape {
            name,
            dir,
            script,
            cwd: job.cwd.as_ref().map(|cwd| cwd.mounted.as_str()),
            options: &job.options,
            attempt: job.attempt,
        })
    }
}

/// Splits a list of jobs into those that are submitted together, each list in ascending order. Most are lists of one where
/// `span` is 1, or the jobs have little in common.
pub(crate) fn groups<'a>(jobs: impl IntoIterator<Item = &'a Job>, span: u32) -> Vec<Vec<&'a Job>> {
    let mut groups: Vec<Vec<&Job>> = Vec::new();
    let mut places: HashMap<(Shape<'_>, u32), usize> = HashMap::new();
    for job in jobs {
        let shape = Shape::of(job).filter(|_| span > 1);
        let place = shape.map(|shape| *places.entry((shape, base(job, span))).or_insert(groups.len()));
        match place.and_then(|place| groups.get_mut(place)) {
            Some(group) => group.push(job),
            None => groups.push(vec![job]),
        }
    }
    let mut split = Vec::with_capacity(groups.len());
    for mut group in groups {
        if group.len() < FEWEST {
            split.extend(group.into_iter().map(|job| vec![job]));
        } else {
            group.sort_unstable_by_key(|job| job.index);
            split.push(group);
        }
    }
    split
}

/// Whether Slurm refused an array only for being one, or for having tasks with such high numbers.
pub(crate) fn is_too_wide(said: &str) -> bool {
    said.contains("Invalid job array specification")
}

/// The number of the task that a job is.
pub(crate) const fn task(job: &Job, span: u32) -> u32 {
    match job.index.checked_rem(span) {
        Some(task) => task,
        None => 0,
    }
}

/// The index of the job that is task 0, or would be.
const fn base(job: &Job, span: u32) -> u32 {
    job.index - task(job, span)
}

/// One `sbatch` for a group of jobs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Submission {
    pub(crate) argv: Vec<String>,
    /// The script, for `sbatch` to read from its standard input.
    pub(crate) script: String,
}

/// The `sbatch` for a group that [`groups`] made with the same `span`.
pub(crate) fn submission(group: &[&Job], run: &str, span: u32, carrier: Option<&str>) -> Result<Submission, Error> {
    let first = group.first().and_then(|job| Some((*job, Shape::of(job)?)));
    let Some((job, shape)) = first else {
        return Err(Error::Other("these jobs are no array".to_owned()));
    };
    let base = base(job, span);
    let request = submit::Request {
        name: shape.name.trim_end_matches(['-', '.']),
        jobs: Jobs::From(base),
        output: match carrier {
            None => format!("{}{}/job.slurm", shape.dir.replace('%', "%%"), directory(base, span)),
            Some(_) => submit::NOWHERE.to_owned(),
        },
        job,
    };
    let tasks = id::list(group.iter().map(|job| task(job, span)));
    let mut argv = vec!["--parsable".to_owned(), format!("--array={tasks}")];
    argv.extend(request.arguments(run)?);
    let script = match carrier {
        None => script(shape, base),
        Some(carrier) => carried(shape, base, carrier),
    };
    Ok(Submission { argv, script })
}

/// The pattern by which Slurm makes a job's index of a task's number.
fn directory(base: u32, span: u32) -> String {
    match base.checked_div(span) {
        Some(0) | None => "%a".to_owned(),
        Some(start) => format!("{start}%{}a", span.ilog10()),
    }
}

/// What each task runs. A job's own script stays the place where everything about it is said.
///
/// A controller that was killed may have forgotten what happened last, and start a task that has ended once more: its exit code
/// is there. So is that of a task which was told to end because it shall start again, but that code says so.
fn script(shape: Shape<'_>, base: u32) -> String {
    let (head, dir, file) = (
        head(shape, base, "starts the script of one job of an xqute run"),
        quote(shape.dir),
        quote(shape.script),
    );
    format!(
        "{head}\
         script={dir}$job/{file} rc={dir}$job/job.rc\n\
         if [[ -s $rc && $(<\"$rc\") != @(129|130|143) ]]; then\n    \
             echo \"xqute: this attempt has ended before, and is not run again\"\n    \
             exit \"$(<\"$rc\")\"\n\
         fi\n\
         read -r shell < \"$script\" || {{ echo \"xqute: this machine cannot read the job's script\"; exit 127; }}\n\
         exec ${{shell#'#!'}} \"$script\"\n"
    )
}

/// The same for jobs whose scripts their machines do not see.
fn carried(shape: Shape<'_>, base: u32, carrier: &str) -> String {
    let (dir, file) = (quote(shape.dir), quote(shape.script));
    let head = head(shape, base, "brings one job of an xqute run to its machine");
    format!("{head}exec {carrier} {dir}$job/{file}\n")
}

/// How each task knows which job it is.
fn head(shape: Shape<'_>, base: u32, what: &str) -> String {
    let name = quote(shape.name);
    format!(
        "#!/bin/bash\n\
         # Each task of this array {what}.\n\
         job=$((SLURM_ARRAY_TASK_ID + {base}))\n\
         export SLURM_JOB_NAME={name}$job\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use xqute_plugin::testing::{job, path};

    fn jobs(indices: impl IntoIterator<Item = u32>) -> Vec<Job> {
        indices.into_iter().map(|index| job(index, "true")).collect()
    }

    fn split(jobs: &[Job], span: u32) -> Vec<Vec<u32>> {
        let groups = groups(jobs, span);
        groups
            .iter()
            .map(|group| group.iter().map(|job| job.index).collect())
            .collect()
    }

    #[test]
    fn jobs_that_differ_in_their_index_alone_become_arrays() {
        assert_eq!(split(&jobs([3, 1, 2, 0]), 1000), [[0, 1, 2, 3]]);
        assert_eq!(split(&jobs([0, 1, 2]), 1000), [[0], [1], [2]], "too few");
        let two = split(&jobs(996..1004), 1000);
        assert_eq!(two, [[996, 997, 998, 999], [1000, 1001, 1002, 1003]]);
        assert_eq!(split(&jobs(0..5), 1).len(), 5, "a Slurm without arrays");
    }

    #[test]
    fn what_is_different_is_submitted_alone() {
        let apart = |change: &dyn Fn(&mut Job)| {
            let mut jobs = jobs(0..5);
            change(&mut jobs[2]);
            split(&jobs, 1000)
        };
        let others: Vec<Vec<u32>> = vec![vec![0, 1, 3, 4], vec![2]];
        let option = |name: &str| vec![(name.to_owned(), "x".to_owned())];
        assert_eq!(apart(&|job| job.options = option("partition")), others);
        assert_eq!(apart(&|job| job.cwd = Some(path("/elsewhere"))), others);
        assert_eq!(apart(&|job| job.attempt = 2), others);
        for name in ["train", "train-7", "train2", "2", "-2"] {
            assert_eq!(apart(&|job| job.name = name.to_owned()), others, "{name}");
        }
        assert_eq!(apart(&|job| job.dir = path("/data/2")), others);
        assert_eq!(apart(&|job| job.script = path("/data/.xqute/2/further/down")), others);
        for name in ONLY_ALONE {
            let mut jobs = jobs(0..5);
            jobs.iter_mut().for_each(|job| job.options = option(name));
            assert_eq!(split(&jobs, 1000).len(), 5, "{name}");
        }
        let mut backslash = jobs(0..5);
        for job in &mut backslash {
            job.dir.mounted = format!(r"/a\b/{}", job.index);
            job.script.mounted = format!("{}/job.wrapped.slurm", job.dir.mounted);
        }
        assert_eq!(split(&backslash, 1000).len(), 5);
    }

    #[test]
    fn one_command_submits_them_all() {
        let mut jobs = jobs([12000, 12001, 12002, 12007]);
        for job in &mut jobs {
            job.cwd = Some(path("/data/my project"));
            job.options = vec![
                ("comment".to_owned(), "it's".to_owned()),
                ("time".to_owned(), "5".to_owned()),
            ];
            job.dir = path(&format!("/data/50% it's/.xqute/{}", job.index));
            job.script = path(&format!("{}/job.wrapped.slurm", job.dir.mounted));
        }
        let jobs: Vec<&Job> = jobs.iter().collect();
        let submission = submission(&jobs, "5f0c2a9be1d40713", 1000, None).unwrap();
        let expected = [
            "--parsable",
            "--array=0-2,7",
            "--job-name=xqute",
            "--comment=it's xqute:5f0c2a9be1d40713:12000+:1",
            "--output=/data/50%% it's/.xqute/12%3a/job.slurm",
            "--open-mode=truncate",
            "--chdir=/data/my project",
            "--time=5",
        ];
        assert_eq!(submission.argv, expected);
        let expected = r#"#!/bin/bash
# Each task of this array starts the script of one job of an xqute run.
job=$((SLURM_ARRAY_TASK_ID + 12000))
export SLURM_JOB_NAME='xqute.'$job
script='/data/50% it'\''s/.xqute/'$job/'job.wrapped.slurm' rc='/data/50% it'\''s/.xqute/'$job/job.rc
if [[ -s $rc && $(<"$rc") != @(129|130|143) ]]; then
    echo "xqute: this attempt has ended before, and is not run again"
    exit "$(<"$rc")"
fi
read -r shell < "$script" || { echo "xqute: this machine cannot read the job's script"; exit 127; }
exec ${shell#'#!'} "$script"
"#;
        assert_eq!(submission.script, expected);
    }

    #[test]
    fn jobs_are_brought_where_nothing_of_them_is_seen() {
        let jobs = jobs(0..4);
        let jobs: Vec<&Job> = jobs.iter().collect();
        let carrier = "/opt/xqute run-staged 's3://b/a run' /tmp/xqute-1";
        let submission = submission(&jobs, "5f0c2a9be1d40713", 1000, Some(carrier)).unwrap();
        assert!(
            submission.argv.contains(&"--output=/dev/null".to_owned()),
            "{submission:?}"
        );
        let last = submission.script.lines().last().unwrap();
        assert_eq!(last, format!("exec {carrier} '/data/.xqute/'$job/'job.wrapped.local'"));
        let (argv, script) = submit::carried(jobs[3], "5f0c2a9be1d40713", carrier).unwrap();
        assert!(argv.iter().all(|word| !word.contains(".xqute")), "{argv:?}");
        assert_eq!(
            script,
            format!("#!/bin/bash\nexec {carrier} '/data/.xqute/3/job.wrapped.local'\n")
        );
    }

    #[test]
    fn a_task_finds_the_directory_of_its_job() {
        assert_eq!(directory(0, 1000), "%a");
        assert_eq!(directory(1000, 1000), "1%3a");
        assert_eq!(directory(12300, 100), "123%2a");
        assert_eq!(directory(120, 10), "12%1a");
    }

    proptest::proptest! {
        #[test]
        fn every_job_is_in_one_group(indices in proptest::collection::btree_set(0u32..3000, 0..60), exponent in 0u32..4) {
            let jobs = jobs(indices.iter().copied());
            let mut all = split(&jobs, 10u32.pow(exponent)).concat();
            all.sort_unstable();
            proptest::prop_assert_eq!(all, indices.into_iter().collect::<Vec<_>>());
        }
    }
}
