//! `process`: starts the programs that a plugin was granted.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::adapters::{
    component::{
        bindings::{
            process::{Exit, Host, Output},
            types::Error,
        },
        flags::flags,
        rights::Right,
        state::{HostState, Identity},
        tape::{self, Bytes, RUN},
    },
    process::{capture, child},
};

/// The most bytes that a program may write to one of its outputs.
const MOST_OUTPUT: usize = 16 << 20;

impl Host for HostState {
    async fn run(
        &mut self,
        program: String,
        args: Vec<String>,
        stdin: Vec<u8>,
    ) -> wasmtime::Result<Result<Output, Error>> {
        let on_tape = || tape::value(&(&program, &args, Bytes::from(&stdin[..])));
        let asked = self.tape.is_on().then(on_tape);
        if let Some(asked) = &asked
            && let Some(came) = self.tape.play::<Came>(RUN, asked)?
        {
            return Ok(came.into());
        }
        let identity = Arc::clone(&self.identity);
        let came = start(&identity, program, &args, stdin).await;
        if let Some(asked) = &asked {
            self.tape.note(RUN, asked, &Came::from(&came));
        }
        Ok(came)
    }
}

/// What came of a program, as recordings have it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::adapters::component) enum Came {
    Output { exit: Exit, stdout: Bytes, stderr: Bytes },
    Error(Error),
}

impl From<&Result<Output, Error>> for Came {
    fn from(came: &Result<Output, Error>) -> Self {
        match came {
            Ok(output) => Self::Output {
                exit: output.exit,
                stdout: output.stdout.as_slice().into(),
                stderr: output.stderr.as_slice().into(),
            },
            Err(error) => Self::Error(error.clone()),
        }
    }
}

impl From<Came> for Result<Output, Error> {
    fn from(came: Came) -> Self {
        match came {
            Came::Output { exit, stdout, stderr } => Ok(Output {
                exit,
                stdout: stdout.into(),
                stderr: stderr.into(),
            }),
            Came::Error(error) => Err(error),
        }
    }
}

async fn start(plugin: &Identity, program: String, args: &[String], stdin: Vec<u8>) -> Result<Output, Error> {
    let path = match plugin.rights.programs.get(&program) {
        Some(Some(path)) => path,
        Some(None) => return Err(Error::Rejected(format!("there is no program `{program}` on PATH"))),
        None => return Err(denied(plugin, program)),
    };
    if args.iter().any(|arg| arg.contains('\0')) {
        return Err(Error::Rejected(format!("an argument of `{program}` has a NUL in it")));
    }
    tracing::debug!(plugin = &*plugin.name, ?args, "runs {}", path.display());
    let output = capture::run(path, args, stdin, MOST_OUTPUT).await;
    let output = output.map_err(|error| Error::Rejected(error.to_string()))?;
    Ok(Output {
        exit: match output.exit {
            child::Exit::Code(code) => Exit::Code(code),
            child::Exit::Signal(signal) => Exit::Signal(signal),
        },
        stdout: output.stdout,
        stderr: output.stderr,
    })
}

/// The flags are for all that the plugin lacks: whoever adds one at a time starts as many runs.
fn denied(plugin: &Identity, program: String) -> Error {
    let shown: String = program.escape_debug().take(100).collect();
    let remedy = if plugin.lacking.contains(&Right::Run(program)) {
        format!("`{}` would allow it", flags(&plugin.name, &plugin.lacking).join(" "))
    } else {
        "it never asks for that right, so this is a mistake in the plugin".to_owned()
    };
    tracing::warn!(plugin = &*plugin.name, "was not allowed to run `{shown}`; {remedy}");
    Error::Denied(format!("it may not run `{shown}`; {remedy}"))
}
