//! The command lines of `gcloud`, and the rights that they need. What it answers is read elsewhere.
//!
//! Each call takes more than a second, nearly all of it for the start of the client; so there are few, for many jobs each.

use xqute_plugin::{About, Error, Output, process};

/// How a request or its answer is written when it is not an argument's business.
const QUIET: &str = "--quiet";
/// What is wanted to know of jobs and of tasks.
const STATUS: &str = "--format=json(name,status)";
/// What `find` wants to know: the text that names the members of a group is in one of the runnables.
const RUNNABLES: &str = "--format=json(name,taskGroups[].taskSpec.runnables)";

/// Where jobs are: what every call has in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) location: String,
    /// Without one, `gcloud` takes that of its own configuration.
    pub(crate) project: Option<String>,
}

/// Asks for the right to make these calls and no others. A `*` is a name, a place, or text for the user's eyes.
pub(crate) fn rights(about: About) -> About {
    let any = Place {
        location: "*".to_owned(),
        project: Some("*".to_owned()),
    };
    let calls = [
        any.submit("*"),
        any.describe("*"),
        any.list("*"),
        any.check(),
        any.tasks("*"),
        any.cancel("*"),
        any.delete("*"),
    ];
    let mut asked: Vec<String> = Vec::new();
    for argv in calls {
        // A right cannot have a comma in it; and lists are asked for with more than one format.
        let line = |argv: &[String]| format!("gcloud {}", argv.join(" ").replace("(name,status)", "(*)"));
        // The project comes last, if it is said.
        let without = argv.get(..argv.len().saturating_sub(1)).unwrap_or_default();
        asked.extend([line(&argv), line(without)]);
    }
    about.runs(asked.iter().map(String::as_str)).runs([TOUCH])
}

/// How one task of a job that goes on is told to end, see `runner`.
const TOUCH: &str = "touch */job.cancel.*";

impl Place {
    fn argv(&self, command: &[&str], more: &[String]) -> Vec<String> {
        let mut argv: Vec<String> = ["batch"].iter().chain(command).map(|word| (*word).to_owned()).collect();
        argv.push(format!("--location={}", self.location));
        argv.extend_from_slice(more);
        argv.push(QUIET.to_owned());
        argv.extend(self.project.iter().map(|project| format!("--project={project}")));
        argv
    }

    /// Submits a job, whose JSON is to be read.
    pub(crate) fn submit(&self, name: &str) -> Vec<String> {
        self.argv(
            &["jobs", "submit", name],
            &["--config=-".to_owned(), "--format=value(name)".to_owned()],
        )
    }

    /// Asks how one job is.
    pub(crate) fn describe(&self, name: &str) -> Vec<String> {
        self.argv(&["jobs", "describe", name], &[STATUS.to_owned()])
    }

    /// Asks how all jobs of a run are. Batch sends all jobs of the location, and `gcloud` picks.
    pub(crate) fn list(&self, tag: &str) -> Vec<String> {
        self.argv(&["jobs", "list"], &[filter(tag), STATUS.to_owned()])
    }

    /// Asks what is in the jobs of a run.
    pub(crate) fn find(&self, tag: &str) -> Vec<String> {
        self.argv(&["jobs", "list"], &[filter(tag), RUNNABLES.to_owned()])
    }

    /// Asks for next to nothing: whether anything can be asked.
    pub(crate) fn check(&self) -> Vec<String> {
        self.argv(
            &["jobs", "list"],
            &["--limit=1".to_owned(), "--format=value(name)".to_owned()],
        )
    }

    /// Asks how the tasks of a job are.
    pub(crate) fn tasks(&self, name: &str) -> Vec<String> {
        self.argv(&["tasks", "list"], &[format!("--job={name}"), STATUS.to_owned()])
    }

    /// Ends a job with all of its tasks.
    pub(crate) fn cancel(&self, name: &str) -> Vec<String> {
        self.argv(&["jobs", "cancel", name], &[])
    }

    /// Makes Batch forget a job.
    pub(crate) fn delete(&self, name: &str) -> Vec<String> {
        self.argv(&["jobs", "delete", name], &[])
    }
}

fn filter(tag: &str) -> String {
    format!("--filter=labels.xqute-run={tag}")
}

/// Starts `gcloud`.
pub(crate) fn run(argv: Vec<String>) -> Result<Output, Error> {
    process::run("gcloud", argv)
}

/// Tells the runner of a task to end it.
pub(crate) fn touch(file: &str) -> Result<(), Error> {
    let output = process::run("touch", [file])?;
    if output.succeeded() {
        return Ok(());
    }
    Err(Error::Other(format!("touch failed: {}", output.stderr_text().trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(project: Option<&str>) -> Place {
        Place {
            location: "us-central1".to_owned(),
            project: project.map(str::to_owned),
        }
    }

    #[test]
    fn a_project_is_named_where_there_is_one() {
        let argv = place(None).submit("a");
        let words = "batch jobs submit a --location=us-central1 --config=- --format=value(name) --quiet";
        assert_eq!(argv.join(" "), words);
        assert_eq!(place(Some("p")).submit("a").join(" "), format!("{words} --project=p"));
    }

    #[test]
    fn each_right_is_for_one_kind_of_call() {
        let rights = xqute_plugin::describe::<crate::Gbatch>().rights;
        assert_eq!(
            rights.len(),
            15,
            "seven calls, each with and without a project, and touch: {rights:?}"
        );
        let text = format!("{rights:?}");
        assert!(
            text.contains("gcloud batch jobs list --location=* --filter=labels.xqute-run=* --format=json(*) --quiet\"")
        );
        assert!(!text.contains(", --"), "{text}");
    }
}
