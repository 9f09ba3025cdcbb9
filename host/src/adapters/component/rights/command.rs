//! The pattern of the right `run`: a program, and what its arguments may look like.

use std::{cmp::Ordering, collections::BTreeSet, fmt, str::FromStr};

/// Which calls of a program are meant.
///
/// The text is words with one space between them. The first is the program's name. Each further word stands for one
/// argument, in which `*` stands for any text, also none; a last word `...` stands for any number of further arguments. A name
/// alone means the program with any arguments.
///
/// There is no way to quote: an argument that has a space, a comma or a `*` in it can only be matched by `*`, and that a
/// program is started without any argument cannot be demanded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CommandPattern {
    program: String,
    words: Vec<String>,
    /// Whether any number of arguments may follow.
    more: bool,
}

/// The last word of a pattern that leaves the number of arguments open.
const MORE: &str = "...";

/// Any text within one argument.
const ANY: char = '*';

impl CommandPattern {
    /// The program's name.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// Whether a call with these arguments is meant.
    pub fn matches(&self, program: &str, args: &[impl AsRef<str>]) -> bool {
        let fits = self.words.len() == args.len() || (self.more && self.words.len() < args.len());
        let pairs = || self.words.iter().zip(args);
        self.program == program && fits && pairs().all(|(word, arg)| matches(word, arg.as_ref()))
    }

    /// Whether each call that `other` means is meant here too.
    pub fn covers(&self, other: &Self) -> bool {
        // To a `*` of the other one only a `*` of ours can be equal, so the words can be compared as if they were arguments.
        (self.more || !other.more) && self.matches(&other.program, &other.words)
    }

    /// Whether there are calls that both mean.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let fits = match self.words.len().cmp(&other.words.len()) {
            Ordering::Less => self.more,
            Ordering::Equal => true,
            Ordering::Greater => other.more,
        };
        let mut pairs = self.words.iter().zip(&other.words);
        self.program == other.program && fits && pairs.all(|(ours, theirs)| overlap(ours, theirs))
    }
}

/// Whether `*` in the word can be filled so that it becomes the text.
fn matches(word: &str, text: &str) -> bool {
    let Some((first, rest)) = word.split_once(ANY) else {
        return word == text;
    };
    let Some(mut text) = text.strip_prefix(first) else {
        return false;
    };
    // The earliest place for each part leaves the most room for those that follow.
    let mut parts = rest.split(ANY).peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return text.ends_with(part);
        }
        match text.split_once(part) {
            Some((_, rest)) => text = rest,
            None => return false,
        }
    }
    true
}

/// Whether some text matches both words.
fn overlap(one: &str, other: &str) -> bool {
    let first = |word: &str| word.chars().next();
    let only_any = |word: &str| word.chars().all(|c| c == ANY);
    // All pairs of what may be left of both. Words are short, and written by people.
    let mut seen = BTreeSet::new();
    let mut open = vec![(one, other)];
    while let Some((one, other)) = open.pop() {
        if !seen.insert((one.len(), other.len())) {
            continue;
        }
        let (Some(ours), Some(theirs)) = (first(one), first(other)) else {
            if only_any(one) && only_any(other) {
                return true;
            }
            continue;
        };
        let (one_less, other_less) = (rest(one), rest(other));
        if ours == ANY || theirs == ANY {
            // The star stands for nothing more, or for the next character of the other word too.
            open.extend([(one_less, other), (one, other_less)]);
        } else if ours == theirs {
            open.push((one_less, other_less));
        }
    }
    false
}

/// All but the first character.
fn rest(word: &str) -> &str {
    let mut chars = word.chars();
    chars.next();
    chars.as_str()
}

impl fmt::Display for CommandPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.program)?;
        for word in &self.words {
            write!(f, " {word}")?;
        }
        match self.more && !self.words.is_empty() {
            true => write!(f, " {MORE}"),
            false => Ok(()),
        }
    }
}

impl FromStr for CommandPattern {
    type Err = BadCommand;

    fn from_str(text: &str) -> Result<Self, BadCommand> {
        let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        if words.iter().any(String::is_empty) {
            return Err(BadCommand::EmptyWord);
        }
        let program = words.remove(0);
        if program.contains(['/', ANY]) || program == MORE {
            return Err(BadCommand::Program(program));
        }
        let more = words.is_empty() || words.last().is_some_and(|last| last == MORE);
        if words.last().is_some_and(|last| last == MORE) {
            words.pop();
        }
        if words.iter().any(|word| word == MORE) {
            return Err(BadCommand::MoreInTheMiddle);
        }
        Ok(Self { program, words, more })
    }
}

/// Why a text is no pattern of a command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCommand {
    /// Two spaces, or one at the start or the end.
    #[error("its words must have exactly one space between them")]
    EmptyWord,
    /// The program is no name.
    #[error("`{0}` is not the name of a program: it is looked for on PATH, so it must be a name without `/` and `*`")]
    Program(String),
    /// `...` before the end.
    #[error("`...` stands for any number of further arguments, so it can only be the last word")]
    MoreInTheMiddle,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> CommandPattern {
        text.parse().unwrap()
    }

    fn allows(text: &str, call: &str) -> bool {
        let mut words = call.split(' ');
        let program = words.next().unwrap();
        pattern(text).matches(program, &words.collect::<Vec<_>>())
    }

    #[test]
    fn a_name_alone_means_any_arguments() {
        assert!(allows("sbatch", "sbatch"));
        assert!(allows("sbatch", "sbatch a b c"));
        assert!(!allows("sbatch", "sbatch2"));
        assert_eq!(pattern("sbatch ..."), pattern("sbatch"));
    }

    #[test]
    fn each_word_is_one_argument() {
        for (text, call, allowed) in [
            ("scontrol show *", "scontrol show job", true),
            ("scontrol show *", "scontrol show", false),
            ("scontrol show *", "scontrol show job 3", false),
            ("scontrol show ...", "scontrol show", true),
            ("scontrol show ...", "scontrol show job 3", true),
            ("scontrol show ...", "scontrol delete 3", false),
            ("squeue --format=* -h", "squeue --format= -h", true),
            ("squeue --format=* -h", "squeue --format=%i -h", true),
            ("squeue --format=* -h", "squeue -h --format=%i", false),
            ("a *b*c", "a bc", true),
            ("a *b*c", "a xbbxcc", true),
            ("a *b*c", "a cb", false),
            ("a x*x", "a x", false),
            ("a **", "a ", true),
        ] {
            assert_eq!(allows(text, call), allowed, "{text}: {call}");
        }
    }

    #[test]
    fn one_pattern_covers_another() {
        for (wide, narrow) in [
            ("s", "s a *"),
            ("s a ...", "s a b ..."),
            ("s *", "s a*c"),
            ("s a*", "s a*c"),
            ("s * b", "s a b"),
        ] {
            assert!(pattern(wide).covers(&pattern(narrow)), "{wide}: {narrow}");
            assert!(!pattern(narrow).covers(&pattern(wide)), "{narrow}: {wide}");
            assert!(pattern(narrow).overlaps(&pattern(wide)), "{narrow}: {wide}");
        }
        assert!(pattern("s a *").overlaps(&pattern("s * b")));
        assert!(pattern("s a*").overlaps(&pattern("s *b ...")));
        for (one, other) in [("s a", "s b"), ("s a", "s a a"), ("s", "t"), ("s a*", "s b*")] {
            assert!(!pattern(one).overlaps(&pattern(other)), "{one}: {other}");
        }
    }

    #[test]
    fn malformed_patterns_are_refused() {
        let why = |text: &str| text.parse::<CommandPattern>().unwrap_err();
        for text in ["", " a", "a ", "a  b"] {
            assert_eq!(why(text), BadCommand::EmptyWord, "{text:?}");
        }
        for text in ["/bin/sh", "../sh -c", "s*", "... x"] {
            assert!(matches!(why(text), BadCommand::Program(_)), "{text:?}");
        }
        assert_eq!(why("a ... b"), BadCommand::MoreInTheMiddle);
    }

    /// The obvious way to match, which takes too long for long texts.
    fn slowly(word: &[char], text: &[char]) -> bool {
        match (word, text) {
            ([], []) => true,
            ([ANY, rest @ ..], _) => slowly(rest, text) || (!text.is_empty() && slowly(word, &text[1..])),
            ([first, word @ ..], [c, text @ ..]) => first == c && slowly(word, text),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in ".*") {
            let _ = text.parse::<CommandPattern>();
        }

        #[test]
        fn what_is_shown_can_be_parsed(text in "[a-z]{1,5}( [a-z*.=]{1,5}){0,4}( \\.\\.\\.)?") {
            if let Ok(pattern) = text.parse::<CommandPattern>() {
                prop_assert_eq!(pattern.to_string().parse::<CommandPattern>().unwrap(), pattern);
            }
        }

        #[test]
        fn a_star_is_any_text(word in "[ab*]{0,6}", text in "[ab]{0,8}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(matches(&word, &text), slowly(&chars(&word), &chars(&text)));
        }

        #[test]
        fn what_both_match_overlaps(one in "[ab*]{0,5}", other in "[ab*]{0,5}", text in "[ab]{0,6}") {
            if matches(&one, &text) && matches(&other, &text) {
                prop_assert!(overlap(&one, &other));
            }
        }

        #[test]
        fn what_is_covered_matches_no_more(
            wide in "s( [ab*]{1,3}){0,3}( \\.\\.\\.)?",
            narrow in "s( [ab*]{1,3}){0,3}( \\.\\.\\.)?",
            args in proptest::collection::vec("[ab]{0,3}", 0..4),
        ) {
            let (wide, narrow) = (pattern(&wide), pattern(&narrow));
            if wide.covers(&narrow) && narrow.matches("s", &args) {
                prop_assert!(wide.matches("s", &args));
            }
        }
    }
}
