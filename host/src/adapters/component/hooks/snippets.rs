//! Collects one plugin's bash for job scripts.

use super::Lifecycle;
use crate::adapters::component::{
    contract::{bindings::snippets as wit, convert},
    error::StartError,
    instance::{
        call::{CallFailure, CallFailureKind},
        limits::Pace,
    },
};
use crate::model::{hook::Hook, run::JobAttempt};

/// The call, as errors name it.
pub(super) const CALL: &str = "snippets.provide";

/// The most bytes of one snippet.
const LONGEST: usize = 64 * 1024;

/// One plugin's bash for one job.
pub(super) struct Script {
    pub(super) init: Option<String>,
    pub(super) prep: Option<String>,
    pub(super) end: Option<String>,
}

/// One script for each job, with nothing in it that the plugin did not subscribe to.
pub(super) async fn collect(plugin: &Lifecycle, jobs: &[JobAttempt]) -> Result<Vec<Script>, StartError> {
    let asked: Vec<_> = jobs.iter().map(convert::job).collect();
    let mut borrowed = plugin.gate.borrow().await?;
    let guests = borrowed.instance().guests();
    let Some(guest) = &guests.snippets else {
        return Ok(Vec::new());
    };
    let call = borrowed.call(CALL, Pace::Hook, guest.func_provide(), (&asked[..],));
    let (scripts,) = call.await?;
    borrowed.give_back();
    let bad = |answer| {
        let failure = CallFailure {
            plugin: plugin.name().into(),
            call: CALL.into(),
            kind: CallFailureKind::BadAnswer(answer),
        };
        StartError::from(failure)
    };
    if scripts.len() != asked.len() {
        return Err(bad(format!("{} scripts for {} jobs", scripts.len(), asked.len())));
    }
    scripts
        .into_iter()
        .map(|script| checked(plugin, script).map_err(bad))
        .collect()
}

fn checked(plugin: &Lifecycle, script: wit::Script) -> Result<Script, String> {
    let piece = |hook: Hook, code: Option<String>| match code {
        Some(code) if plugin.scripted.contains(hook) => checked_code(hook, code).map(Some),
        _ => Ok(None),
    };
    Ok(Script {
        init: piece(Hook::JobcmdInit, script.init)?,
        prep: piece(Hook::JobcmdPrep, script.prep)?,
        end: piece(Hook::JobcmdEnd, script.end)?,
    })
}

pub(crate) fn checked_code(hook: Hook, code: String) -> Result<String, String> {
    if code.len() > LONGEST {
        return Err(format!(
            "{} bytes of bash for {hook}, where {LONGEST} are the most",
            code.len()
        ));
    }
    if code.contains('\0') {
        return Err(format!("bash for {hook} with a NUL in it"));
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bash_is_bounded() {
        assert!(checked_code(Hook::JobcmdInit, "echo".into()).is_ok());
        assert!(
            checked_code(Hook::JobcmdInit, "a\0".into())
                .unwrap_err()
                .contains("NUL")
        );
        assert!(
            checked_code(Hook::JobcmdEnd, "a".repeat(LONGEST + 1))
                .unwrap_err()
                .contains("on_jobcmd_end")
        );
    }
}
