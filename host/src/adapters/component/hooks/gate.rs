//! Asks one plugin before something happens.

use super::Lifecycle;
use crate::adapters::component::{
    contract::{bindings::gatekeeper as wit, convert},
    error::StartError,
    instance::{
        call::{CallFailure, CallFailureKind},
        limits::Pace,
    },
};
use crate::{
    model::{
        hook::{Hook, Verdict},
        outcome::signal_name,
    },
    ports::hooks::Question,
};

/// The call, as errors name it.
pub(super) const CALL: &str = "gatekeeper.decide";

/// The hook by which gatekeepers subscribe to a question.
pub(crate) const fn hook(question: &Question<'_>) -> Hook {
    match question {
        Question::Shutdown(_) => Hook::Shutdown,
        Question::Submitting(_) => Hook::JobSubmitting,
        Question::Killing(_) => Hook::JobKilling,
    }
}

/// One verdict for each question. The plugin must have subscribed to all of them.
pub(super) async fn ask(plugin: &Lifecycle, questions: &[Question<'_>]) -> Result<Vec<Verdict>, StartError> {
    let asked: Vec<_> = questions.iter().map(to_guest).collect();
    let mut borrowed = plugin.gate.borrow().await?;
    let guests = borrowed.instance().guests();
    let Some(guest) = &guests.gatekeeper else {
        return Ok(asked.iter().map(|_| Verdict::Proceed).collect());
    };
    let call = borrowed.call(CALL, Pace::Hook, guest.func_decide(), (&asked[..],));
    let (verdicts,) = call.await?;
    borrowed.give_back();
    if verdicts.len() != asked.len() {
        let answer = format!("{} verdicts to {} questions", verdicts.len(), asked.len());
        let failure = CallFailure {
            plugin: plugin.name().into(),
            call: CALL.into(),
            kind: CallFailureKind::BadAnswer(answer),
        };
        return Err(failure.into());
    }
    let verdict = |verdict| match verdict {
        wit::Verdict::Proceed => Verdict::Proceed,
        wit::Verdict::Veto(reason) => Verdict::Veto {
            plugin: plugin.name().to_owned(),
            reason: convert::words(&reason),
        },
    };
    Ok(verdicts.into_iter().map(verdict).collect())
}

pub(crate) fn to_guest(question: &Question<'_>) -> wit::Question {
    match question {
        Question::Shutdown(signal) => wit::Question::Shutdown(signal_name(*signal)),
        Question::Submitting(job) => wit::Question::JobSubmitting(convert::job(job)),
        Question::Killing(job) => wit::Question::JobKilling(convert::job(job)),
    }
}
