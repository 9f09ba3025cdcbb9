//! `process`: starts the programs that a plugin was granted.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::adapters::{
    component::{
        contract::bindings::{
            process::{Exit, Host, Output},
            types::Error,
        },
        instance::{
            rehearsal::Planned,
            state::{HostState, Identity, Stage},
        },
        recording::tape::{Bytes, RUN},
        rights::Refusal,
    },
    process::{
        capture::{self, ProcessError},
        child,
    },
};

impl Host for HostState {
    async fn run(
        &mut self,
        program: String,
        args: Vec<String>,
        stdin: Vec<u8>,
    ) -> wasmtime::Result<Result<Output, Error>> {
        let on_tape = || (program.clone(), args.clone(), Bytes::from(stdin.clone()));
        let asked = self.tape.is_on().then(on_tape);
        let (identity, waited) = (Arc::clone(&self.identity), self.waited.clone());
        let started = async {
            let _turn = identity.throttle.turn(&waited).await;
            Came::from(start(&identity, &program, &args, stdin).await)
        };
        Ok(self.answer_later(RUN, &asked, started).await?.into())
    }
}

/// What came of a program, as recordings have it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Came {
    Output { exit: Exit, stdout: Bytes, stderr: Bytes },
    Error(Error),
}

impl From<Result<Output, Error>> for Came {
    fn from(came: Result<Output, Error>) -> Self {
        match came {
            Ok(output) => Self::Output {
                exit: output.exit,
                stdout: output.stdout.into(),
                stderr: output.stderr.into(),
            },
            Err(error) => Self::Error(error),
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

/// Starts a program, or just notes that it would be.
async fn start(plugin: &Identity, program: &str, args: &[String], stdin: Vec<u8>) -> Result<Output, Error> {
    let path = match plugin.rights.program(program, args) {
        Ok(path) => Some(path),
        Err(Refusal::NotFound) if plugin.rehearsal().is_some() => None,
        Err(Refusal::NotFound) => return Err(Error::Rejected(format!("there is no program `{program}` on PATH"))),
        Err(why) => {
            return Err(Error::Denied(
                plugin.refuse(&format!("run `{}`", shown(program, args)), why),
            ));
        }
    };
    if args.iter().any(|arg| arg.contains('\0')) {
        return Err(Error::Rejected(format!("an argument of `{program}` has a NUL in it")));
    }
    let (None, Some(path)) = (plugin.rehearsal(), path) else {
        return Ok(rehearsed(plugin, program, args, stdin));
    };
    tracing::debug!(plugin = &*plugin.name, ?args, "runs {}", path.display());
    let output = match &plugin.stage {
        Stage::Running(context) => capture::run_for(&context.run.tag, path, args, stdin, plugin.most_output).await,
        Stage::Describing => capture::run(path, args, stdin, plugin.most_output).await,
    };
    let output = output.map_err(|error| failed(plugin, &error))?;
    Ok(Output {
        exit: match output.exit {
            child::Exit::Code(code) => Exit::Code(code),
            child::Exit::Signal(signal) => Exit::Signal(signal),
        },
        stdout: output.stdout,
        stderr: output.stderr,
    })
}

/// The answer of a program that was not started.
fn rehearsed(plugin: &Identity, program: &str, args: &[String], stdin: Vec<u8>) -> Output {
    if let Some(rehearsal) = plugin.rehearsal() {
        rehearsal.note(Planned {
            plugin: plugin.name.to_string(),
            program: program.to_owned(),
            args: args.to_vec(),
            stdin,
        });
    }
    Output {
        exit: Exit::Code(0),
        stdout: Vec::new(),
        stderr: Vec::new(),
    }
}

fn failed(plugin: &Identity, error: &ProcessError) -> Error {
    Error::Rejected(match error {
        ProcessError::TooMuchOutput { .. } => format!(
            "{error}; if `{}` needs that much, set `output-mib` for it in xqute.toml",
            plugin.name
        ),
        error => error.to_string(),
    })
}

/// A call for people: what is long or strange is cut or escaped.
fn shown(program: &str, args: &[String]) -> String {
    let words = std::iter::once(program).chain(args.iter().map(String::as_str)).take(12);
    let line = words.map(|word| word.chars().take(100).collect::<String>());
    let line = line.collect::<Vec<_>>().join(" ");
    line.escape_debug().take(200).collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;
    use crate::adapters::component::rights::{Right, Rights};

    fn plugin(commands: &[&str]) -> Identity {
        let rights: Vec<Right> = commands.iter().map(|text| Right::new("run", text).unwrap()).collect();
        let mut plugin = Identity::nobody("guest");
        plugin.rights = Rights::resolve(&rights, &rights, OsStr::new("/usr/bin:/bin")).unwrap();
        plugin.most_output = 1 << 20;
        plugin
    }

    async fn refused(plugin: &Identity, program: &str, args: &[&str]) -> String {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        match start(plugin, program, &args, Vec::new()).await {
            Err(Error::Denied(why)) => format!("denied: {why}"),
            Err(Error::Rejected(why)) => format!("rejected: {why}"),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn arguments_count() {
        let plugin = plugin(&["printf a*c"]);
        let ran = start(&plugin, "printf", &["abc".to_owned()], Vec::new()).await.unwrap();
        assert_eq!(ran.stdout, b"abc");
        let denied = refused(&plugin, "printf", &["x\u{1b}"]).await;
        insta::assert_snapshot!(denied, @r"denied: it may not run `printf x\u{1b}`; `describe` is called without any right");
        for (program, args) in [
            ("printf", &[][..]),
            ("/usr/bin/printf", &["abc"]),
            ("bin/../printf", &["abc"]),
        ] {
            assert!(refused(&plugin, program, args).await.starts_with("denied"));
        }
    }

    #[tokio::test]
    async fn what_a_program_prints_is_bounded() {
        let why = refused(&plugin(&["yes"]), "yes", &[]).await;
        assert!(why.starts_with("rejected: "), "{why}");
        assert!(why.contains("more than 1048576 bytes"), "{why}");
        assert!(why.ends_with("set `output-mib` for it in xqute.toml"), "{why}");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_said() {
        let why = refused(&plugin(&["no-such"]), "no-such", &[]).await;
        insta::assert_snapshot!(why, @"rejected: there is no program `no-such` on PATH");
    }
}
