//! The bash around a job's command. Pure: from what is known about an attempt to the bytes of its script.
//!
//! A plugin's bash can do whatever the job can, so nothing here keeps it from lying on purpose. What it does by mistake, or
//! to its own shell, must not become a success: a script that a snippet ends before the command says which, and fails.
//!
//! Its order is a contract: `init` snippets, prescript, `prep` snippets with `$cmd` readable and assignable, the command;
//! then, however it ends: exit code and state recorded, postscript, `end` snippets with `$rc`.
//!
//! The script is made of builtins only, and starts no process but the command's. Text from elsewhere is quoted and run by
//! `eval`, so that an unbalanced quote in it breaks nothing else. All paths are as the job sees them.

use std::fmt::Display;

use super::quoting::{QuoteError, command_text, quote};
use crate::{
    model::{
        hook::{Snippet, Snippets},
        run::{JobAttempt, Run},
        state::State,
    },
    ports::scheduler::Wrapping,
};

/// Why no script can be written for an attempt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ScriptError {
    #[error("`{0}` cannot be the name of an environment variable; letters, digits and `_` can, with no digit first")]
    EnvName(String),
    #[error("`{0}` cannot be set in a job's environment: job scripts use that name for their own variable")]
    EnvReserved(String),
    #[error("the scheduler's directive `{0}` is not a single comment line")]
    Directive(String),
    #[error("the shebang `{0}` is not a single line with the path of a shell")]
    Shebang(String),
    #[error("there is a NUL byte in {0}, which a script cannot carry")]
    Nul(&'static str),
}

/// Writes the script of an attempt.
///
/// # Errors
/// When a name, a directive or a text cannot be part of a script.
pub fn render(
    attempt: &JobAttempt,
    run: &Run,
    wrapping: &Wrapping,
    snippets: &Snippets,
) -> Result<Vec<u8>, ScriptError> {
    let mut script = Script(Vec::with_capacity(1024));
    script.head(attempt, run, wrapping)?;
    script.environment(attempt, run)?;
    script.finish(attempt, run, snippets)?;
    script.start(attempt)?;
    script.snippets("init", &snippets.init, "")?;
    script.user_script("prescript", &run.settings.prescript, "")?;
    script.command(attempt, snippets)?;
    Ok(script.0)
}

/// No snippet runs, and there is no exit code yet, whatever the environment or a snippet says.
const NOWHERE: &str = "xqute_at= xqute_rc=";

/// For the trap: the shell ends while a snippet runs, so the command never will.
const GUARD: &str = "if [[ ${xqute_at-} ]]; then echo \"xqute: the script ended in $xqute_at, before the command\"; \
                     xqute_rc=; [[ $rc != 0 ]] || rc=1; fi; ";

/// Signals that end a bash and let it run its EXIT trap, beside those that ask for an end.
const STRIKING: [(&str, i32); 15] = [
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("SYS", 31),
];

/// Whether a plugin's bash comes before the command.
const fn has_snippets_before(snippets: &Snippets) -> bool {
    !(snippets.init.is_empty() && snippets.prep.is_empty())
}

struct Script(Vec<u8>);

impl Script {
    fn line(&mut self, line: impl Display) {
        self.parts(&[line.to_string().as_bytes()]);
    }

    fn parts(&mut self, parts: &[&[u8]]) {
        for part in parts {
            self.0.extend_from_slice(part);
        }
        self.0.push(b'\n');
    }

    fn head(&mut self, attempt: &JobAttempt, run: &Run, wrapping: &Wrapping) -> Result<(), ScriptError> {
        let shebang = wrapping.shebang.clone();
        let shebang = shebang.unwrap_or_else(|| run.settings.wrapper_shell.join(" "));
        if !shebang.starts_with('/') || shebang.chars().any(char::is_control) {
            return Err(ScriptError::Shebang(shebang));
        }
        self.line(format_args!("#!{shebang}"));
        for directive in &wrapping.directives {
            if !directive.starts_with('#') || directive.chars().any(char::is_control) {
                return Err(ScriptError::Directive(directive.clone()));
            }
            self.line(directive);
        }
        let JobAttempt { job, attempt, name, .. } = attempt;
        self.line(format_args!(
            "# Job {job} ({}), attempt {attempt}. Written by xqute.",
            name.escape_debug()
        ));
        Ok(())
    }

    fn environment(&mut self, attempt: &JobAttempt, run: &Run) -> Result<(), ScriptError> {
        for (name, value) in &attempt.env {
            check_variable(name, value)?;
            let value = quoted(value, "an environment variable")?;
            self.parts(&[b"export ", name.as_bytes(), b"=", &value]);
        }
        let mut line = b"export".to_vec();
        for (name, value) in run.variables(attempt) {
            let value = quoted(value, "the path of the workdir")?;
            line.extend([b" ", name.as_bytes(), b"=", &value].concat());
        }
        self.parts(&[&line]);
        Ok(())
    }

    /// The end comes first in the file: it must be known when anything else goes wrong.
    fn finish(&mut self, attempt: &JobAttempt, run: &Run, snippets: &Snippets) -> Result<(), ScriptError> {
        let [stderr, rc, status] = ["job.stderr", "job.rc", "job.status"].map(|name| file(attempt, name));
        let (finished, failed) = (State::Finished.code(), State::Failed.code());
        self.line("");
        self.line("# Everything but the command's own output goes to the job's stderr.");
        self.parts(&[b"exec 2>", &stderr?, b" 1>&2"]);
        // Another shell would run some of this, and take the rest for a success.
        self.line("[ \"${BASH_VERSION-}\" ] || { echo 'xqute: this is a script for bash, but another shell runs it'; exit 126; }");
        self.line("");
        self.line("# Records how the job ended. What comes after it cannot change the exit code.");
        self.line("xqute_finish() {");
        self.line("    set +eu");
        self.parts(&[b"    echo \"$1\" >|", &rc?]);
        // Overwritten in place: that needs no space on a full disk, and no flush as after a truncation.
        let state = format!("    if [[ $1 == 0 ]]; then echo {finished}; else echo {failed}; fi 1<>");
        self.parts(&[state.as_bytes(), &status?]);
        // Last: a snippet may have made them read-only, and then bash goes on behind the function.
        self.line("    xqute_rc=$1 rc=$1");
        if !run.settings.postscript.is_empty() || !snippets.end.is_empty() {
            self.line("    exec 1>&2");
        }
        self.user_script("postscript", &run.settings.postscript, "    ")?;
        self.snippets("end", &snippets.end, "    ")?;
        self.line("}");
        // Bash copies a function each time that it calls it, so the condition that makes it run once stands here.
        let guard = match has_snippets_before(snippets) {
            true => GUARD,
            false => "",
        };
        if !guard.is_empty() {
            self.line("readonly -f xqute_finish");
            self.line(NOWHERE);
        }
        self.line(format_args!(
            "trap 'rc=$?; {guard}[[ ${{xqute_rc-}} ]] || xqute_finish $rc; exit \"$xqute_rc\"' EXIT"
        ));
        for (signal, code) in [("HUP", 129), ("INT", 130), ("TERM", 143)] {
            self.line(format_args!("trap 'exit {code}' {signal}"));
        }
        // Of these bash would tell the trap above nothing: it would find the exit code of what ran before, and record that.
        self.line(
            "xqute_struck() { [[ ${xqute_rc-} ]] || xqute_finish \"$2\"; trap - \"$1\"; kill -\"$1\" $BASHPID; }",
        );
        for (signal, number) in STRIKING {
            self.line(format_args!("trap 'xqute_struck {signal} {}' {signal}", 128 + number));
        }
        Ok(())
    }

    fn start(&mut self, attempt: &JobAttempt) -> Result<(), ScriptError> {
        self.line("");
        let running = format!("echo {} 1<>", State::Running.code());
        self.parts(&[running.as_bytes(), &file(attempt, "job.status")?]);
        if let Some(cwd) = attempt.cwd() {
            // Neither `-` nor CDPATH get a chance.
            let path = if cwd.is_absolute() {
                cwd.to_string()
            } else {
                format!("./{cwd}")
            };
            let path = quoted(path, "the working directory")?;
            self.parts(&[
                b"cd -- ",
                &path,
                b" || { echo 'xqute: the job cannot start there'; exit 1; }",
            ]);
        }
        Ok(())
    }

    fn command(&mut self, attempt: &JobAttempt, snippets: &Snippets) -> Result<(), ScriptError> {
        let command = command_text(attempt.command()).and_then(|text| quote(&text));
        let command = command.map_err(|QuoteError| ScriptError::Nul("the command"))?;
        self.line("");
        // Not exported, even if xqute itself was started with a variable of this name.
        self.parts(&[b"declare +x cmd=", &command]);
        self.snippets("prep", &snippets.prep, "")?;
        self.parts(&[b"eval \"$cmd\" >", &file(attempt, "job.stdout")?]);
        // The command may have put a trap of its own in the place of ours.
        self.line("xqute_finish $?");
        self.line("exit \"$xqute_rc\"");
        Ok(())
    }

    fn snippets(&mut self, place: &str, snippets: &[Snippet], indent: &str) -> Result<(), ScriptError> {
        let before_command = indent.is_empty();
        for Snippet { plugin, code } in snippets {
            let plugin = plugin.escape_debug();
            if before_command {
                let place = quoted(format!("{place} of plugin {plugin}"), "a plugin's name")?;
                self.parts(&[b"xqute_at=", &place]);
            }
            let title = format!("{indent}# {place}, from plugin {plugin}");
            self.eval(&title, code, "a plugin's snippet", indent)?;
        }
        if before_command && !snippets.is_empty() {
            self.line(NOWHERE);
        }
        Ok(())
    }

    fn user_script(&mut self, title: &'static str, code: &str, indent: &str) -> Result<(), ScriptError> {
        if code.is_empty() {
            return Ok(());
        }
        self.eval(&format!("{indent}# {title}"), code, title, indent)
    }

    fn eval(&mut self, title: &str, code: &str, what: &'static str, indent: &str) -> Result<(), ScriptError> {
        let code = quoted(code, what)?;
        self.line(title);
        self.parts(&[indent.as_bytes(), b"eval ", &code]);
        Ok(())
    }
}

/// Whether a script can export this environment variable.
///
/// # Errors
/// When bash would not take its name, the script needs that name itself, or the value has a NUL.
pub fn check_variable(name: &str, value: &str) -> Result<(), ScriptError> {
    let valid = |char: char| char.is_ascii_alphanumeric() || char == '_';
    if name.is_empty() || name.starts_with(|char: char| char.is_ascii_digit()) || !name.chars().all(valid) {
        return Err(ScriptError::EnvName(name.to_owned()));
    }
    if name == "cmd" || name == "rc" || name.starts_with("xqute_") {
        return Err(ScriptError::EnvReserved(name.to_owned()));
    }
    match value.contains('\0') {
        true => Err(ScriptError::Nul("an environment variable")),
        false => Ok(()),
    }
}

fn file(attempt: &JobAttempt, name: &str) -> Result<Vec<u8>, ScriptError> {
    quoted(
        attempt.dir.below(name).seen_by_job().to_string(),
        "the path of the workdir",
    )
}

fn quoted(text: impl AsRef<str>, what: &'static str) -> Result<Vec<u8>, ScriptError> {
    quote(text.as_ref().as_bytes()).map_err(|QuoteError| ScriptError::Nul(what))
}

#[cfg(test)]
mod tests;
