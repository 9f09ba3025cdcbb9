//! The bash that each task of a job runs. Pure functions.
//!
//! All tasks of a job run the same text. It picks its own job by the number that Batch gives to the task, runs the job's
//! script in a process group of its own, and ends it when a file appears in the job's directory: Batch itself can only end
//! all tasks of a job at once.

use xqute_plugin::{Error, Job, quote};

use crate::identity::{self, Member};
use crate::options::Settings;

const SHELL: &str = "/bin/bash";

/// How the line starts by which `find` knows what is in a job.
const MEMBERS: &str = "tasks=(";

/// How long a script that was told to end may take.
const GRACE_SECONDS: u32 = 10;
/// How often a task looks for the file that ends it.
const LOOK_SECONDS: u32 = 2;

/// Where the jobs of a group are, as the jobs see it: `FOLDER/INDEX/SCRIPT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scripts {
    folder: String,
    script: String,
}

impl Scripts {
    /// Where a job's script is.
    pub(crate) fn of(job: &Job) -> Result<Self, Error> {
        let (dir, script) = (&job.dir.mounted, &job.script.mounted);
        let folder = dir.strip_suffix(&format!("/{}", job.index));
        let name = script
            .strip_prefix(dir.as_str())
            .and_then(|rest| rest.strip_prefix('/'));
        match (folder, name) {
            (Some(folder), Some(name)) if !name.contains('/') => Ok(Self {
                folder: folder.to_owned(),
                script: name.to_owned(),
            }),
            _ => Err(Error::Other(format!(
                "the script {script} of job {} is not in a folder of that number",
                job.index
            ))),
        }
    }
}

/// The file that ends an attempt, as the host sees it. Attempts of a job share its directory, so it has their number.
pub(crate) fn cancel_file(job: &Job, attempt: u32) -> String {
    format!("{}/job.cancel.{attempt}", job.dir.spec)
}

/// The text for the tasks of these members.
pub(crate) fn text(settings: &Settings, scripts: &Scripts, members: &[Member]) -> String {
    let command: Vec<String> = settings.words.iter().map(|text| word(text)).collect();
    let cwd = settings
        .cwd
        .as_ref()
        .map(|folder| format!("cd {} || exit 1\n", quote(folder)));
    format!(
        r#"# Runs one of these jobs of xqute, INDEX.ATTEMPT: the one in the place that Batch gives to the task.
{MEMBERS}{members})
task=${{tasks[BATCH_TASK_INDEX]}}
dir={folder}/${{task%.*}}
script=$dir/{script}
printf -v quoted %q "$script"
cancel=$dir/job.cancel.${{task#*.}}
[[ -e $cancel ]] && exit 143
{cwd}set -m # the job gets a process group of its own
{command} </dev/null &
job=$!
trap 'kill -TERM -- -$job' TERM
while sleep {LOOK_SECONDS}; do
    [[ -e $cancel ]] && kill -TERM -- -$job && sleep {GRACE_SECONDS} && kill -KILL -- -$job
done 2>/dev/null &
watch=$!
disown $watch
while wait $job; result=$?; kill -0 $job 2>/dev/null; do :; done
kill -KILL -- -$watch
exit $result
"#,
        members = identity::write(members),
        folder = quote(&scripts.folder),
        script = quote(&scripts.script),
        cwd = cwd.unwrap_or_default(),
        command = command.join(" "),
    )
}

/// Reads the members back from a text.
pub(crate) fn members(text: &str) -> Option<Vec<Member>> {
    let line = text.lines().find_map(|line| line.strip_prefix(MEMBERS))?;
    identity::read(line.strip_suffix(')')?)
}

/// One word of the command, in bash. Inside other text the script's path stands as a shell would have to read it.
fn word(text: &str) -> String {
    if text == "{script}" {
        return "\"$script\"".to_owned();
    }
    let parts: Vec<String> = text.replace("{lang}", SHELL).split("{script}").map(quote).collect();
    parts.join("\"$quoted\"")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use xqute_plugin::testing::{job, path};

    fn settings(options: &[(&str, &str)]) -> Settings {
        let location = [("location", "us-central1")];
        let options = location.iter().chain(options);
        let options: Vec<_> = options
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Settings::read(&options).unwrap()
    }

    fn members_of(jobs: &[Job]) -> Vec<Member> {
        jobs.iter().map(Member::of).collect()
    }

    #[test]
    fn the_command_is_what_the_options_say() {
        let command = |options: &[(&str, &str)]| {
            let words: Vec<_> = settings(options).words.iter().map(|text| word(text)).collect();
            words.join(" ")
        };
        assert_eq!(command(&[]), r#"'/bin/bash' "$script""#);
        assert_eq!(
            command(&[("commands", "nice"), ("commands", "{lang}"), ("commands", "{script}")]),
            r#"'nice' '/bin/bash' "$script""#
        );
        assert_eq!(
            command(&[("commands", "sh"), ("commands", "-c")]),
            r#"'sh' '-c' '/bin/bash '"$quoted"''"#
        );
        let image = ("image-uri", "gcr.io/p/i");
        assert_eq!(command(&[image]), r#"'/bin/bash' "$script""#);
        assert_eq!(command(&[image, ("commands", "-x")]), r#"'/bin/bash' '-x' "$script""#);
        let conda = [
            image,
            ("entrypoint", "conda"),
            ("commands", "run"),
            ("commands", "{lang}"),
            ("commands", "{script}"),
        ];
        assert_eq!(command(&conda), r#"'conda' 'run' '/bin/bash' "$script""#);
        let shell = [
            image,
            ("entrypoint", "/bin/sh"),
            ("commands", "-c"),
            ("commands", "time {lang} {script}"),
        ];
        assert_eq!(command(&shell), r#"'/bin/sh' '-c' 'time /bin/bash '"$quoted"''"#);
        assert_eq!(
            command(&[image, ("entrypoint", "/bin/sh"), ("commands", "-c")]),
            r#"'/bin/sh' '-c' '/bin/bash '"$quoted"''"#
        );
    }

    #[test]
    fn what_is_in_a_text_is_read_back() {
        let jobs = [job(3, "true"), job(40, "true")];
        let text = text(&settings(&[]), &Scripts::of(&jobs[0]).unwrap(), &members_of(&jobs));
        assert_eq!(members(&text).unwrap(), members_of(&jobs));
        assert_eq!(members("echo"), None);
        assert_eq!(members("tasks=(x)"), None);
    }

    /// A folder with the scripts of two jobs, and what a task does with them.
    fn run(test: &str, options: &[(&str, &str)], script: &str, number: usize, cancelled: bool) -> (i32, String) {
        let top = std::env::temp_dir().join(format!("xqute gbatch it's {test} {}", std::process::id()));
        let mut jobs = Vec::new();
        for index in [4, 7] {
            let dir = top.join(index.to_string());
            std::fs::create_dir_all(&dir).unwrap();
            let mut job = job(index, "");
            job.dir = path(dir.to_str().unwrap());
            job.script = path(dir.join("job.wrapped.gbatch").to_str().unwrap());
            std::fs::write(&job.script.spec, script).unwrap();
            jobs.push(job);
        }
        let text = text(&settings(options), &Scripts::of(&jobs[0]).unwrap(), &members_of(&jobs));
        if cancelled {
            std::fs::write(cancel_file(&jobs[number], 1), "").unwrap();
        }
        let ended = bash(&text, number, &top);
        std::fs::remove_dir_all(top).unwrap();
        ended
    }

    #[expect(clippy::disallowed_methods, reason = "stands in for the machine of a task")]
    fn bash(text: &str, number: usize, here: &Path) -> (i32, String) {
        let mut bash = std::process::Command::new("bash");
        let bash = bash
            .args(["-c", text])
            .env("BATCH_TASK_INDEX", number.to_string())
            .current_dir(here);
        let output = bash.output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        (output.status.code().unwrap(), said)
    }

    #[test]
    fn a_task_runs_its_own_script_and_ends_as_it_does() {
        let script = "echo $(basename \"$(dirname \"$0\")\"); exit 3";
        assert_eq!(run("own", &[], script, 1, false), (3, "7\n".to_owned()));
        assert_eq!(
            run("shell", &[("commands", "sh"), ("commands", "-c")], script, 0, false),
            (3, "4\n".to_owned())
        );
        assert_eq!(run("signal", &[], "kill -SEGV $$", 0, false).0, 139);
    }

    #[test]
    fn a_task_that_was_cancelled_before_it_began_does_nothing() {
        assert_eq!(run("before", &[], "echo ran", 1, true), (143, String::new()));
    }

    #[test]
    fn a_task_that_is_cancelled_ends_with_all_its_processes() {
        // The script cancels itself, and has a child that would outlive it and hold the pipe open.
        let script = "touch \"$(dirname \"$0\")/job.cancel.1\"; sleep 600 & wait";
        assert_eq!(run("running", &[], script, 1, false), (143, String::new()));
    }

    #[test]
    fn a_task_passes_on_that_it_is_to_end() {
        let script = "trap 'echo told; exit 9' TERM; kill -TERM \"$(ps -o ppid= -p $$)\"; sleep 600 & wait";
        assert_eq!(run("term", &[], script, 0, false), (9, "told\n".to_owned()));
    }

    #[test]
    fn scripts_are_where_the_host_puts_them() {
        let mut other = job(3, "true");
        other.script = path("/elsewhere/job.wrapped");
        assert!(matches!(Scripts::of(&other), Err(Error::Other(_))));
    }
}
