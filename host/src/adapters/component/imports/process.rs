//! `process`: starts the programs that a plugin was granted.

use std::sync::Arc;

use crate::adapters::{
    component::{
        bindings::{
            process::{Exit, Host, Output},
            types::Error,
        },
        flags::flags,
        rights::Right,
        state::{HostState, Identity},
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
        let identity = Arc::clone(&self.identity);
        Ok(start(&identity, program, &args, stdin).await)
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
