//! Makes a plugin answer the calls of a recording again. What it asks of the host is answered from the recording, so no
//! backend is needed; asking for something else, or answering something else, is a failure.

use std::collections::{BTreeMap, HashMap};

use super::{
    Trial,
    check::Check,
    hooks::short,
    invoke::{InvokeError, invoke},
};
use crate::adapters::component::{
    instance::Instance,
    recording::{Answered, RecordedCall, Recording, tape::Tape},
};

/// What came of all calls of one function.
#[derive(Default)]
struct Tally {
    same: usize,
    /// What was wrong the first time that something was.
    first: Option<String>,
    different: usize,
    failed_then: usize,
}

/// One check for each function that was called.
pub(super) async fn replay(trial: &Trial, recording: &Recording) -> Vec<Check> {
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut instances = HashMap::new();
    for (at, call) in recording.calls.iter().enumerate() {
        let tally = tallies.entry(&call.call).or_default();
        let Answered::Answer(_) = &call.answer else {
            // It was stopped by a limit, or crashed; then its instance was thrown away.
            tally.failed_then += 1;
            instances.remove(&call.instance);
            continue;
        };
        match compare(trial, &mut instances, call).await {
            Ok(()) => tally.same += 1,
            Err(why) => {
                tally.different += 1;
                tally.first.get_or_insert(format!("line {}: {why}", at + 2));
            }
        }
    }
    tallies.into_iter().map(|(call, tally)| tally.check(call)).collect()
}

impl Tally {
    fn check(self, call: &str) -> Check {
        let total = self.same + self.different;
        let then = match self.failed_then {
            0 => String::new(),
            failed => format!(" ({failed} more failed when they were recorded)"),
        };
        let what = format!("{call}: {} of {total} answers as recorded{then}", self.same);
        match self.first {
            None => Check::passed(what),
            Some(why) => Check::failed(what, why),
        }
    }
}

async fn compare(trial: &Trial, instances: &mut HashMap<u32, Instance>, call: &RecordedCall) -> Result<(), String> {
    let mut instance = match instances.remove(&call.instance) {
        Some(instance) => instance,
        None => trial.instance(Tape::Off).await.map_err(|error| error.to_string())?,
    };
    instance.set_tape(Tape::Playing(call.asked.clone()));
    let answer = invoke(&mut instance, &call.call, &call.params)
        .await
        .map_err(|error: InvokeError| error.to_string())?;
    instances.insert(call.instance, instance);
    match &call.answer {
        Answered::Answer(recorded) if *recorded != answer => Err(format!(
            "it answered {} where the recording has {}",
            short(&answer),
            short(recorded)
        )),
        _ => Ok(()),
    }
}
