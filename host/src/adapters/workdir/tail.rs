//! The end of a text of unknown origin, fit to be shown.

/// The last lines of `bytes`, without the first if it was `cut`. Colours and other terminal sequences are left out, and
/// what else could act on a terminal is spelled out.
pub fn last_lines(bytes: &[u8], cut: bool, max_lines: usize) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = anstream::adapter::strip_str(&text).to_string();
    // Progress bars go back to the start of their line.
    let lines = text.split(['\n', '\r']).skip(usize::from(cut));
    let lines: Vec<_> = lines.filter(|line| !line.trim().is_empty()).collect();
    let mut shown = String::new();
    for line in lines.iter().skip(lines.len().saturating_sub(max_lines)) {
        line.chars().for_each(|char| push(&mut shown, char));
        shown.push('\n');
    }
    shown
}

fn push(shown: &mut String, char: char) {
    // The last two ranges reorder what stands beside them.
    let harmful = char.is_control() || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if harmful && char != '\t' {
        shown.extend(char.escape_default());
    } else {
        shown.push(char);
    }
}

#[cfg(test)]
mod tests {
    use super::last_lines;

    #[test]
    fn only_the_last_lines_are_kept() {
        assert_eq!(last_lines(b"one\ntwo\n\nthree\n", false, 2), "two\nthree\n");
        assert_eq!(last_lines(b"ut off\ntwo\n", true, 9), "two\n");
        assert_eq!(last_lines(b"", false, 9), "");
        assert_eq!(last_lines(b"10%\r20%\r30%", false, 1), "30%\n");
    }

    #[test]
    fn nothing_acts_on_the_terminal() {
        let nasty = b"\x1b[31mred\x1b[0m \x1b]0;title\x07bell\x07 \xff tab\t \xc2\x9b2J \xe2\x80\xae";
        let shown = last_lines(nasty, false, 9);
        assert!(shown.starts_with("red "), "{shown}");
        assert!(shown.contains("\u{fffd} tab\t "), "{shown}");
        assert!(
            !shown.chars().any(|char| char.is_control() && !"\t\n".contains(char)),
            "{shown:?}"
        );
    }
}
