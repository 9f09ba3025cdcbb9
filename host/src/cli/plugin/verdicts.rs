//! How the tests of a plugin are shown.

use std::fmt::Write as _;

use xqute::adapters::component::trial::check::{Check, CheckVerdict};

use crate::cli::{
    error::Result,
    exit::Exit,
    out,
    screen::{Style, printable},
};

/// Prints a title and all tests, and says what came of them.
pub(super) fn show(title: &str, checks: &[Check]) -> Result<Exit> {
    out::print(&text(title, checks))?;
    Ok(match checks.iter().any(Check::has_failed) {
        true => Exit::JobsFailed,
        false => Exit::Success,
    })
}

fn text(title: &str, checks: &[Check]) -> String {
    let mut text = format!("{}\n", Style::Strong.paint(&printable(title)));
    let mut counts = [0; 3];
    for check in checks {
        let (count, mark, style, why) = match &check.verdict {
            CheckVerdict::Passed => (&mut counts[0], "ok", Style::Good, None),
            CheckVerdict::Failed(why) => (&mut counts[1], "FAIL", Style::Error, Some(why)),
            CheckVerdict::Skipped(why) => (&mut counts[2], "skip", Style::Warning, Some(why)),
        };
        *count += 1;
        let mark = style.paint(&format!("{mark:<4}"));
        let _infallible = writeln!(text, "  {mark}  {}", printable(&check.what));
        for line in why.into_iter().flat_map(|why| why.lines()) {
            let _infallible = writeln!(text, "        {}", printable(line));
        }
    }
    let [passed, failed, skipped] = counts;
    let _infallible = writeln!(text, "{passed} passed, {failed} failed, {skipped} skipped");
    text
}
