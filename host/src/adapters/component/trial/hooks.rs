//! Tests for observers, gatekeepers and snippets.

use serde_json::{Value, json};

use super::{Trial, canned, check::Check, invoke::invoke};
use crate::{
    adapters::{
        bash,
        component::{
            contract::{Interface, bindings::snippets::Script, convert},
            hooks::{gate, snippets::checked_code},
            instance::Instance,
            load::describe::hooks_through,
            recording::tape::value,
        },
    },
    model::hook::{Hook, HookSet},
    ports::hooks::Question,
};

impl Trial {
    pub(super) async fn hook_checks(&self) -> Vec<Check> {
        let mut checks = Vec::new();
        if self.is_called_through(Interface::Observer) {
            let what = "observer: it takes every kind of fact that it asks for, one by one and many at once";
            checks.push(Check::unless(what, self.observes().await));
        }
        if self.is_called_through(Interface::Gatekeeper) {
            let what = "gatekeeper: it has one verdict for each question";
            checks.push(Check::unless(what, self.decides().await));
        }
        if self.is_called_through(Interface::Snippets) {
            let what = "snippets: it has one script for each kind of job, and bash understands each of them";
            checks.push(Check::unless(what, self.provides().await));
        }
        checks
    }

    fn through(&self, interface: Interface) -> HookSet {
        hooks_through(self.description.hooks, self.program.shape.interfaces, interface)
    }

    fn is_called_through(&self, interface: Interface) -> bool {
        self.through(interface) != HookSet::default()
    }

    async fn asked(&self, call: &str, params: &[Value]) -> Result<Vec<Value>, String> {
        let mut instance = self
            .instance(canned::silent())
            .await
            .map_err(|error| error.to_string())?;
        let mut answers = Vec::new();
        for params in params {
            answers.push(called(&mut instance, call, params).await?);
        }
        Ok(answers)
    }

    async fn observes(&self) -> Result<(), String> {
        let hooks = self.through(Interface::Observer);
        let facts = canned::facts().into_iter().filter(|fact| hooks.contains(fact.hook()));
        let facts: Vec<_> = facts.map(|fact| convert::fact(&fact)).collect();
        let mut params: Vec<Value> = facts.iter().map(|fact| value(&([fact],))).collect();
        params.push(value(&([&facts[..]; 4].concat(),)));
        params.push(json!([[]]));
        self.asked("observer.observe", &params).await.map(drop)
    }

    async fn decides(&self) -> Result<(), String> {
        let hooks = self.through(Interface::Gatekeeper);
        let mut questions = vec![Question::Shutdown(2), Question::Shutdown(15)];
        questions.extend(self.jobs.iter().map(Question::Submitting));
        questions.extend(self.jobs.iter().map(Question::Killing));
        questions.retain(|question| hooks.contains(gate::hook(question)));
        let questions: Vec<Value> = questions
            .iter()
            .map(|question| value(&gate::to_guest(question)))
            .collect();
        let mut params: Vec<Value> = questions.iter().map(|question| json!([[question]])).collect();
        params.push(json!([questions]));
        params.push(json!([[]]));
        let answers = self.asked("gatekeeper.decide", &params).await?;
        counted(&params, &answers, "verdicts")
    }

    async fn provides(&self) -> Result<(), String> {
        let hooks = self.through(Interface::Snippets);
        let jobs: Vec<Value> = self.jobs.iter().map(|job| value(&convert::job(job))).collect();
        let mut params: Vec<Value> = jobs.iter().map(|job| json!([[job]])).collect();
        params.push(json!([jobs]));
        params.push(json!([[]]));
        let answers = self.asked("snippets.provide", &params).await?;
        counted(&params, &answers, "scripts")?;
        for answer in answers {
            let (scripts,): (Vec<Script>,) = serde_json::from_value(answer).map_err(|error| error.to_string())?;
            for script in scripts {
                understood(hooks, script).await?;
            }
        }
        Ok(())
    }
}

async fn understood(hooks: HookSet, script: Script) -> Result<(), String> {
    for (hook, code) in [
        (Hook::JobcmdInit, script.init),
        (Hook::JobcmdPrep, script.prep),
        (Hook::JobcmdEnd, script.end),
    ] {
        let Some(code) = code else { continue };
        if !hooks.contains(hook) {
            return Err(format!(
                "it gives bash for {hook}, but does not list that hook, so it is never used"
            ));
        }
        let code = checked_code(hook, code)?;
        let shell = ["/bin/bash".to_owned()];
        bash::check_syntax(&shell, "snippet", &code)
            .await
            .map_err(|error| format!("{hook}: {error}; it is:\n{code}"))?;
    }
    Ok(())
}

/// One entry for each that was given.
pub(super) fn counted(params: &[Value], answers: &[Value], entries: &str) -> Result<(), String> {
    for (params, answer) in params.iter().zip(answers) {
        let length = |of: &Value| of.get(0).and_then(Value::as_array).map(Vec::len);
        let (given, got) = (length(params), length(answer));
        if given != got {
            return Err(format!(
                "{} {entries} where {} were asked for, with {}",
                got.unwrap_or(0),
                given.unwrap_or(0),
                short(params)
            ));
        }
    }
    Ok(())
}

/// Calls a function, for people who want to know with what it failed.
pub(super) async fn called(instance: &mut Instance, call: &str, params: &Value) -> Result<Value, String> {
    let answer = invoke(instance, call, params).await;
    answer.map_err(|error| format!("{error}\ncalled with {}", short(params)))
}

/// What a person needs to see of a value.
pub(super) fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(200) {
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or_default()),
        None => text,
    }
}
