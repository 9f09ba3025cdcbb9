//! Tests for schedulers: what they make of backends that fail, say nothing, or talk nonsense. The host believes what a
//! scheduler says of a job, so a plugin that calls a job ended because its backend was out of order loses work.

use serde_json::{Value, json};

use super::{
    Trial, canned,
    check::Check,
    hooks::{called, counted, short},
};
use crate::adapters::component::{
    contract::{
        Interface,
        bindings::{
            scheduler::Wrapping,
            types::{self, Error, Observation},
        },
        convert,
    },
    instance::Instance,
    recording::tape::{Tape, value},
    rights::Right,
    scheduler::{checked_id, checked_wrapping},
};

/// What every program that the plugin runs does.
struct Backend {
    name: &'static str,
    said: Value,
}

/// Backends in trouble.
fn backends() -> Vec<Backend> {
    let said = |code: i32, stdout: &Value, stderr: &str| json!({"output": {"exit": {"Code": code}, "stdout": stdout, "stderr": stderr}});
    let noise: Vec<u8> = (0..=255).cycle().take(4096).collect();
    let mut backends = vec![
        ("fails", said(1, &json!(""), "error: cannot connect to the controller")),
        ("says nothing", said(0, &json!(""), "")),
        (
            "talks nonsense",
            said(0, &json!("{\"jobs\": [null]}\n|||\n-1 x\n\n"), "warning: \u{1b}[31m"),
        ),
        ("talks bytes", said(0, &json!(noise), "")),
    ];
    let missing = Error::Rejected("there is no such program on PATH".to_owned());
    backends.push(("is not there", json!({"error": missing})));
    backends.push((
        "is killed",
        json!({"output": {"exit": {"Signal": 9}, "stdout": "", "stderr": ""}}),
    ));
    let backend = |(name, said)| Backend { name, said };
    backends.into_iter().map(backend).collect()
}

impl Trial {
    pub(super) async fn scheduler_checks(&self) -> Vec<Check> {
        if !self.program.shape.interfaces.contains(Interface::Scheduler) {
            return Vec::new();
        }
        let mut checks = Vec::new();
        if self.description.rights.contains(&Right::Script) {
            let what = "scheduler: what it puts at the top of scripts can be put there";
            checks.push(Check::unless(what, self.wraps().await));
        }
        let runs = |right: &Right| matches!(right, Right::Run(_));
        if self.description.rights.iter().any(runs) {
            for backend in backends() {
                let what = format!("scheduler: it bears a backend that {}", backend.name);
                checks.push(Check::unless(what, self.bears(backend).await));
            }
        } else {
            let what = "scheduler: it has one answer for each job";
            checks.push(Check::unless(what, self.answers().await));
        }
        checks
    }

    /// An instance that was opened, unless its backend kept it from that.
    async fn opened(&self, tape: Tape) -> Result<Option<Instance>, String> {
        let mut instance = self.instance(tape).await.map_err(|error| error.to_string())?;
        let answer = called(&mut instance, "scheduler.open", &self.opening()).await?;
        let (opened,): (Result<(), Error>,) = read(answer)?;
        match opened {
            Ok(()) => Ok(Some(instance)),
            Err(Error::InvalidOptions(why)) => Err(format!(
                "it does not accept the options: {why}; give those that it needs with `--opt NAME=VALUE`"
            )),
            Err(_) => Ok(None),
        }
    }

    async fn wraps(&self) -> Result<(), String> {
        let Some(mut instance) = self.opened(canned::silent()).await? else {
            return Ok(());
        };
        let params = self.all_jobs();
        let answer = called(&mut instance, "scheduler.wrap", &params).await?;
        counted(&[params], std::slice::from_ref(&answer), "wrappings")?;
        let (wrappings,): (Vec<Result<Wrapping, Error>>,) = read(answer)?;
        let given = wrappings.into_iter().flatten();
        given.map(checked_wrapping).try_for_each(|checked| match checked {
            Ok(_) => Ok(()),
            Err(error) => Err(error.message),
        })
    }

    fn all_jobs(&self) -> Value {
        let jobs: Vec<_> = self.jobs.iter().map(convert::job).collect();
        value(&(jobs,))
    }

    /// Whatever its backend does: one answer for each question, and no job ended that nobody knows.
    async fn bears(&self, backend: Backend) -> Result<(), String> {
        let Some(mut instance) = self.opened(Tape::Pretending(backend.said)).await? else {
            return Ok(());
        };
        self.submits(&mut instance).await?;
        let observed = polls(&mut instance, &unknown_jobs()).await?;
        not_invented(&observed)?;
        let answer = called(&mut instance, "scheduler.find", &json!([self.run.tag])).await?;
        let (found,): (Result<Vec<types::JobRef>, Error>,) = read(answer)?;
        match found {
            Ok(found) if !found.is_empty() => Err(format!("it found {} jobs that nobody submitted", found.len())),
            _ => Ok(()),
        }
    }

    /// Without a backend: one answer for each question.
    async fn answers(&self) -> Result<(), String> {
        let Some(mut instance) = self.opened(Tape::Off).await? else {
            return Ok(());
        };
        let ids = self.submits(&mut instance).await?;
        polls(&mut instance, &refs(ids.iter().map(String::as_str)))
            .await
            .map(drop)
    }

    /// Submits all jobs, and none. The ids that it gave.
    async fn submits(&self, instance: &mut Instance) -> Result<Vec<String>, String> {
        let mut given = Vec::new();
        for params in [self.all_jobs(), json!([[]])] {
            let answer = called(instance, "scheduler.submit", &params).await?;
            counted(&[params], std::slice::from_ref(&answer), "ids")?;
            let (ids,): (Vec<Result<String, Error>>,) = read(answer)?;
            for id in ids.into_iter().flatten() {
                given.push(checked_id(id).map_err(|error| error.message)?.to_string());
            }
        }
        Ok(given)
    }
}

/// Asks about these jobs, and none, and cancels them. What was seen of them.
async fn polls(instance: &mut Instance, jobs: &Value) -> Result<Vec<Observation>, String> {
    let mut seen = Vec::new();
    for params in [jobs, &json!([[]])] {
        let answer = called(instance, "scheduler.poll", params).await?;
        let (observed,): (Result<Vec<Observation>, Error>,) = read(answer)?;
        if let Ok(observed) = observed {
            counted(std::slice::from_ref(params), &[json!([observed])], "observations")?;
            seen.extend(observed);
        }
        let answer = called(instance, "scheduler.cancel", params).await?;
        counted(std::slice::from_ref(params), &[answer], "answers")?;
    }
    Ok(seen)
}

/// No job ended of which the backend never spoke.
fn not_invented(observed: &[Observation]) -> Result<(), String> {
    let ended = |seen: &&Observation| {
        !matches!(
            seen,
            Observation::Unknown | Observation::Queued(_) | Observation::Running
        )
    };
    match observed.iter().find(ended) {
        Some(seen) => Err(format!(
            "it says {} of a job of which its backend said nothing; that is `unknown`",
            short(&value(seen))
        )),
        None => Ok(()),
    }
}

/// Jobs with ids of many kinds, of which no backend knows.
fn unknown_jobs() -> Value {
    let ids = ["1", "4711", "4711_3", "job-7", "a.b@c:9", "\u{e9}"];
    refs(ids.into_iter())
}

fn refs<'a>(ids: impl Iterator<Item = &'a str>) -> Value {
    let job = |(index, id): (u32, &str)| types::JobRef {
        index,
        attempt: 1,
        backend_id: id.to_owned(),
    };
    let jobs: Vec<_> = (0..).zip(ids).map(job).collect();
    value(&(jobs,))
}

fn read<T: serde::de::DeserializeOwned>(answer: Value) -> Result<T, String> {
    serde_json::from_value(answer).map_err(|error| error.to_string())
}
