//! What Batch says of jobs and tasks → observations. Pure functions.
//!
//! Jobs tell how many of their tasks are in which state. Only where that is not enough to know it of each attempt, the tasks
//! are asked for as well. Meanings: "State" in the reference of `JobStatus` and `TaskStatus`, and the reserved exit codes on
//! the page "Troubleshooting" of Batch.

use serde_json::Value;
use xqute_plugin::{Error, FailureCause, Observation, Output};

use crate::identity::short;
use crate::trouble::{self, Trouble};

/// What Batch says of one job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct JobView {
    pub(crate) state: String,
    /// How many tasks are in which state.
    counts: Vec<(String, usize)>,
    /// The last thing that happened to it, in words.
    said: Option<String>,
}

/// Jobs by their names.
pub(crate) type Views = Vec<(String, JobView)>;

/// What the state of a job tells of its attempts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Glance {
    /// This holds for each.
    All(Observation),
    /// They differ: ask for the tasks.
    Differ,
}

/// What Batch says of one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TaskView {
    pub(crate) observation: Observation,
    /// Whether it is over.
    pub(crate) is_over: bool,
    /// What Batch says about its end, where that was not the job's own doing.
    pub(crate) said: Option<String>,
}

/// Reads the answer about one job, or about many, by their names. Not to know a job is an answer.
pub(crate) fn jobs(output: &Output) -> Result<Views, Error> {
    let answer = match trouble::of(output) {
        None => json(output)?,
        Some(Trouble::Missing(said)) if !said.contains("Location") => Value::Null,
        Some(trouble) => return Err(trouble.of_question()),
    };
    let list = match answer {
        Value::Array(list) => list,
        Value::Object(_) => vec![answer],
        _ => Vec::new(),
    };
    let named = |job: &Value| {
        Some((
            short(job.get("name")?.as_str()?).to_owned(),
            JobView::read(job.get("status")?),
        ))
    };
    Ok(list.iter().filter_map(named).collect())
}

/// Reads the answer about the tasks of a job, by their numbers.
pub(crate) fn tasks(job: &JobView, output: &Output) -> Result<Vec<(usize, TaskView)>, Error> {
    let answer = match trouble::of(output) {
        None => json(output)?,
        Some(Trouble::Missing(said)) if !said.contains("Location") => Value::Null,
        Some(trouble) => return Err(trouble.of_question()),
    };
    let list = answer.as_array().map(Vec::as_slice).unwrap_or_default();
    let numbered = |task: &Value| {
        let number = short(task.get("name")?.as_str()?).parse().ok()?;
        Some((number, TaskView::read(job, task.get("status")?)))
    };
    Ok(list.iter().filter_map(numbered).collect())
}

/// The JSON that `gcloud` printed.
pub(crate) fn json(output: &Output) -> Result<Value, Error> {
    if output.stdout.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|error| Error::Unavailable(format!("what gcloud printed cannot be read: {error}")))
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// What the last event says.
fn last_said(status: &Value) -> Option<String> {
    let last = status.get("statusEvents")?.as_array()?.last()?;
    Some(text(last, "description")).filter(|said| !said.is_empty())
}

impl JobView {
    fn read(status: &Value) -> Self {
        let counts = status.pointer("/taskGroups/group0/counts").and_then(Value::as_object);
        // Google writes 64-bit numbers as text.
        let number = |count: &Value| match count {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64().and_then(|count| usize::try_from(count).ok()),
        };
        let counts = counts.into_iter().flatten();
        Self {
            state: text(status, "state"),
            counts: counts
                .filter_map(|(state, count)| Some((state.clone(), number(count)?)))
                .collect(),
            said: last_said(status),
        }
    }

    fn count(&self, states: &[&str]) -> usize {
        let wanted = self.counts.iter().filter(|(state, _)| states.contains(&state.as_str()));
        wanted.map(|(_, count)| count).sum()
    }

    /// What this tells about `asked` attempts, those that are not known to be over.
    pub(crate) fn glance(&self, asked: usize) -> Glance {
        let waiting = self.count(&["PENDING", "ASSIGNED"]);
        let running = self.count(&["RUNNING"]);
        let over = self.count(&["SUCCEEDED", "FAILED"]);
        match self.state.as_str() {
            "QUEUED" | "SCHEDULED" => Glance::All(Observation::Queued(self.reason())),
            "SUCCEEDED" => Glance::All(Observation::Succeeded),
            // Tasks that are over, and of which we know it, are not asked about: so the others are what is asked about.
            "RUNNING" if waiting == 0 && running == asked => Glance::All(Observation::Running),
            "RUNNING" if running == 0 && waiting == asked => Glance::All(Observation::Queued(None)),
            "CANCELLATION_IN_PROGRESS" => Glance::All(Observation::Running),
            "CANCELLED" | "DELETION_IN_PROGRESS" if over == 0 => Glance::All(Observation::Cancelled),
            "RUNNING" | "FAILED" | "CANCELLED" | "DELETION_IN_PROGRESS" => Glance::Differ,
            _ => Glance::All(Observation::Unknown),
        }
    }

    /// Why it waits.
    fn reason(&self) -> Option<String> {
        let said = self.said.as_ref().filter(|said| !said.starts_with("Job state is "));
        Some(said.cloned().unwrap_or_else(|| self.state.clone()))
    }

    fn is_cancelled(&self) -> bool {
        matches!(
            self.state.as_str(),
            "CANCELLED" | "DELETION_IN_PROGRESS" | "CANCELLATION_IN_PROGRESS"
        )
    }

    fn is_over(&self) -> bool {
        self.is_cancelled() || matches!(self.state.as_str(), "FAILED" | "SUCCEEDED")
    }
}

impl TaskView {
    fn read(job: &JobView, status: &Value) -> Self {
        let state = text(status, "state");
        let is_over = matches!(state.as_str(), "SUCCEEDED" | "FAILED" | "UNEXECUTED");
        let plain = |observation| Self {
            observation,
            is_over,
            said: None,
        };
        match state.as_str() {
            "SUCCEEDED" => plain(Observation::Succeeded),
            "FAILED" => failed(job, status),
            // Those that never came to run have no events of their own.
            "UNEXECUTED" | "PENDING" | "ASSIGNED" | "RUNNING" if job.is_cancelled() => plain(Observation::Cancelled),
            "UNEXECUTED" | "PENDING" | "ASSIGNED" if job.is_over() => {
                let why = job.said.clone().unwrap_or_else(|| format!("the job is {}", job.state));
                plain(Observation::Failed(FailureCause::NeverStarted(format!(
                    "Batch says: {why}"
                ))))
            }
            "PENDING" | "ASSIGNED" => plain(Observation::Queued(None)),
            "RUNNING" => plain(Observation::Running),
            _ => plain(Observation::Unknown),
        }
    }
}

/// Exit codes by which Batch says what it, or a machine, has done.
mod code {
    pub(super) const UNSAID: i64 = 50_000;
    pub(super) const PREEMPTED: i64 = 50_001;
    pub(super) const NO_REPORT: i64 = 50_002;
    pub(super) const REBOOTED: i64 = 50_003;
    pub(super) const NO_ANSWER: i64 = 50_004;
    pub(super) const TOO_LONG: i64 = 50_005;
    pub(super) const RECREATED: i64 = 50_006;
}

fn failed(job: &JobView, status: &Value) -> TaskView {
    let events = status
        .get("statusEvents")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let exit_code = |event: &Value| event.pointer("/taskExecution/exitCode")?.as_i64();
    // Batch may run a task again: what counts is how it ended the last time.
    let exit = events.iter().rev().find_map(exit_code);
    let ran = events.iter().any(|event| text(event, "taskState") == "RUNNING");
    let why = last_said(status);
    let words = || why.clone().unwrap_or_else(|| "no reason given".to_owned());
    let over = |observation, said| TaskView {
        observation,
        is_over: true,
        said,
    };
    let cause = match exit {
        Some(code::PREEMPTED) => FailureCause::Preempted,
        Some(code::NO_REPORT | code::REBOOTED | code::NO_ANSWER | code::RECREATED) => FailureCause::NodeFailure,
        Some(code::TOO_LONG) => FailureCause::TimedOut,
        // A task that is stopped with its job ends in one of these ways.
        Some(0 | 137 | 143 | code::UNSAID) | None if job.is_cancelled() => return over(Observation::Cancelled, None),
        Some(exit @ 1..=255) => {
            let exit = i32::try_from(exit).unwrap_or(1);
            return over(Observation::Failed(FailureCause::ExitCode(exit)), None);
        }
        None if !ran => FailureCause::NeverStarted(format!("Batch says: {}", words())),
        _ => FailureCause::Other(format!("Batch says: {}", words())),
    };
    over(Observation::Failed(cause), why)
}

#[cfg(test)]
mod tests;
