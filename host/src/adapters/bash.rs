//! Asks a bash on this machine about scripts, before anything runs. What is wrong then would be wrong for every job.

use std::path::Path;

use super::process::{
    capture::{self, ProcessError},
    child::Exit,
};

/// The most that is read of what a shell says.
const LIMIT: usize = 64 << 10;

/// Why a shell, or a script for it, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadScript {
    /// The shell cannot be run.
    #[error("the wrapper shell cannot be used: {0}")]
    NotRun(#[from] ProcessError),
    /// It is something else.
    #[error("the wrapper shell `{0}` is not a bash; job scripts need one")]
    NotBash(String),
    /// Bash does not understand the script.
    #[error("bash cannot read the {what}: {why}")]
    Syntax {
        /// Which script.
        what: &'static str,
        /// What bash says.
        why: String,
    },
}

/// Makes sure that a shell, given with its arguments, is a bash.
///
/// # Errors
/// When it cannot be run, or is none.
pub async fn check_shell(shell: &[String]) -> Result<(), BadScript> {
    // It has to say something: programs that heed no argument, such as `true`, succeed as well.
    match ask(
        shell,
        &["-c", "[ \"${BASH_VERSION-}\" ] && echo \"bash $((6 * 7))\" >&2"],
    )
    .await?
    {
        (Exit::Code(0), said) if said.contains("bash 42") => Ok(()),
        _ => Err(BadScript::NotBash(shell.join(" "))),
    }
}

/// Makes sure that bash can read a script; nothing of it is run.
///
/// # Errors
/// When bash cannot be run, or cannot make sense of it.
pub async fn check_syntax(shell: &[String], what: &'static str, script: &str) -> Result<(), BadScript> {
    match ask(shell, &["-n", "-c", script]).await? {
        (Exit::Code(0), _) => Ok(()),
        (_, said) => Err(BadScript::Syntax {
            what,
            why: said.lines().next().unwrap_or("it does not say why").to_owned(),
        }),
    }
}

/// How the shell ended, and what it wrote to stderr.
async fn ask(shell: &[String], more: &[&str]) -> Result<(Exit, String), ProcessError> {
    let (program, args) = shell
        .split_first()
        .map_or(("/bin/bash", &[][..]), |(first, rest)| (first.as_str(), rest));
    let args: Vec<&str> = args.iter().map(String::as_str).chain(more.iter().copied()).collect();
    let output = capture::run(Path::new(program), &args, Vec::new(), LIMIT).await?;
    Ok((output.exit, String::from_utf8_lossy(&output.stderr).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[tokio::test]
    async fn only_a_bash_will_do() {
        assert!(check_shell(&shell(&["/bin/bash", "--norc"])).await.is_ok());
        let missing = check_shell(&shell(&["/no/such"])).await.unwrap_err();
        insta::assert_snapshot!(missing, @"the wrapper shell cannot be used: cannot start /no/such: No such file or directory (os error 2)");
        let other = check_shell(&shell(&["/bin/false"])).await.unwrap_err();
        insta::assert_snapshot!(other, @"the wrapper shell `/bin/false` is not a bash; job scripts need one");
        assert!(check_shell(&shell(&["/bin/true"])).await.is_err());
    }

    #[tokio::test]
    async fn a_script_is_read_but_not_run() {
        let bash = shell(&["/bin/bash"]);
        assert!(check_syntax(&bash, "prescript", "exit 3").await.is_ok());
        let bad = check_syntax(&bash, "prescript", "echo \"").await.unwrap_err();
        assert!(bad.to_string().starts_with("bash cannot read the prescript: "), "{bad}");
    }
}
