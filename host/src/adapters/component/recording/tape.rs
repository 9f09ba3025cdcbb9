//! What an instance asks of the host: done, written down, or answered from a recording.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::Asked;

/// What the host does when an instance asks it for something.
#[derive(Clone, Debug, Default)]
pub(crate) enum Tape {
    /// What it was asked for.
    #[default]
    Off,
    /// That too, and it writes it down.
    Recording(Vec<Asked>),
    /// It says what was said in a recording, and nothing else.
    Playing(Vec<Asked>),
    /// Whatever program it is asked to run, this is what came of it. Everything else is done.
    Pretending(Value),
}

/// The function that [`Tape::Pretending`] is about.
pub(crate) const RUN: &str = "process.run";

/// A plugin asked for something that its recording does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it asked for {asked}, {}", instead(recorded))]
pub(super) struct NotRecorded {
    asked: String,
    /// The first thing of this kind that was recorded and not asked for.
    recorded: Option<String>,
}

fn instead(recorded: &Option<String>) -> String {
    match recorded {
        Some(recorded) => format!("where the recording has {recorded}"),
        None => "which the recording does not have in this call".to_owned(),
    }
}

impl Tape {
    /// Whether parameters are looked at.
    pub(crate) const fn is_on(&self) -> bool {
        !matches!(self, Self::Off)
    }

    /// Whether nothing that happens is real.
    pub(crate) const fn is_rehearsal(&self) -> bool {
        matches!(self, Self::Playing(_) | Self::Pretending(_))
    }

    /// What was said to this in the recording, or is pretended. `None`: ask the host.
    pub(crate) fn play<R: DeserializeOwned>(
        &mut self,
        ask: &str,
        params: &impl Serialize,
    ) -> wasmtime::Result<Option<R>> {
        let said = match self {
            Self::Off | Self::Recording(_) => return Ok(None),
            Self::Pretending(said) if ask == RUN => said.clone(),
            Self::Pretending(_) => return Ok(None),
            Self::Playing(left) => take(left, ask, &value(params))?,
        };
        let said = serde_json::from_value(said);
        said.map(Some)
            .map_err(|error| wasmtime::Error::msg(format!("the recording has a bad answer to {ask}: {error}")))
    }

    /// Writes down what the host said, if that is wanted.
    pub(crate) fn note(&mut self, ask: &str, params: &impl Serialize, said: &impl Serialize) {
        if let Self::Recording(asked) = self {
            asked.push(Asked {
                ask: ask.to_owned(),
                params: value(params),
                said: value(said),
            });
        }
    }

    /// What was written down since the last time.
    pub(crate) fn take(&mut self) -> Vec<Asked> {
        match self {
            Self::Recording(asked) => std::mem::take(asked),
            _ => Vec::new(),
        }
    }
}

/// Takes what was said to the first asking like this one.
fn take(left: &mut Vec<Asked>, ask: &str, params: &Value) -> Result<Value, NotRecorded> {
    let same = |asked: &Asked| asked.ask == ask && asked.params == *params;
    if let Some(at) = left.iter().position(same) {
        return Ok(left.remove(at).said);
    }
    Err(NotRecorded {
        asked: shown(ask, params),
        recorded: left
            .iter()
            .find(|asked| asked.ask == ask)
            .map(|asked| shown(ask, &asked.params)),
    })
}

fn shown(ask: &str, params: &Value) -> String {
    let text = format!("{ask} {params}");
    text.chars().take(500).collect()
}

/// As JSON. What the contract has can always be written as JSON.
pub(crate) fn value(of: &impl Serialize) -> Value {
    serde_json::to_value(of).unwrap_or_default()
}

/// Bytes in a recording: as text where they are text, else as numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Bytes {
    Text(String),
    Raw(Vec<u8>),
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(error) => Self::Raw(error.into_bytes()),
        }
    }
}

impl From<Bytes> for Vec<u8> {
    fn from(bytes: Bytes) -> Self {
        match bytes {
            Bytes::Text(text) => text.into_bytes(),
            Bytes::Raw(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(params: Value, said: Value) -> Asked {
        Asked {
            ask: RUN.to_owned(),
            params,
            said,
        }
    }

    #[test]
    fn what_was_recorded_is_said_again_once() {
        let mut tape = Tape::Playing(vec![asked(json!(["a"]), json!(1)), asked(json!(["b"]), json!(2))]);
        assert_eq!(tape.play::<u32>(RUN, &["b"]).unwrap(), Some(2));
        assert_eq!(tape.play::<u32>(RUN, &["a"]).unwrap(), Some(1));
        let error = tape.play::<u32>(RUN, &["a"]).unwrap_err().to_string();
        insta::assert_snapshot!(error, @r#"it asked for process.run ["a"], which the recording does not have in this call"#);
    }

    #[test]
    fn something_else_is_named_beside_what_was_recorded() {
        let mut tape = Tape::Playing(vec![asked(json!(["a"]), json!(1))]);
        let error = tape.play::<u32>(RUN, &["z"]).unwrap_err().to_string();
        insta::assert_snapshot!(error, @r#"it asked for process.run ["z"], where the recording has process.run ["a"]"#);
    }

    #[test]
    fn only_programs_are_pretended() {
        let mut tape = Tape::Pretending(json!(7));
        assert_eq!(tape.play::<u32>(RUN, &["x"]).unwrap(), Some(7));
        assert_eq!(tape.play::<u32>("run.info", &()).unwrap(), None);
    }
}
