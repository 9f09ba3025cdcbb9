//! Calls to a plugin by the names of its functions, with JSON for parameters and answers.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::adapters::component::{
    contract::bindings::{observer, types},
    instance::{Instance, call::CallFailure, limits::Pace},
    recording::tape,
};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// The contract has no such function, or the plugin does not export it.
    #[error("it has no function `{0}`")]
    NoFunction(String),
    /// These are no parameters of this function.
    #[error("the parameters of {call} cannot be read: {why}")]
    BadParameters {
        /// The function.
        call: String,
        /// What is wrong.
        why: String,
    },
    /// The call failed.
    #[error(transparent)]
    Failed(#[from] CallFailure),
}

type Options = Vec<(String, String)>;

/// Calls a function, `interface.name`.
pub(super) async fn invoke(instance: &mut Instance, call: &str, params: &Value) -> Result<Value, InvokeError> {
    let guests = instance.guests();
    let absent = || InvokeError::NoFunction(call.to_owned());
    let answer = match call {
        "about.describe" => {
            let function = guests.about.func_describe();
            tape::value(&instance.call(call, Pace::Describe, function, ()).await?)
        }
        "observer.observe" => {
            let function = guests.observer.as_ref().ok_or_else(absent)?.func_observe();
            let (facts,): (Vec<observer::Fact>,) = read(call, params)?;
            let answer = instance.call(call, Pace::Hook, function, (&facts[..],));
            tape::value(&answer.await?)
        }
        "gatekeeper.decide" => {
            let function = guests.gatekeeper.as_ref().ok_or_else(absent)?.func_decide();
            let (questions,): (Vec<_>,) = read(call, params)?;
            let answer = instance.call(call, Pace::Hook, function, (&questions[..],));
            tape::value(&answer.await?)
        }
        "snippets.provide" => {
            let function = guests.snippets.as_ref().ok_or_else(absent)?.func_provide();
            let (jobs,): (Vec<types::Job>,) = read(call, params)?;
            let answer = instance.call(call, Pace::Hook, function, (&jobs[..],));
            tape::value(&answer.await?)
        }
        _ => schedule(instance, call, params).await?,
    };
    Ok(answer)
}

/// Calls a function of the interface `scheduler`.
async fn schedule(instance: &mut Instance, call: &str, params: &Value) -> Result<Value, InvokeError> {
    const PACE: Pace = Pace::Scheduler;
    let guests = instance.guests();
    let absent = || InvokeError::NoFunction(call.to_owned());
    let guest = guests.scheduler.as_ref().ok_or_else(absent)?;
    Ok(match call {
        "scheduler.open" => {
            let (options, run): (Options, types::RunInfo) = read(call, params)?;
            let answer = instance.call(call, PACE, guest.func_open(), (&options[..], &run));
            tape::value(&answer.await?)
        }
        "scheduler.wrap" => {
            let (jobs,): (Vec<types::Job>,) = read(call, params)?;
            let answer = instance.call(call, PACE, guest.func_wrap(), (&jobs[..],));
            tape::value(&answer.await?)
        }
        "scheduler.submit" => {
            let (jobs,): (Vec<types::Job>,) = read(call, params)?;
            let answer = instance.call(call, PACE, guest.func_submit(), (&jobs[..],));
            tape::value(&answer.await?)
        }
        "scheduler.poll" => {
            let (jobs,): (Vec<types::JobRef>,) = read(call, params)?;
            let answer = instance.call(call, PACE, guest.func_poll(), (&jobs[..],));
            tape::value(&answer.await?)
        }
        "scheduler.cancel" => {
            let (jobs,): (Vec<types::JobRef>,) = read(call, params)?;
            let answer = instance.call(call, PACE, guest.func_cancel(), (&jobs[..],));
            tape::value(&answer.await?)
        }
        "scheduler.find" => {
            let (tag,): (String,) = read(call, params)?;
            let answer = instance.call(call, PACE, guest.func_find(), (&tag[..],));
            tape::value(&answer.await?)
        }
        _ => return Err(absent()),
    })
}

fn read<P: DeserializeOwned + Serialize>(call: &str, params: &Value) -> Result<P, InvokeError> {
    P::deserialize(params).map_err(|error| InvokeError::BadParameters {
        call: call.to_owned(),
        why: error.to_string(),
    })
}
