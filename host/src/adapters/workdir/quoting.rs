//! Commands as bash reads them back, byte for byte.

use std::borrow::Cow;

use crate::model::job::Command;

/// There is a NUL byte, which no script can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct QuoteError;

/// Bash has its own idea of these words when they stand first. `true` and `false` are left out: they are what the
/// programs of these names are, without a process.
const BUILTINS: &str = ". : [ alias bg bind break builtin caller cd command compgen complete compopt continue declare \
    dirs disown echo enable eval exec exit export fc fg getopts hash help history jobs kill let local logout mapfile popd \
    printf pushd pwd read readarray readonly return set shift shopt source suspend test times trap type typeset ulimit \
    umask unalias unset wait";

const KEYWORDS: &str =
    "! [[ ]] { } case coproc do done elif else esac fi for function if in select then time until while";

/// One word.
pub(super) fn quote(text: &[u8]) -> Result<Vec<u8>, QuoteError> {
    shlex::bytes::try_quote(text)
        .map(Cow::into_owned)
        .map_err(|_nul| QuoteError)
}

/// Words as bash reads them back. None of them has a NUL.
pub(crate) fn in_bash(words: &[String]) -> String {
    let words = words
        .iter()
        .map(|word| shlex::try_quote(word).unwrap_or(Cow::Borrowed(word)));
    words.collect::<Vec<_>>().join(" ")
}

/// What `$cmd` holds. An argv is run as it is: its first word is a program, also where bash has a builtin or a keyword of
/// that name.
pub(super) fn command_text(command: &Command) -> Result<Vec<u8>, QuoteError> {
    let args = match command {
        Command::Shell(line) => return Ok(line.to_vec()),
        Command::Argv(args) => args,
    };
    let mut text = Vec::new();
    for (at, arg) in args.iter().enumerate() {
        if at == 0 && is_word(BUILTINS, arg) {
            text.extend_from_slice(b"env ");
        } else if at > 0 {
            text.push(b' ');
        }
        if at == 0 && is_word(KEYWORDS, arg) {
            text.extend([b"'", arg.as_slice(), b"'"].concat());
        } else {
            text.extend(quote(arg)?);
        }
    }
    Ok(text)
}

fn is_word(words: &str, arg: &[u8]) -> bool {
    words.split_ascii_whitespace().any(|word| word.as_bytes() == arg)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(args: &[&str]) -> String {
        String::from_utf8(command_text(&Command::argv(args.iter().copied())).unwrap()).unwrap()
    }

    #[test]
    fn an_argv_is_quoted_only_where_it_must_be() {
        assert_eq!(text(&["ls", "-l", "two words", ""]), "ls -l 'two words' ''");
        assert_eq!(command_text(&Command::shell("a | b 'c")).unwrap(), b"a | b 'c");
        assert!(command_text(&Command::argv(["a", "\0"])).is_err());
    }

    #[test]
    fn the_first_word_is_a_program() {
        assert_eq!(text(&["echo", "exit"]), "env echo exit");
        assert_eq!(text(&["time", "ls"]), "'time' ls");
        assert_eq!(text(&["A=b", "ls"]), "'A=b' ls");
        assert_eq!(text(&["~/x"]), "'~/x'");
        assert_eq!(text(&["true"]), "true");
    }
}
